"""Every touch of a private part of the OpenTelemetry SDK, so that a new SDK can break only this module."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any
from weakref import WeakSet

from opentelemetry import _logs as logs_api
from opentelemetry import trace as trace_api
from opentelemetry._logs import _internal as logs_api_internal
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.instrumentation.version import __version__ as instrumentation_version
from opentelemetry.sdk._configuration import _OTelSDKConfigurator
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs import LoggingHandler as SdkLoggingHandler
from opentelemetry.sdk.trace import Span, TracerProvider
from opentelemetry.util.types import Attributes

from errorplane.context import leaving
from errorplane.hooks._attachment import HANDLED, Attachment
from errorplane.hooks._describe import keep_bound
from errorplane.hooks._guard import GUARD
from errorplane.hooks._logs import ContextLogProcessor
from errorplane.hooks._spans import ContextSpanProcessor, record

Undo = Callable[[], None]


class Configurator(_OTelSDKConfigurator):
    """The SDK's own configurator, which is not to be used but through a subclass."""


def configure_if_nobody_does() -> None:
    """Set the SDK up as opentelemetry-distro does, where no package is installed that will."""
    if not entry_points(group="opentelemetry_configurator"):
        configurator: Any = Configurator
        configurator().configure(auto_instrumentation_version=instrumentation_version)


def install(attachment: Attachment) -> list[Undo]:
    """Hook into the SDK's classes and the providers that exist; returns what takes it back."""
    undo: list[Undo] = []
    try:
        _install(attachment, undo)
    except Exception:
        for step in reversed(undo):
            step()
        raise
    return undo


def _install(attachment: Attachment, undo: list[Undo]) -> None:
    undo.append(_chain_record_exception(attachment))
    undo.append(_listen(attachment))
    undo.extend(_see_handled(attachment, handler) for handler in (LoggingHandler, SdkLoggingHandler))
    seen: WeakSet[object] = WeakSet()

    def adopt(provider: object) -> None:
        if attachment.active and provider not in seen:
            seen.add(provider)
            _add_processors(attachment, provider)

    for provider_class in (TracerProvider, LoggerProvider):
        undo.append(_after(provider_class, "__init__", adopt))
    # Providers that were made before, by whatever distro, and are set now or later.
    undo.append(_after(trace_api, "_set_tracer_provider", adopt))
    undo.append(_after(logs_api_internal, "_set_logger_provider", adopt))
    adopt(trace_api.get_tracer_provider())
    adopt(logs_api.get_logger_provider())


def _add_processors(attachment: Attachment, provider: object) -> None:
    if isinstance(provider, TracerProvider):
        provider.add_span_processor(ContextSpanProcessor(attachment))
    elif isinstance(provider, LoggerProvider):
        _put_first(provider, ContextLogProcessor(attachment))


def _put_first(provider: LoggerProvider, processor: ContextLogProcessor) -> None:
    """Before the exporting processors: they copy or send the record when they see it."""
    provider.add_log_record_processor(processor)
    multi = provider._multi_log_record_processor
    *others, last = multi._log_record_processors
    if last is processor:
        multi._log_record_processors = (processor, *others)


def _listen(attachment: Attachment) -> Undo:
    def left(error: BaseException, bound: Mapping[str, str]) -> None:
        if attachment.active:
            GUARD.run("bind", keep_bound, error, bound)

    leaving.append(left)
    return lambda: leaving.remove(left)


def _chain_record_exception(attachment: Attachment) -> Undo:
    previous = Span.record_exception

    @functools.wraps(previous)
    def record_exception(
        self: Span,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        if attachment.active:
            record(attachment, previous, self, exception, attributes, timestamp, escaped)
        else:
            previous(self, exception, attributes, timestamp, escaped)

    return _replace(Span, "record_exception", record_exception)


def _see_handled(attachment: Attachment, handler: type[logging.Handler]) -> Undo:
    """Let our log processor see the exception object: the handlers pass on only what they print of it."""
    previous = handler.emit

    @functools.wraps(previous)
    def emit(self: logging.Handler, record: logging.LogRecord) -> None:
        info = record.exc_info
        error = info[1] if isinstance(info, tuple) and len(info) == 3 else None
        if not attachment.active or not isinstance(error, BaseException):
            previous(self, record)
            return
        token = HANDLED.set(error)
        try:
            previous(self, record)
        finally:
            HANDLED.reset(token)

    return _replace(handler, "emit", emit)


def _after(owner: object, name: str, adopt: Callable[[object], None]) -> Undo:
    """Call `adopt` with the first argument of a function once that has returned."""
    previous: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(previous)
    def wrapper(first: object, *args: Any, **kwargs: Any) -> Any:
        result = previous(first, *args, **kwargs)
        GUARD.run(name, adopt, first)
        return result

    return _replace(owner, name, wrapper)


def _replace(owner: object, name: str, new: object) -> Undo:
    previous = getattr(owner, name)
    setattr(owner, name, new)

    def undo() -> None:
        if getattr(owner, name) is new:  # else somebody has chained to ours, and only they can undo that
            setattr(owner, name, previous)

    return undo
