"""One file of OTLP JSON lines: what is written, and what crashes and other people do to it."""

from __future__ import annotations

import json
import os
import re
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.otlp.parts import sample

from errorplane.otlp import FileDestination, Receipt, Refused, RetryLater, Signal, read_segment, to_json_line

GOOD = sample(Signal.TRACES)
LINE = to_json_line(Signal.TRACES, GOOD)


@contextmanager
def destination(path: Path) -> Iterator[FileDestination]:
    """A destination of that path."""
    made = FileDestination("file", path)
    try:
        yield made
    finally:
        made.close()


def write(path: Path, count: int = 1) -> None:
    """Send the sample."""
    with destination(path) as to:
        for _ in range(count):
            assert to.send(Signal.TRACES, "audit", GOOD, 1) == Receipt()


def failure(path: Path) -> str:
    """The error of a send that must be tried again."""
    with destination(path) as to, pytest.raises(RetryLater) as caught:
        to.send(Signal.TRACES, "audit", GOOD, 1)
    return str(caught.value)


def test_signals_are_mixed_by_line(tmp_path: Path) -> None:
    """The very path that is given gets one OTLP JSON object a line, in the order of sending."""
    path = tmp_path / "out" / "audit.jsonl"
    with destination(path) as to:
        assert not path.exists()
        for signal in (*Signal, Signal.TRACES):
            to.send(signal, "audit", sample(signal), 1)
            assert path.read_bytes().endswith(b"}\n")
    keys = [next(iter(json.loads(line))) for line in path.read_bytes().splitlines()]
    assert keys == ["resourceSpans", "resourceLogs", "resourceMetrics", "resourceSpans"]
    assert [line + b"\n" for line in read_segment(path)] == path.read_bytes().splitlines(keepends=True)


def test_files_are_for_their_owner(tmp_path: Path) -> None:
    """What is created can be read by its owner only, file and folders; a file that is there keeps its mode."""
    path = tmp_path / "a" / "b" / "audit.jsonl"
    write(path)
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent, path.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]
    path.chmod(0o640)
    write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_it_appends_to_what_is_there(tmp_path: Path) -> None:
    """A second start goes on after the lines of the first."""
    path = tmp_path / "audit.jsonl"
    write(path, 2)
    write(path, 2)
    assert path.read_bytes() == 4 * LINE


@pytest.mark.parametrize("cut", [1, 9, 10, 11, len(LINE) // 2, len(LINE) - 1])
@pytest.mark.parametrize("before", [0, 1, 1000])
def test_a_torn_last_line_is_cut_off(tmp_path: Path, cut: int, before: int, caplog: pytest.LogCaptureFixture) -> None:
    """A last line that a crash left incomplete goes, with a warning; everything before it stays."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(before * LINE + LINE[:cut])
    assert list(read_segment(path)) == before * [LINE[:-1]]
    write(path)
    assert path.read_bytes() == (before + 1) * LINE
    assert f"cut off {cut} incomplete bytes" in caplog.text


@pytest.mark.parametrize(
    "torn", [b"\0" * 5000, LINE[:20] + b"\0" * 30, LINE[:20] + b"\0" * 30 + b"}\n", b"\0" * 4096 + LINE[-9:]]
)
def test_what_was_never_written_out_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    """NUL bytes, which a file system leaves where it knew the size and not the data, go with their line."""
    path = tmp_path / "audit.jsonl"
    path.write_bytes(2 * LINE + torn)
    write(path)
    assert path.read_bytes() == 3 * LINE


@pytest.mark.parametrize("content", [b"precious", b'{"a": 1}', b"version: 1\nlisten: here", b"a\0b", LINE + b"more"])
def test_files_of_others_are_not_damaged(tmp_path: Path, content: bytes) -> None:
    """What does not end as our lines do is left as it is; the error says what to do."""
    path = tmp_path / "precious"
    path.write_bytes(content)
    assert "move it away" in failure(path)
    assert path.read_bytes() == content


def test_a_file_that_was_moved_is_created_anew(tmp_path: Path) -> None:
    """Rotation, by moving, by removing or by truncating, loses nothing that is sent later."""
    path = tmp_path / "audit.jsonl"
    with destination(path) as to:

        def send() -> None:
            to.send(Signal.TRACES, "audit", GOOD, 1)

        send()
        path.rename(tmp_path / "audit.1")
        send()
        assert (path.read_bytes(), (tmp_path / "audit.1").read_bytes()) == (LINE, LINE)
        path.unlink()
        send()
        assert path.read_bytes() == LINE
        os.truncate(path, 0)
        send()
        assert path.read_bytes() == LINE


def test_two_writers_do_not_share_a_file(tmp_path: Path) -> None:
    """A second destination of the file waits until the first is closed."""
    path = tmp_path / "audit.jsonl"
    with destination(path) as first:
        first.send(Signal.TRACES, "audit", GOOD, 1)
        assert "being written by another process or destination" in failure(path)
    write(path)
    assert path.read_bytes() == 2 * LINE


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A pipe, a device, a folder and a path below a file are retryable errors with the path."""
    os.mkfifo(pipe := tmp_path / "pipe")
    (plain := tmp_path / "plain").write_bytes(b"")
    for path in (pipe, Path("/dev/null"), tmp_path, plain / "below"):
        assert failure(path).startswith(f"{path}: ")


@pytest.mark.parametrize("room", [0, 10, len(LINE) - 1])
def test_a_full_disk_leaves_whole_lines(tmp_path: Path, room: int) -> None:
    """A line that does not fit is taken back, and written once there is room."""
    path = tmp_path / "audit.jsonl"
    with destination(path) as to:
        to.send(Signal.TRACES, "audit", GOOD, 1)
        with files_up_to(len(LINE) + room), pytest.raises(RetryLater, match=re.escape(f"{path}: File too large")):
            to.send(Signal.TRACES, "audit", GOOD, 1)
        assert path.read_bytes() == LINE
        to.send(Signal.TRACES, "audit", GOOD, 1)
    assert path.read_bytes() == 2 * LINE


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Let this process write no file beyond that size, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_payload_that_is_no_request_is_refused(tmp_path: Path) -> None:
    """Bytes that are not the signal's request are given up, and later ones are written."""
    path = tmp_path / "audit.jsonl"
    with destination(path) as to:
        with pytest.raises(Refused, match="not an Export request") as caught:
            to.send(Signal.TRACES, "audit", b"\x0a\xff", 1)
        assert caught.value.payload_at_fault
        to.send(Signal.TRACES, "audit", GOOD, 1)
    assert path.read_bytes() == LINE


ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from errorplane.otlp import FileDestination, Signal
from tests.support.telemetry import span, traces
_, path, run, count = sys.argv
destination = FileDestination("file", Path(path))
for number in range(int(count)):
    payload = traces([span(f"{run} {number}", attributes={"padding": "x" * 20_000})]).SerializeToString()
    destination.send(Signal.TRACES, "audit", payload, 1)
    sys.stdout.write(f"{run} {number}\\n")
    sys.stdout.flush()
"""


def test_kill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """After kill -9 every line that was acknowledged is there once, in order, and the next start goes on."""
    path = tmp_path / "audit.jsonl"
    acknowledged: dict[str, list[str]] = {}
    for run in ("first", "second"):
        command = [sys.executable, "-c", WRITER, str(path), run, "1000000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            assert process.stdout is not None
            acknowledged[run] = [process.stdout.readline().strip() for _ in range(40)]
            process.kill()
            acknowledged[run] += [line.strip() for line in process.stdout if line.endswith("\n")]
    write(path)
    documents = [json.loads(line) for line in read_segment(path)]
    names = [document["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] for document in documents]
    for run, told in acknowledged.items():
        written = [name for name in names if name.startswith(run)]
        assert written[: len(told)] == told
        assert len(written) <= len(told) + 1  # one may have been stored and not yet acknowledged


def test_data_is_synced_before_the_answer(tmp_path: Path) -> None:
    """A trace of system calls shows each line written, then synced, then acknowledged."""
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-e", "trace=write,fsync,fdatasync", "-s", "16", "-o", str(trace)]
    command += [sys.executable, "-c", WRITER, str(tmp_path / "audit.jsonl"), "run", "3"]
    subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, timeout=60, check=True)
    kinds = {r'write\(\d+, "\{\\"resource': "w", r"f(data)?sync\(": "s", r"write\(1, ": "a"}
    lines = trace.read_text().splitlines()
    seen = "".join(kind for line in lines for pattern, kind in kinds.items() if re.search(pattern, line))
    assert seen.endswith("wsa" * 3), seen
