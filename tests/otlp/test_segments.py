"""Segments by retention class and day: where lines go, when they expire, and what is left alone."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.otlp.parts import sample

from errorplane.otlp import ExpiredSegment, Receipt, Refused, RetryLater, SegmentDestination, Signal, read_segment
from errorplane.otlp._segments import class_folder

GOOD = sample(Signal.TRACES)
DAY_S = 86_400.0
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()


class Clock:
    """Unix time, as the test sets it."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


class Folder:
    """A destination in a folder, and what is there."""

    def __init__(self, path: Path, days: Mapping[str, int]) -> None:
        self.path = path
        self.clock = Clock()
        self.destination = SegmentDestination("files", path, days, None, self.clock)

    def send(self, retention_class: str = "audit", signal: Signal = Signal.TRACES) -> None:
        """One request."""
        assert self.destination.send(signal, retention_class, sample(signal), 1) == Receipt()

    def files(self) -> list[str]:
        """Every file, relative."""
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())

    def open_files(self) -> list[str]:
        """Those that this process holds open."""
        links = [Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
        targets = [link.readlink() for link in links if link.is_symlink()]
        return sorted(str(target.relative_to(self.path)) for target in targets if target.is_relative_to(self.path))

    def expire(self, days_later: float) -> list[str]:
        """What is deleted that many days after the noon at which the clock starts, relative."""
        expired = self.destination.expire(NOON + days_later * DAY_S)
        return sorted(str(segment.path.relative_to(self.path)) for segment in expired)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A destination of two classes: audit for 30 days, debug for one."""
    return Folder(tmp_path / "out", {"audit": 30, "debug": 1})


def test_one_file_a_class_and_day(folder: Folder) -> None:
    """Lines go to the file of their class and of the UTC day of writing, all signals mixed; it is closed with its day."""
    for signal in Signal:
        folder.send("audit", signal)
    folder.send("debug")
    folder.clock.now += 12 * 3600 - 1
    folder.send("audit")
    folder.clock.now += 1
    folder.send("audit")
    assert folder.files() == ["audit/2026-03-10.jsonl", "audit/2026-03-11.jsonl", "debug/2026-03-10.jsonl"]
    assert folder.open_files() == ["audit/2026-03-11.jsonl"]
    lines = [json.loads(line) for line in read_segment(folder.path / "audit" / "2026-03-10.jsonl")]
    assert [next(iter(line)) for line in lines] == ["resourceSpans", "resourceLogs", "resourceMetrics", "resourceSpans"]


def test_a_clock_that_goes_back_does_no_harm(folder: Folder) -> None:
    """The earlier day's file is gone on with."""
    for step in (0.0, DAY_S, -DAY_S):
        folder.clock.now += step
        folder.send()
    assert len(list(read_segment(folder.path / "audit" / "2026-03-10.jsonl"))) == 2


def test_torn_lines_are_repaired(folder: Folder) -> None:
    """A last line that a crash left incomplete is cut off before the next is written."""
    folder.send()
    folder.destination.close()
    path = folder.path / "audit" / "2026-03-10.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:50])
    folder.send()
    assert len(list(read_segment(path))) == 2
    assert path.read_bytes().startswith(whole + b'{"resource')


def test_a_segment_is_kept_for_its_days(folder: Folder) -> None:
    """A segment of day D with N days is deleted when day D + N is over, and not before."""
    folder.send("audit")
    folder.send("debug")
    assert folder.expire(1.49) == []
    assert folder.expire(1.5) == ["debug/2026-03-10.jsonl"]
    assert folder.files() == ["audit/2026-03-10.jsonl"]
    assert folder.expire(30.49) == []
    assert folder.expire(30.5) == ["audit/2026-03-10.jsonl"]
    assert folder.files() == []


def test_what_expires_is_reported(folder: Folder) -> None:
    """Each deleted segment comes back with its path, class, day and size."""
    folder.send("debug")
    path = folder.path / "debug" / "2026-03-10.jsonl"
    expected = ExpiredSegment(path, "debug", date(2026, 3, 10), path.stat().st_size)
    assert folder.destination.expire(NOON + 5 * DAY_S) == [expected]
    assert str(expected) == f"{path} (class debug, 2026-03-10, {expected.size} bytes)"


def test_an_open_segment_can_expire(folder: Folder) -> None:
    """What is sent after the file of the day was deleted starts a new file."""
    folder.send("debug")
    assert folder.expire(5) == ["debug/2026-03-10.jsonl"]
    folder.send("debug")
    assert folder.files() == ["debug/2026-03-10.jsonl"]


def test_unknown_classes_are_kept_longest(folder: Folder) -> None:
    """Segments of a class that the policy no longer names are kept as long as those of the longest class."""
    folder.send("forgotten")
    assert folder.expire(30.4) == []
    assert folder.expire(30.6) == ["forgotten/2026-03-10.jsonl"]


def test_without_any_class_nothing_expires_for_a_century(tmp_path: Path) -> None:
    """A policy without classes does not delete."""
    folder = Folder(tmp_path, {})
    folder.send("audit")
    assert folder.expire(36_500) == []


def test_what_is_no_segment_is_left_alone(folder: Folder, tmp_path: Path) -> None:
    """Other files, impossible days, links and what they lead to stay where they are."""
    folder.send("debug")
    inside = folder.path / "debug"
    others = ["notes.txt", "2026-03-10.json", "2026-13-45.jsonl", "2026-02-30.jsonl.enc", "x2026-03-10.jsonl"]
    others += ["2026-03-09.jsonl.gz", "2026-03-09.zzzzzzzz.jsonl"]
    for name in others:
        (inside / name).write_text("mine")
    (target := tmp_path / "target").mkdir()
    (target / "2026-03-10.jsonl").write_text("mine")
    (folder.path / "link").symlink_to(target)
    (inside / "2026-03-08.jsonl").symlink_to(target / "2026-03-10.jsonl")
    (inside / "2026-03-07.jsonl").mkdir()
    (folder.path / "2026-03-10.jsonl").write_text("mine")
    assert folder.expire(1000) == ["debug/2026-03-10.jsonl"]
    assert (target / "2026-03-10.jsonl").read_text() == "mine"
    assert set(folder.files()) >= {f"debug/{name}" for name in others} | {"2026-03-10.jsonl"}


def test_links_are_not_written_through(folder: Folder, tmp_path: Path) -> None:
    """A link in the place of a segment is not followed: the send is tried again, the target is untouched."""
    (target := tmp_path / "target").write_text("mine\n")
    (folder.path / "audit").mkdir(parents=True)
    (folder.path / "audit" / "2026-03-10.jsonl").symlink_to(target)
    with pytest.raises(RetryLater, match=str(folder.path / "audit")):
        folder.send()
    assert target.read_text() == "mine\n"


def test_before_the_first_send_nothing_is_there(folder: Folder) -> None:
    """Expiring and closing what was never written to is nothing."""
    assert folder.expire(1000) == []
    folder.destination.close()
    assert not folder.path.exists()


@given(st.text(min_size=1, max_size=20))
def test_a_class_is_one_folder(retention_class: str) -> None:
    """Whatever a class is called, its folder is one visible name below, and the name can be read back."""
    try:
        name = class_folder(retention_class)
    except Refused:
        return
    assert "/" not in name
    assert not name.startswith(".")
    assert unquote(name) == retention_class


@pytest.mark.parametrize("retention_class", ["", "x" * 201])
def test_a_class_has_a_name_of_bounded_length(folder: Folder, retention_class: str) -> None:
    """A class that cannot be a folder is refused for good."""
    with pytest.raises(Refused, match="1 to 200 characters"):
        folder.send(retention_class)


def test_many_classes_keep_few_files_open(folder: Folder) -> None:
    """More classes than files that may be open are all written, and again."""
    for _ in range(2):
        for number in range(40):
            folder.send(f"class-{number}")
    assert len(folder.files()) == 40
    assert all(len(list(read_segment(folder.path / name))) == 2 for name in folder.files())
    assert len(folder.open_files()) <= 32


def test_a_payload_that_is_no_request_is_refused(folder: Folder) -> None:
    """Bytes that are not the signal's request are given up, and later ones are written."""
    with pytest.raises(Refused, match="not an Export request"):
        folder.destination.send(Signal.TRACES, "audit", b"\x0a\xff", 1)
    folder.send()
    assert folder.files() == ["audit/2026-03-10.jsonl"]
