"""Every touch of a private part of the OpenTelemetry SDK, so that a new SDK can break only this module.

Each hook looks for its part when it is installed. One that does not find it is off, is counted in `GUARD` and stands in
`hook_states`; the others work without it.
"""

from __future__ import annotations

import functools
import importlib
import logging
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from weakref import WeakSet

from opentelemetry.context import attach, detach

from errorplane.context import leaving
from errorplane.errors import is_in_app
from errorplane.hooks._attachment import BY_LIBRARY, HANDLED, Attachment
from errorplane.hooks._describe import keep_bound
from errorplane.hooks._guard import GUARD
from errorplane.hooks._imports import after_import
from errorplane.hooks._records import as_logged, is_marked
from errorplane.hooks._replace import Undo, replace
from errorplane.hooks._structlog import see_structlog

_IN_FORCE: Final = ""
_states: Final[dict[str, str]] = {}


class _Hook(NamedTuple):
    """One change of the SDK: its name, what is missing without it, and how it is made. Made whole or not at all."""

    name: str
    gives: str
    install: Callable[[_Adoption], Undo]
    superseded: bool = False
    """Whether a new SDK may do without this part: then its absence is no failure."""


class _Adoption:
    """The providers that have our processors already, for one attachment."""

    def __init__(self, attachment: Attachment) -> None:
        self.attachment = attachment
        self._seen: WeakSet[object] = WeakSet()

    def adopt(self, provider: object) -> None:
        """Add our processors, once. What is no provider of the SDK is let be."""
        if self.attachment.active and provider not in self._seen:
            self._seen.add(provider)
            if isinstance(provider, _class(_SDK_TRACE, "TracerProvider")):
                _show_to_adopters(self.attachment, provider)
            elif isinstance(provider, _class(_SDK_LOGS, "LoggerProvider")):
                _put_first(self.attachment, provider)

    def has(self, handler: object) -> bool:
        """Whether what a logging handler writes passes our processor."""
        return getattr(handler, "_logger_provider", None) in self._seen


def hook_states() -> Mapping[str, str]:
    """Each hook by name, with nothing where it is in force and else with what the SDK lacks for it."""
    return dict(_states)


def what_hooks_give() -> Mapping[str, str]:
    """What each hook is for, by name."""
    return {hook.name: hook.gives for hook in _HOOKS}


def configure_if_nobody_does() -> None:
    """Set the SDK up as opentelemetry-distro does, where no package is installed that will."""
    from importlib.metadata import entry_points  # dear to import, and only a distro asks

    if entry_points(group="opentelemetry_configurator"):
        return
    base = _find("opentelemetry.sdk._configuration", "_OTelSDKConfigurator")
    version = _find("opentelemetry.instrumentation.version", "__version__")
    # The SDK's own configurator is not to be used but through a subclass.
    type("Configurator", (base,), {})().configure(auto_instrumentation_version=version)


def install(attachment: Attachment) -> list[Undo]:
    """Hook into the SDK's classes and the providers that exist; returns what takes it back."""
    adoption = _Adoption(attachment)
    installed = (GUARD.run(f"sdk.{hook.name}", _install, hook, adoption) for hook in _HOOKS)
    return [undo for undo in installed if undo is not None]


def _install(hook: _Hook, adoption: _Adoption) -> Undo:
    try:
        undo = hook.install(adoption)
    except Exception as missing:
        _states[hook.name] = f"{type(missing).__name__}: {missing}"
        if hook.superseded and isinstance(missing, ImportError | AttributeError):
            return _nothing
        raise
    _states[hook.name] = _IN_FORCE
    return undo


def _find(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


def _class(module: str, name: str) -> type | tuple[()]:
    """For `isinstance`: of a class that is not there nothing is an instance."""
    try:
        found: type = _find(module, name)
    except (ImportError, AttributeError):
        return ()
    return found


def _nothing() -> None:
    """Nothing to take back."""


def _show_to_adopters(attachment: Attachment, provider: Any) -> None:
    for adopter in attachment.adopters:
        GUARD.run("adopt", adopter, provider)


def tracers(provider: Any) -> Iterable[Any]:
    """The tracers that a tracer provider has made so far, where the SDK remembers them."""
    return tuple(getattr(provider, "_tracers", {}).values())


def processors(provider: Any) -> Sequence[Any]:
    """The span processors of a tracer provider."""
    found: Sequence[Any] = provider._active_span_processor._span_processors
    return found


def fill(processor: Any) -> float:
    """How full the queue of a batch processor is, from 0 to 1; 0 for a processor that has none."""
    batch = getattr(processor, "_batch_processor", None)
    queue, most = getattr(batch, "_queue", ()), getattr(batch, "_max_queue_size", 0)
    return len(queue) / most if most else 0.0


def _put_first(attachment: Attachment, provider: Any) -> None:
    """Before the exporting processors: they copy or send the record when they see it."""
    from errorplane.hooks._logs import ContextLogProcessor

    processor = ContextLogProcessor(attachment)
    provider.add_log_record_processor(processor)
    GUARD.run("sdk.log processors in order", _move_first, provider, processor)


def _move_first(provider: Any, processor: object) -> None:
    multi = provider._multi_log_record_processor
    *others, last = multi._log_record_processors
    if last is processor:
        multi._log_record_processors = (processor, *others)


def _listen(adoption: _Adoption) -> Undo:
    def left(error: BaseException, bound: Mapping[str, str]) -> None:
        if adoption.attachment.active:
            GUARD.run("bind", keep_bound, error, bound)

    leaving.append(left)
    return lambda: leaving.remove(left)


def _chain(name: str, make: str, adoption: _Adoption) -> Undo:
    """Replace a method of the SDK's spans by what `make` makes of it."""
    span_class = _find(_SDK_TRACE, "Span")
    if name not in vars(span_class):  # else that of the API would be found, which does nothing
        raise AttributeError(f"Span has no method {name} of its own")
    made = _find("errorplane.hooks._span_methods", make)
    return replace(span_class, name, made(adoption.attachment, getattr(span_class, name)))


def _see_handled(module: str, adoption: _Adoption) -> Undo:
    """Let our log processor see the exception object: the handlers pass on only what they print of it."""
    attachment = adoption.attachment
    handler = _find(module, "LoggingHandler")
    previous = handler.emit

    def see(self: logging.Handler, record: logging.LogRecord) -> None:
        info = record.exc_info
        error = info[1] if isinstance(info, tuple) and len(info) == 3 else None
        if not attachment.active or info is None or not isinstance(error, BaseException):
            previous(self, record)
            return
        if self.formatter is None and info[2] is error.__traceback__ and adoption.has(self):
            record = _without_traceback(record, error)
        token, library = HANDLED.set(error), BY_LIBRARY.set(not is_in_app(record.pathname))
        try:
            previous(self, record)
        finally:
            BY_LIBRARY.reset(library)
            HANDLED.reset(token)

    @functools.wraps(previous)
    def emit(self: logging.Handler, record: logging.LogRecord) -> None:
        found = GUARD.run("queued record", as_logged, record) if is_marked(record) else None
        if found is None:
            see(self, record)
            return
        token = attach(found[1])
        try:
            see(self, found[0])
        finally:
            detach(token)

    return replace(handler, "emit", emit)


def _see_handled_once_there(module: str, adoption: _Adoption) -> Undo:
    """The same, of a module that is not imported for it: that would take as long as all the rest."""
    if module in sys.modules:
        return _see_handled(module, adoption)
    undo: list[Undo] = []

    def imported(_: object) -> None:
        if adoption.attachment.active:
            undo.append(_see_handled(module, adoption))

    after_import(module, imported)
    return lambda: _take_back(undo)


def _take_back(undo: list[Undo]) -> None:
    while undo:
        undo.pop()()


def _see_structlog(adoption: _Adoption) -> Undo:
    return see_structlog(adoption.attachment)


def _without_traceback(record: logging.LogRecord, error: BaseException) -> logging.LogRecord:
    """The record as a handler takes it that would print the stack trace: our processor does, at a tenth of the cost."""
    new = object.__new__(type(record))
    new.__dict__.update(record.__dict__)
    new.exc_info = (type(error), error, None)
    return new


def _adopt_after(module: str, path: str, adoption: _Adoption) -> Undo:
    """Adopt the first argument of a function, which is a provider, once that has returned."""
    *owners, name = path.split(".")
    owner: Any = functools.reduce(getattr, owners, importlib.import_module(module))
    previous: Callable[..., Any] = getattr(owner, name)

    @functools.wraps(previous)
    def wrapper(first: object, *args: Any, **kwargs: Any) -> Any:
        result = previous(first, *args, **kwargs)
        GUARD.run(name, adoption.adopt, first)
        return result

    return replace(owner, name, wrapper)


def _adopt_now(module: str, get: str, adoption: _Adoption) -> Undo:
    """The provider that was made and set before, by whatever distro."""
    adoption.adopt(_find(module, get)())
    return _nothing


def _with(function: Callable[..., Undo], *args: str) -> Callable[[_Adoption], Undo]:
    return functools.partial(function, *args)


_LOGS: Final = "opentelemetry._logs._internal"
_SDK_TRACE: Final = "opentelemetry.sdk.trace"
_SDK_LOGS: Final = "opentelemetry.sdk._logs"
_HOOKS: Final = (
    _Hook(
        "record_exception",
        "what errorplane knows of an exception, on spans",
        _with(_chain, "record_exception", "chain_record_exception"),
    ),
    _Hook(
        "span status",
        "errors that are dropped or changed, in the status of spans",
        _with(_chain, "set_status", "chain_set_status"),
    ),
    _Hook("span start", "context fields on spans", _with(_chain, "start", "chain_start")),
    _Hook("bind", "context fields of the block that an exception left", _listen),
    _Hook(
        "logging handler",
        "exceptions of the standard library's logging, as on spans",
        _with(_see_handled_once_there, "opentelemetry.instrumentation.logging.handler"),
    ),
    _Hook("structlog", "exceptions of structlog, as on spans", _see_structlog),
    _Hook("sdk logging handler", "the same for the SDK's older handler", _with(_see_handled, _SDK_LOGS), True),
    _Hook(
        "tracer providers",
        "errors of unsampled traces, if they are exported",
        _with(_adopt_after, _SDK_TRACE, "TracerProvider.__init__"),
    ),
    _Hook(
        "logger providers", "context fields on log records", _with(_adopt_after, _SDK_LOGS, "LoggerProvider.__init__")
    ),
    _Hook(
        "tracer provider set later",
        "the same for providers made before attach()",
        _with(_adopt_after, "opentelemetry.trace", "_set_tracer_provider"),
    ),
    _Hook(
        "logger provider set later",
        "the same for providers made before attach()",
        _with(_adopt_after, _LOGS, "_set_logger_provider"),
    ),
    _Hook(
        "tracer provider in force",
        "the same for the provider made before attach()",
        _with(_adopt_now, "opentelemetry.trace", "get_tracer_provider"),
    ),
    _Hook(
        "logger provider in force",
        "context fields on log records",
        _with(_adopt_now, "opentelemetry._logs", "get_logger_provider"),
    ),
)


def takes_log_records(provider: object) -> bool:
    """Whether anything but ours is done with log records, for the SDK whose loggers do not say so (1.44)."""
    found = getattr(getattr(provider, "_multi_log_record_processor", None), "_log_record_processors", None)
    return found is None or any(not type(each).__module__.startswith("errorplane.hooks") for each in found)


def endpoint_of(exporter: object) -> str:
    """Where an OTLP exporter sends to, as a URL; nothing for one that does not say."""
    endpoint = getattr(exporter, "_endpoint", "")
    if not isinstance(endpoint, str) or not endpoint or "://" in endpoint:
        return endpoint if isinstance(endpoint, str) else ""
    # The gRPC exporter keeps host and port only.
    return f"{'http' if getattr(exporter, '_insecure', False) else 'https'}://{endpoint}"
