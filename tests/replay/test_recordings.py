"""Recordings are read in the formats that file exporters write, and their mistakes are named by place."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import zstandard
from google.protobuf.message import Message
from tests.support.telemetry import NOW_NS, any_value, log, logs, metrics, span, traces

from errorplane.otlp import Signal, to_json_line
from errorplane.replay import MAX_BYTES, BadRecording, Recorded, Recording, sent_ns, signal_of

THREE = [
    (Signal.TRACES, traces([span()])),
    (Signal.LOGS, logs([log()])),
    (Signal.METRICS, metrics(["checkouts"])),
]


def frame(payload: bytes) -> bytes:
    """A frame of the Collector's file exporter."""
    return len(payload).to_bytes(4, "big") + payload


def read(data: bytes) -> list[Recorded]:
    """All requests of a recording named ``r``."""
    return list(recording(data))


def recording(data: bytes) -> Recording:
    """A recording named ``r``."""
    return Recording(io.BufferedReader(io.BytesIO(data)), "r")


def as_json(signal: Signal, request: Message) -> bytes:
    """A line of OTLP JSON."""
    return to_json_line(signal, request.SerializeToString()).rstrip(b"\n") + b"\n"


def test_json_lines_are_told_by_their_field() -> None:
    """Lines of all three signals, also with other spellings and fields before, come with their file and line."""
    late = b'{"schemaUrl": "", "resource_logs": []}\n'
    lines = b"\xef\xbb\xbf" + b"".join(as_json(*each) for each in THREE) + b"\n{}\n" + late
    found = read(lines)
    assert [(each.signal, each.place) for each in found] == [
        (Signal.TRACES, "r:1"),
        (Signal.LOGS, "r:2"),
        (Signal.METRICS, "r:3"),
        (Signal.LOGS, "r:6"),
    ]
    assert [each.body for each in found[:3]] == [request.SerializeToString() for _, request in THREE]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "zstd"])
def test_frames_are_told_by_their_first_item(packed: bool) -> None:
    """Frames of protobuf and of JSON, plain and compressed, are told apart by what is in them."""
    payloads = [request.SerializeToString() for _, request in THREE] + [as_json(*THREE[0])]
    data = b"".join(frame(zstandard.compress(each) if packed else each) for each in payloads)
    found = read(data)
    assert [each.signal for each in found] == [Signal.TRACES, Signal.LOGS, Signal.METRICS, Signal.TRACES]
    assert [each.body for each in found] == [*payloads[:3], payloads[0]]
    assert found[1].place == f"r: byte {len(frame(zstandard.compress(payloads[0]) if packed else payloads[0]))}"


def test_bare_items_are_told_apart_too() -> None:
    """A span without times and a log record with nothing but a body still have their signal."""
    bare = span()
    bare.ClearField("start_time_unix_nano")
    bare.ClearField("end_time_unix_nano")
    record = log()
    for name in ("time_unix_nano", "severity_number"):
        record.ClearField(name)
    record.body.CopyFrom(any_value("x"))
    sixteen = metrics(["sixteen.letters."])
    assert signal_of(traces([bare]).SerializeToString()) is Signal.TRACES
    assert signal_of(logs([record]).SerializeToString()) is Signal.LOGS
    assert signal_of(sixteen.SerializeToString()) is Signal.METRICS
    assert signal_of(b"") is None


def test_an_incomplete_end_is_left_out() -> None:
    """A file that is still being written yields what is whole, and says that it is cut; a whole one does not."""
    whole = as_json(*THREE[0])
    line = recording(whole + whole[:40])
    assert (len(list(line)), line.cut) == (1, True)
    frames = frame(THREE[0][1].SerializeToString())
    for length in (2, 4, 20):
        cut = recording(frames + frames[:length])
        assert (len(list(cut)), cut.cut) == (1, True)
    complete = recording(frames)
    assert (len(list(complete)), complete.cut, complete.bytes_read) == (1, False, len(frames))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"resourceSpans": 7}\n', "r:1: OTLP JSON: resourceSpans: must be an array"),
        (b'{"spans": []}\n', "r:1: the line has none of resourceSpans, resourceLogs and resourceMetrics"),
        (b"GET /cart 200\n", "r:1: the line is not a JSON document"),
        (frame(b"\xff\xff\xff\xff"), "r: byte 0: the frame is no Export request of traces, logs or metrics"),
        (b"\x08\x00\x00\x01", "r: byte 0: a frame of 134217729 bytes, at most 128 MiB are read"),
        (
            frame(zstandard.compress(b"x" * 99)[:6] + b"junkjunk"),
            "r: byte 0: the frame is damaged: zstd cannot unpack it",
        ),
        (zstandard.compress(b"{}"), "r: it is compressed as a whole"),
    ],
    ids=["field", "other", "text", "frame", "long", "zstd", "whole"],
)
def test_mistakes_name_their_place(data: bytes, message: str) -> None:
    """What is no recording is refused with file and line or byte, and nothing of what stands there."""
    with pytest.raises(BadRecording) as refused:
        read(data)
    assert str(refused.value).startswith(message)
    assert "cart" not in str(refused.value)


def test_a_bomb_is_not_unpacked() -> None:
    """A compressed frame that is endless once unpacked is refused before it fills the memory."""
    with pytest.raises(BadRecording, match="larger than 128 MiB unpacked"):
        read(frame(zstandard.compress(bytes(MAX_BYTES + 1))))


def test_the_time_of_a_request_is_its_latest_end() -> None:
    """The latest end counts, that of a clock which is a year ahead does not; what has no time has none."""
    far = span(seconds=3.0)
    far.end_time_unix_nano += 365 * 86400 * 10**9
    spans = [span(seconds=0.5), span(seconds=2.0), span(seconds=1.0), far]
    assert sent_ns(Signal.TRACES, traces(spans).SerializeToString()) == NOW_NS + 2 * 10**9
    assert sent_ns(Signal.LOGS, logs([log()]).SerializeToString()) == NOW_NS
    assert sent_ns(Signal.METRICS, metrics(["a"]).SerializeToString()) == 0
    assert sent_ns(Signal.TRACES, b"\xff") == 0


def test_a_line_holds_what_its_json_says(tmp_path: Path) -> None:
    """A real file, opened as the command does, gives the requests that were written."""
    path = tmp_path / "out.jsonl"
    path.write_bytes(as_json(*THREE[1]))
    with path.open("rb") as stream:
        (found,) = Recording(stream, path.name)
    assert json.loads(path.read_text())["resourceLogs"]
    assert found.body == THREE[1][1].SerializeToString()
