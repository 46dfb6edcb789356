"""One event through each way of logging, as a line of JSON would have it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import structlog
from loguru import logger as loguru
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from structlog.stdlib import ProcessorFormatter

from errorplane.logs import (
    FIELDS,
    JsonFormatter,
    LoguruFormat,
    OpenTelemetrySink,
    Options,
    StructlogRenderer,
    loguru_handler,
)
from errorplane.testing import Capture

NAME = "shop.cart"
OPTIONS: Options = {"environ": {}, "thread": True}


class Log(Protocol):
    """Logs one event: a level in lower case, a message, an exception or None, and what comes with the message."""

    def __call__(self, level: str, message: str, error: BaseException | None = None, /, **extra: Any) -> None: ...


class Producer(Protocol):
    """Makes lines: `log` writes, `lines` are what was written."""

    log: Log

    @property
    def lines(self) -> list[dict[str, Any]]: ...


def refuse(constant: str) -> None:
    """For `json.loads`: NaN and the like are no JSON."""
    raise AssertionError(f"{constant} is no JSON")


class Written:
    """Lines in a stream, each parsed; no line may be more than one."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line, parse_constant=refuse) for line in self.stream.getvalue().split("\n")[:-1]]


def _to_logging(logger: logging.Logger) -> Log:
    def log(level: str, message: str, error: BaseException | None = None, /, **extra: Any) -> None:
        logger.log(getattr(logging, level.upper()), message, exc_info=error, extra=extra)

    return log


def _to_structlog(logger: Any) -> Log:
    def log(level: str, message: str, error: BaseException | None = None, /, **extra: Any) -> None:
        more = {} if error is None else {"exc_info": error}
        getattr(logger, level)(message, **more, **extra)

    return log


def _to_loguru() -> Log:
    def named(record: Any) -> None:
        record["name"] = NAME

    def log(level: str, message: str, error: BaseException | None = None, /, **extra: Any) -> None:
        loguru.patch(named).bind(**extra).opt(exception=error).log(level.upper(), message)

    return log


class Stdlib(Written):
    """The standard library's logging with `JsonFormatter`."""

    def __init__(self, options: Options = OPTIONS) -> None:
        super().__init__()
        self.logger = logger_of(logging.StreamHandler(self.stream), JsonFormatter("shop", **options))
        self.log = _to_logging(self.logger)


def logger_of(handler: logging.Handler, formatter: logging.Formatter | None = None) -> logging.Logger:
    """A logger outside of the tree that pytest listens to."""
    handler.setFormatter(formatter)
    logger = logging.Logger(NAME)  # noqa: LOG001  # see above
    logger.addHandler(handler)
    return logger


class StructlogNative(Written):
    """structlog with a logger of its own."""

    def __init__(self, options: Options = OPTIONS) -> None:
        super().__init__()
        logger: Any = structlog.wrap_logger(
            structlog.PrintLogger(self.stream), processors=[StructlogRenderer("shop", **options)]
        )
        self.log = _to_structlog(logger.bind(logger=NAME))


class StructlogBridge(Written):
    """structlog through the standard library, rendered by structlog's formatter."""

    def __init__(self, options: Options = OPTIONS) -> None:
        super().__init__()
        formatter = ProcessorFormatter(processors=[StructlogRenderer("shop", **options)])
        self.logger = logger_of(logging.StreamHandler(self.stream), formatter)
        self.log = _to_structlog(_bridged(self.logger, ProcessorFormatter.wrap_for_formatter))


class StructlogToFormatter(Written):
    """structlog through the standard library, with our formatter on the handler."""

    def __init__(self, last: Any = ProcessorFormatter.wrap_for_formatter, options: Options = OPTIONS) -> None:
        super().__init__()
        logger = logger_of(logging.StreamHandler(self.stream), JsonFormatter("shop", **options))
        self.log = _to_structlog(_bridged(logger, last))


def _bridged(logger: logging.Logger, last: Any) -> Any:
    return structlog.wrap_logger(logger, processors=[last], wrapper_class=structlog.stdlib.BoundLogger)


class Loguru(Written):
    """loguru with the handler that we make."""

    def __init__(self, options: Options = OPTIONS) -> None:
        super().__init__()
        loguru.add(level=0, **loguru_handler(self.stream, "shop", **options))
        self.log = _to_loguru()


class LoguruFormatted(Written):
    """loguru with one of its own sinks and our format."""

    def __init__(self, options: Options = OPTIONS) -> None:
        super().__init__()
        loguru.add(self.stream, level=0, colorize=False, format=LoguruFormat("shop", **options))
        self.log = _to_loguru()


class Exported:
    """Log records that OpenTelemetry exports, under the names that lines have."""

    def __init__(self, provider: LoggerProvider) -> None:
        self.exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # it has no annotations
        provider.add_log_record_processor(SimpleLogRecordProcessor(self.exporter))

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [_line_of(each) for each in self.exporter.get_finished_logs()]


def _line_of(exported: ReadableLogRecord) -> dict[str, Any]:
    record, scope = exported.log_record, exported.instrumentation_scope
    assert record.severity_number is not None
    assert scope is not None
    line: dict[str, Any] = {
        "severity_text": record.severity_text,
        "severity_number": record.severity_number.value,
        "body": record.body,
        "otel.scope.name": scope.name,
        "service.name": exported.resource.attributes["service.name"],
    }
    if record.trace_id:
        line |= {"trace_id": f"{record.trace_id:032x}", "trace_flags": f"{record.trace_flags or 0:02x}"}
    if record.span_id:
        line["span_id"] = f"{record.span_id:016x}"
    if record.event_name:
        line["otel.event.name"] = record.event_name
    known = {field.name for field in FIELDS if field.part == "Attributes"}
    extra: dict[str, Any] = {}
    for key, value in (record.attributes or {}).items():
        (line if key in known else extra)[key] = plain_of(value)
    return {**line, "attributes": extra} if extra else line


def plain_of(value: Any) -> Any:
    """As JSON would have it: the SDK keeps sequences as tuples."""
    if isinstance(value, Mapping):
        return {key: plain_of(item) for key, item in value.items()}
    return list(map(plain_of, value)) if isinstance(value, list | tuple) else value


class StdlibExported(Exported):
    """The standard library's logging with OpenTelemetry's handler."""

    def __init__(self, capture: Capture) -> None:
        super().__init__(capture.logger_provider)
        self.log = _to_logging(logger_of(capture.handler))


class LoguruExported(Exported):
    """loguru with the sink that hands on to OpenTelemetry."""

    def __init__(self, capture: Capture) -> None:
        super().__init__(capture.logger_provider)
        loguru.add(level=0, **loguru_handler(OpenTelemetrySink(capture.logger_provider, environ={})))
        self.log = _to_loguru()


WRITERS: Mapping[str, Callable[[], Producer]] = {
    "stdlib": Stdlib,
    "structlog": StructlogNative,
    "structlog bridge": StructlogBridge,
    "structlog to formatter": StructlogToFormatter,
    "structlog to keywords": lambda: StructlogToFormatter(structlog.stdlib.render_to_log_kwargs),
    "loguru": Loguru,
    "loguru format": LoguruFormatted,
}
EXPORTERS: Mapping[str, Callable[[Capture], Producer]] = {"stdlib": StdlibExported, "loguru": LoguruExported}


@contextmanager
def loguru_alone() -> Iterator[None]:
    """loguru without its default handler, and without ours in the end."""
    loguru.remove()
    try:
        yield
    finally:
        loguru.remove()
