"""Sealed segments: encrypted one by one, readable with their key only, and whole after any crash."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.otlp.parts import sample
from tests.support.telemetry import span, traces

from errorplane.keys import Key, KeyUnavailable
from errorplane.otlp import RetryLater, SegmentDestination, SegmentError, Signal, read_segment, to_json_line

KEY, OTHER = Key("0a0a0a0a", b"k" * 32), Key("0b0b0b0b", b"o" * 32)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()
MAGIC_AND_LENGTH = 10


class Sealed:
    """A destination that seals, and its file of the day."""

    def __init__(self, folder: Path, key: Callable[[], Key] = lambda: KEY) -> None:
        self.folder = folder / "audit"
        self.path = self.folder / "2026-03-10.jsonl.enc"
        self.destination = SegmentDestination("files", folder, {"audit": 30}, key, lambda: NOON)

    def send(self, name: str = "GET /cart") -> bytes:
        """One span of that name; returns the line that it is in the file."""
        payload = traces([span(name)]).SerializeToString()
        self.destination.send(Signal.TRACES, "audit", payload, 1)
        return to_json_line(Signal.TRACES, payload)[:-1]

    def lines(self) -> list[bytes]:
        """What is in the file."""
        return list(read_segment(self.path, KEY))


@pytest.fixture
def sealed(tmp_path: Path) -> Sealed:
    """A destination whose key is ``KEY``."""
    return Sealed(tmp_path)


def test_what_is_sealed_is_read_with_the_key(sealed: Sealed) -> None:
    """Lines come back in order with the key; the file shows class, day and key id, but no text of theirs."""
    sent = [sealed.send(f"planted-{number}") for number in range(5)]
    assert sealed.lines() == sent
    raw = sealed.path.read_bytes()
    assert b"planted" not in raw
    assert b"resource" not in raw
    assert KEY.secret not in raw
    assert b'"retention_class": "audit", "day": "2026-03-10", "key": "0a0a0a0a"' in raw


def test_a_later_start_goes_on(tmp_path: Path) -> None:
    """The same key goes on in the same file."""
    sent = []
    for _ in range(3):
        sealed = Sealed(tmp_path)
        sent += [sealed.send(), sealed.send()]
        sealed.destination.close()
    assert sealed.lines() == sent
    assert [path.name for path in sealed.folder.iterdir()] == ["2026-03-10.jsonl.enc"]


def test_each_file_has_a_key_of_its_own(tmp_path: Path) -> None:
    """Equal lines under one key are different bytes in each file, so a deleted file is gone for good."""
    payload = sample(Signal.TRACES)
    files = []
    for name in ("a", "b"):
        sealed = Sealed(tmp_path / name)
        for _ in range(2):
            sealed.destination.send(Signal.TRACES, "audit", payload, 1)
        files.append(sealed.path.read_bytes()[-100:])
    assert files[0] != files[1]


def test_without_the_key_nothing_is_read(sealed: Sealed) -> None:
    """No key and another key are refused with the id of the one that is wanted, and no secret."""
    sealed.send()
    with pytest.raises(SegmentError, match="sealed with key 0a0a0a0a, and no key is given"):
        list(read_segment(sealed.path))
    with pytest.raises(SegmentError, match="sealed with key 0a0a0a0a, but the key given is 0b0b0b0b") as caught:
        list(read_segment(sealed.path, OTHER))
    assert "ooo" not in str(caught.value)


def test_a_key_that_changes_starts_a_new_file(tmp_path: Path) -> None:
    """After a change of keys in the course of a day, both files are read with their own, and expire together."""
    first = Sealed(tmp_path)
    line = first.send("before")
    first.destination.close()
    second = Sealed(tmp_path, lambda: OTHER)
    later = [second.send("after"), second.send("after that")]
    assert first.lines() == [line]
    assert list(read_segment(first.folder / "2026-03-10.0b0b0b0b.jsonl.enc", OTHER)) == later
    assert len(second.destination.expire(NOON + 86_400 * 40)) == 2


def test_a_key_that_cannot_be_had_is_waited_for(tmp_path: Path) -> None:
    """Without a key the send is tried again, and nothing is written in the clear meanwhile."""
    keys: list[Key] = []

    def key() -> Key:
        if not keys:
            raise KeyUnavailable("segments", "the command failed")
        return keys[0]

    sealed = Sealed(tmp_path, key)
    with pytest.raises(RetryLater, match="the command failed"):
        sealed.send()
    assert list(tmp_path.rglob("*.jsonl*")) == []
    keys.append(KEY)
    assert [sealed.send()] == sealed.lines()


def test_a_file_cut_anywhere_is_repaired(tmp_path: Path) -> None:
    """Wherever a crash cuts the file, the frames that are whole are read, and writing goes on after them."""
    sealed = Sealed(tmp_path / "whole")
    ends, sent = [0], []
    for _ in range(3):
        sent.append(sealed.send())
        ends.append(sealed.path.stat().st_size)
    raw = sealed.path.read_bytes()
    for cut in sorted({*range(0, len(raw), 5), *(end + near for end in ends[:-1] for near in range(6))}):
        again = Sealed(tmp_path / str(cut))
        again.folder.mkdir(parents=True)
        again.path.write_bytes(raw[:cut])
        whole = sum(end <= cut for end in ends[1:])
        assert again.lines() == sent[:whole]
        line = again.send()
        assert again.lines() == [*sent[:whole], line]
        again.destination.close()


@pytest.mark.parametrize("rest", [b"\0" * 5000, b"\0\0", b"\0\0\x10\0" + b"\0" * 200, b"\0\0\0\x40" + b"\0" * 64])
def test_what_was_never_written_out_is_cut_off(sealed: Sealed, rest: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A frame that is NUL bytes, wholly or after its length, is not read and is cut off with a warning."""
    sent = [sealed.send(), sealed.send()]
    sealed.destination.close()
    with sealed.path.open("ab") as file:
        file.write(rest)
    assert sealed.lines() == sent
    sent.append(sealed.send())
    assert sealed.lines() == sent
    assert f"cut off {len(rest)} incomplete bytes" in caplog.text


def test_damage_in_the_middle_is_told(sealed: Sealed) -> None:
    """A damaged frame with others behind it is an error to readers, with the path and the number."""
    for _ in range(3):
        sealed.send()
    sealed.destination.close()
    raw = bytearray(sealed.path.read_bytes())
    frame = first_frame(raw)
    for at in (frame + 3, frame + 20):  # in the length, and in the sealed bytes
        damaged = bytearray(raw)
        damaged[at] ^= 1
        sealed.path.write_bytes(damaged)
        with pytest.raises(SegmentError, match=rf"{sealed.path}: frame 0 is damaged"):
            sealed.lines()


def first_frame(raw: bytes | bytearray) -> int:
    """Where the first frame begins."""
    return MAGIC_AND_LENGTH + int.from_bytes(raw[8:10], "big") + 60


def test_a_writer_does_not_cut_off_behind_damage(sealed: Sealed) -> None:
    """Where a frame's length is damaged, so that the rest cannot be found, the writer leaves the file as it is."""
    for _ in range(3):
        sealed.send()
    sealed.destination.close()
    raw = bytearray(sealed.path.read_bytes())
    raw[first_frame(raw) + 3] ^= 1
    sealed.path.write_bytes(raw)
    with pytest.raises(RetryLater, match="frame 0 is damaged: move the file away"):
        sealed.send()
    assert sealed.path.read_bytes() == raw
    sealed.path.rename(sealed.folder / "aside")
    sealed.send()


@pytest.mark.parametrize("change", ["swapped", "repeated", "left out", "moved to another file"])
def test_frames_stay_in_their_place(sealed: Sealed, tmp_path: Path, change: str) -> None:
    """Frames that are swapped, repeated, left out or moved to another file do not authenticate."""
    starts = []
    for _ in range(3):
        sealed.send()
        starts.append(sealed.path.stat().st_size)
    raw = sealed.path.read_bytes()
    head, one, two, three = (
        raw[a:b] for a, b in zip([0, first_frame(raw), *starts], [first_frame(raw), *starts], strict=False)
    )
    other = Sealed(tmp_path / "other")
    other.send()
    foreign = other.path.read_bytes()
    sealed.path.write_bytes(
        {
            "swapped": head + two + one + three,
            "repeated": head + one + one + two,
            "left out": head + two + three,
            "moved to another file": head + foreign[first_frame(foreign) :] + two,
        }[change]
    )
    with pytest.raises(SegmentError, match=r"frame [01] is damaged"):
        sealed.lines()


@pytest.mark.parametrize("at", [0, 5, 8, 9, 15, 40, 100, 150, 170])
def test_a_changed_header_is_noticed(sealed: Sealed, at: int) -> None:
    """A header with a byte changed is refused by readers, and left as it is by writers."""
    sealed.send()
    sealed.destination.close()
    raw = bytearray(sealed.path.read_bytes())
    raw[at] ^= 64
    sealed.path.write_bytes(raw)
    with pytest.raises(SegmentError, match=str(sealed.path)):
        sealed.lines()
    with pytest.raises(RetryLater, match=str(sealed.path)):
        sealed.send()
    assert sealed.path.read_bytes() == raw


def test_nothing_secret_is_logged(sealed: Sealed, caplog: pytest.LogCaptureFixture) -> None:
    """Neither key nor line is in the log or in the repr."""
    caplog.set_level(logging.DEBUG)
    sealed.send("planted")
    sealed.path.write_bytes(sealed.path.read_bytes()[:-1])
    sealed.destination.close()
    sealed.send("planted")
    assert "cut off" in caplog.text
    assert "planted" not in caplog.text
    assert "kkk" not in caplog.text + repr(sealed.destination) + repr(KEY)


def test_a_plain_file_under_a_sealed_name_is_refused(sealed: Sealed) -> None:
    """A file that is no sealed segment is neither read as one nor written to."""
    sealed.folder.mkdir(parents=True)
    sealed.path.write_bytes(b'{"resourceSpans":[]}\n')
    with pytest.raises(RetryLater, match="is not a sealed segment"):
        sealed.send()
    assert sealed.path.read_bytes() == b'{"resourceSpans":[]}\n'
