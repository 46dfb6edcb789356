"""Recorded telemetry, request by request, in bounded memory.

Two formats, told apart by their first byte. OTLP JSON lines: one Export request a line, as file destinations and the
Collector's file exporter write it. Frames, as that exporter writes protobuf, and everything it compresses: the length
of what follows (4 bytes, big-endian), then an Export request, perhaps compressed with zstd.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedReader

import zstandard

from errorplane.otlp import InvalidRequest, Signal, from_json
from errorplane.replay._kinds import signal_of

MAX_BYTES = 128 << 20
"""Of one line or frame; so the first byte of a file of frames is never one that begins a text."""

_FIELDS = {
    "resourceSpans": Signal.TRACES,
    "resource_spans": Signal.TRACES,
    "resourceLogs": Signal.LOGS,
    "resource_logs": Signal.LOGS,
    "resourceMetrics": Signal.METRICS,
    "resource_metrics": Signal.METRICS,
}
_FIRST_FIELD = re.compile(rb'\s*\{\s*"(resource_?[A-Za-z]+)"')
_ZSTD, _GZIP = b"\x28\xb5\x2f\xfd", b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


class BadRecording(Exception):
    """A recording that cannot be read; the text names the file and the place in it, never what stands there."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One Export request, serialised, and where it stands."""

    signal: Signal
    body: bytes
    place: str


class Recording:
    """The requests of one stream; ``bytes_read`` says how far it is, ``cut`` that it ends within one.

    Iterating raises ``BadRecording``. A last line or frame that is not complete, as in a file that is still being
    written, is left out.
    """

    def __init__(self, stream: BufferedReader, name: str) -> None:
        self.bytes_read = 0
        self.cut = False
        self._stream = stream
        self.name = name

    def __iter__(self) -> Iterator[Recorded]:
        start = self._stream.peek(len(_ZSTD))[: len(_ZSTD)]
        if start.startswith((_ZSTD, _GZIP)):
            raise BadRecording(f"{self.name}: it is compressed as a whole: unpack it first, and give - to read a pipe")
        return self._frames() if start[:1] and start[0] <= MAX_BYTES >> 24 else self._lines()

    def _lines(self) -> Iterator[Recorded]:
        number = 0
        while line := self._stream.readline(MAX_BYTES + 1):
            number += 1
            self.bytes_read += len(line)
            place = f"{self.name}:{number}"
            if len(line) > MAX_BYTES:
                raise BadRecording(f"{place}: the line is longer than {MAX_BYTES >> 20} MiB")
            try:
                request = _of_json(line.removeprefix(_BOM).strip(), place)
            except BadRecording:
                if line.endswith(b"\n"):
                    raise
                self.cut = True
                return
            if request is not None:
                yield request

    def _frames(self) -> Iterator[Recorded]:
        while head := self._read(4):
            place = f"{self.name}: byte {self.bytes_read - len(head)}"
            length = int.from_bytes(head, "big")
            if len(head) == 4 and length > MAX_BYTES:
                raise BadRecording(f"{place}: a frame of {length} bytes, at most {MAX_BYTES >> 20} MiB are read")
            payload = self._read(length) if len(head) == 4 else b""
            if len(head) < 4 or len(payload) < length:
                self.cut = True
                return
            request = _of_frame(payload, place)
            if request is not None:
                yield request

    def _read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.bytes_read += len(data)
        return data


def _of_frame(payload: bytes, place: str) -> Recorded | None:
    if payload.startswith(_ZSTD):
        try:
            payload = zstandard.ZstdDecompressor().stream_reader(payload).read(MAX_BYTES + 1)
        except zstandard.ZstdError:
            raise BadRecording(f"{place}: the frame is damaged: zstd cannot unpack it") from None
        if len(payload) > MAX_BYTES:
            raise BadRecording(f"{place}: the frame is larger than {MAX_BYTES >> 20} MiB unpacked")
    if payload[:1] == b"{":
        return _of_json(payload, place)
    signal = signal_of(payload)
    if payload and signal is None:
        raise BadRecording(f"{place}: the frame is no Export request of traces, logs or metrics")
    return None if signal is None else Recorded(signal, payload, place)


def _of_json(line: bytes, place: str) -> Recorded | None:
    """None for a request of nothing."""
    if not line:
        return None
    found = _FIRST_FIELD.match(line)
    signal = _FIELDS.get(found[1].decode()) if found is not None else None
    try:
        signal = signal or _signal_within(line, place)
        return None if signal is None else Recorded(signal, from_json(signal, line), place)
    except InvalidRequest as error:
        raise BadRecording(f"{place}: {error}") from None


def _signal_within(line: bytes, place: str) -> Signal | None:
    """The signal of a document whose first field does not tell it."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise BadRecording(f"{place}: the line is not a JSON document") from None
    if document == {}:
        return None
    for name, signal in _FIELDS.items():
        if isinstance(document, dict) and name in document:
            return signal
    raise BadRecording(f"{place}: the line has none of resourceSpans, resourceLogs and resourceMetrics")
