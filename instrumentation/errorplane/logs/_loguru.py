"""JSON lines from loguru, which need not be installed for it."""

from __future__ import annotations

from typing import Any, Final, Protocol, TextIO, Unpack

from errorplane.logs._event import Event, exception_in, severity, severity_text
from errorplane.logs._line import Lines, Options

_LINE: Final = "errorplane_line"  # a key of loguru's record; not in its `extra`, which other sinks print


class Message(Protocol):
    """What loguru hands to a sink: a `str` with the record that it was made of."""

    record: Any


class RecordSink:
    """A sink of loguru's that reads records: it needs no text to be made of them."""

    def write(self, message: Message) -> None:
        """Take a message."""
        raise NotImplementedError


class LoguruFormat:
    """For `logger.add(sink, format=LoguruFormat())`: loguru writes JSON lines to whatever sink it knows.

    With it, files of loguru's rotate, and with `enqueue=True` a line still has the trace in which it was logged. What is
    logged with `opt(raw=True)` passes by any format of loguru's.
    """

    def __init__(self, service_name: str | None = None, **options: Unpack[Options]) -> None:
        self._lines = Lines(service_name, **options)

    def __call__(self, record: Any) -> str:
        """The template of the line: loguru calls this where it was logged, and formats once more after that."""
        record[_LINE] = self._lines.line(event_of_loguru, record)
        return f"{{{_LINE}}}\n"


class LoguruSink(RecordSink):
    """A sink for `logger.add`: writes the line that `JsonFormatter` would write to a stream, whatever the format.

    `loguru_handler` is this with everything switched off that loguru would do for its own format.
    """

    def __init__(self, stream: TextIO, service_name: str | None = None, **options: Unpack[Options]) -> None:
        self._stream = stream
        self._lines = Lines(service_name, **options)

    def write(self, message: Message) -> None:
        """Write the line of a message."""
        line = message.record.get(_LINE) or self._lines.line(event_of_loguru, message.record)
        self._stream.write(f"{line}\n")
        self._stream.flush()


def loguru_handler(sink: Any, service_name: str | None = None, **options: Unpack[Options]) -> dict[str, Any]:
    """Arguments for `logger.add(**...)`, and an entry of `handlers` for `logger.configure`.

    `sink` is a stream or the path of a file, to which JSON lines are written, or an `OpenTelemetrySink`. loguru's own
    traceback with the values of variables is switched off: it would be made for nothing.
    """
    found: dict[str, Any] = {"sink": sink, "colorize": False, "backtrace": False, "diagnose": False}
    if isinstance(sink, RecordSink):
        return {**found, "format": _no_text}
    if hasattr(sink, "write"):
        found["sink"] = LoguruSink(sink, service_name, **options)
    return {**found, "format": LoguruFormat(service_name, **options)}


def _no_text(_: Any) -> str:
    return ""


def event_of_loguru(record: dict[str, Any]) -> Event:
    """What a record of loguru's says."""
    level, thread, stack = record["level"], record["thread"], record["exception"]
    error = exception_in(tuple(stack)) if stack else None
    return Event(
        nanoseconds=int(record["time"].timestamp() * 1e9),
        severity_text=severity_text(level.name),
        severity_number=severity(level.no),
        body=record["message"],
        scope=record["name"],
        attributes=record["extra"],
        error=error,
        code=(record["file"].path, record["line"], record["function"]),
        thread=(thread.id, thread.name),
    )
