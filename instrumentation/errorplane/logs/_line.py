"""One event as a line: composed in the one vocabulary, masked, and written as JSON of a bounded size."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final, ParamSpec, TypedDict

from opentelemetry import trace

from errorplane.context import fields, service_of
from errorplane.errors import (
    ERROR_DROPPED,
    ERROR_FINGERPRINT,
    ERROR_ID,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
    SERVICE_NAME,
    ask,
    is_in_app,
    known_occurrence,
    message_of,
    qualified_type,
    random_id,
    remember,
    stacktrace,
)
from errorplane.hooks import GUARD, is_enabled
from errorplane.hooks._attachment import Attachment
from errorplane.hooks._describe import Where, chains, deployment_of, event_of, short, stack_of, words_of
from errorplane.logs import _vocabulary as names
from errorplane.logs._event import NOTHING, Event
from errorplane.logs._json import ITEMS, TEXT_LENGTH, cut, plain, text_of, to_json, whole
from errorplane.masking import Mask, mask_or_nothing, withheld
from errorplane.settings import IGNORE, LOG_CODE, flag, words

_UNMASKED: Final = frozenset(
    (
        names.TIMESTAMP, names.SEVERITY_TEXT, names.SEVERITY_NUMBER, names.TRACE_ID, names.SPAN_ID, names.TRACE_FLAGS,
        names.CODE_LINE, names.THREAD_ID, ERROR_ID, ERROR_FINGERPRINT,
    )
)  # fmt: skip
_STACKS: Final = (EXCEPTION_STACKTRACE, names.CODE_STACK)
_NANOSECONDS: Final = 1_000_000_000
_UNKNOWN: Final = "NOTSET"
_SHORT: Final = 3  # what has no more characters is found in any message
P = ParamSpec("P")


class Options(TypedDict, total=False):
    """How lines are made.

    `mask`: True (the default) hides what the policy's settings say, or every detector; a `Mask` of your own; False.
    `code`: whether lines tell the file, line and function that logged; by default what OpenTelemetry's handler is told
    (`OTEL_PYTHON_LOG_CODE_ATTRIBUTES`). `thread`: whether they tell the thread (default: no). `environ` and `new_id` are
    the process's environment and random ids.
    """

    mask: Mask | bool
    code: bool | None
    thread: bool
    environ: Mapping[str, str]
    new_id: Callable[[], str]


class Lines:
    """Makes lines of one process. Safe to use from several threads; `line` never raises."""

    def __init__(
        self,
        service_name: str | None = None,
        *,
        mask: Mask | bool = True,
        code: bool | None = None,
        thread: bool = False,
        environ: Mapping[str, str] = os.environ,
        new_id: Callable[[], str] = random_id,
    ) -> None:
        self._mask = mask if isinstance(mask, Mask) else mask_or_nothing() if mask else None
        self.code = flag(environ, LOG_CODE) if code is None else code
        self.thread = thread
        self._service = service_name or _service_from(environ)
        self._deployment: str | None = None
        self._enabled = is_enabled(environ)
        self._attachment = Attachment(new_id, ignore=frozenset(words(environ, IGNORE)))
        self._second = (0, "")

    def line(self, make: Callable[P, Event], *args: P.args, **kwargs: P.kwargs) -> str:
        """The event that is made as one line of JSON, without a newline."""
        event = GUARD.run("log_event", make, *args, **kwargs)
        if event is None:
            event = Event(time.time_ns(), _UNKNOWN, 0, withheld("error"), None)
        return self.written(self.composed(event), event.attributes, event.arguments)

    def composed(self, event: Event) -> dict[str, Any]:
        """The event's members, but for what came with the message; as they are, to be `written`.

        To be called where it was logged: later neither trace nor context fields are known.
        """
        found: dict[str, Any] = {
            names.TIMESTAMP: self._rfc3339(event.nanoseconds),
            names.SEVERITY_TEXT: event.severity_text,
            names.SEVERITY_NUMBER: event.severity_number,
            names.BODY: event.body,
        }
        if event.scope:
            found[names.SCOPE_NAME] = event.scope
        GUARD.run("log_line", self._context, event, found)
        if event.code and self.code:
            found[names.CODE_FILE], found[names.CODE_LINE], found[names.CODE_FUNCTION] = event.code
        if event.stack:
            found[names.CODE_STACK] = event.stack
        if event.thread and self.thread:
            found[names.THREAD_ID], found[names.THREAD_NAME] = event.thread
        return found

    def written(
        self, composed: Mapping[str, Any], attributes: Mapping[str, object], arguments: Mapping[str, object] = NOTHING
    ) -> str:
        """What was `composed`, with what came with the message and what went into it by name, as one line of JSON
        without a newline."""
        line = GUARD.run("log_line", self._write, composed, attributes, arguments)
        if line is not None:
            return line
        kept = {key: value for key, value in composed.items() if key in _UNMASKED}
        return to_json(plain({**kept, names.BODY: withheld("error")}))

    def _context(self, event: Event, found: dict[str, Any]) -> None:
        """Where and on whose behalf it was logged, and the exception that it reports."""
        span = trace.get_current_span().get_span_context()
        service = self._service_name()
        if service:
            found[SERVICE_NAME] = service
        if span.is_valid:
            found[names.TRACE_ID] = trace.format_trace_id(span.trace_id)
            found[names.SPAN_ID] = trace.format_span_id(span.span_id)
            found[names.TRACE_FLAGS] = f"{span.trace_flags:02x}"
        if event.error is not None:
            self._error(event.error, event.code, service, span.trace_id, found)
        else:
            if event.error_text:
                found[EXCEPTION_STACKTRACE] = event.error_text
            if self._enabled:
                _add(found, fields())

    def _error(
        self,
        error: BaseException,
        code: tuple[str, int, str] | None,
        service: str | None,
        trace_id: int,
        found: dict[str, Any],
    ) -> None:
        if not self._enabled:
            found[EXCEPTION_TYPE], found[EXCEPTION_MESSAGE] = qualified_type(error), message_of(error)
            found[EXCEPTION_STACKTRACE] = stacktrace(error)
            return
        where = Where(trace_id, service, self._deployment, getattr(trace.get_current_span(), "name", None))
        # What a library logs, such as a loop or a server, the application need not have handled.
        handled = True if code is None or is_in_app(code[0]) else None
        occurrence, event = event_of(self._attachment, error, where, handled=handled)
        if occurrence is not known_occurrence(error):
            remember(error, occurrence)
        if not trace_id and occurrence.trace_id:  # logged where its trace is over
            found[names.TRACE_ID] = trace.format_trace_id(occurrence.trace_id)
        if event is None:
            _add(found, {**fields(), ERROR_DROPPED: True})
            return
        # As on the log record that OpenTelemetry would export: what a span tells in full is not told once more.
        _add(found, {**words_of(event), EXCEPTION_STACKTRACE: stack_of(event, occurrence), **short(event)})
        if not occurrence.recorded:
            _add(found, chains(event))

    def _write(
        self, composed: Mapping[str, Any], attributes: Mapping[str, object], arguments: Mapping[str, object]
    ) -> str:
        line: dict[str, Any] = {}
        extra: dict[str, object] = {}
        for key, value in composed.items():
            if key in _UNMASKED:
                line[key] = value
            elif key == names.EXTRA:
                extra |= value
            elif key == names.BODY:
                line[key] = self._body(value, arguments, attributes)
            elif isinstance(value, str):
                line[key] = self._text(key, value)
            elif isinstance(value, list):
                line[key] = [self._text(key, each) for each in value]
            elif value is not None:
                line[key] = value
        if attributes:
            event_name = attributes.get(names.EVENT_NAME, attributes.get(names.DEPRECATED_EVENT_NAME))
            if isinstance(event_name, str):
                line[names.EVENT_NAME] = self._text(names.EVENT_NAME, event_name)
                attributes = {key: value for key, value in attributes.items() if key not in _EVENT_NAMES}
            extra |= attributes
        if extra:
            line[names.EXTRA] = self._attributes(extra)
        return to_json(line)

    def _body(self, body: str, *given: Mapping[str, object]) -> str:
        """The message: what it was given by name is hidden in it by that name, too."""
        if self._mask is not None:
            for entries in filter(None, given):
                for name, value in entries.items() if type(entries) is dict else _listed(entries):
                    if type(value) is str and _SHORT < len(value) <= TEXT_LENGTH and value in body:
                        body = body.replace(value, self._mask.text(value, text_of(name)))
        return self._text(names.BODY, body)

    def _text(self, key: str, value: str) -> str:
        if self._mask is None:
            return value if len(value) <= TEXT_LENGTH and value.isascii() else cut(value)
        if key in _STACKS:  # looked at as a whole: what is cut in two might not be found
            return cut(self._mask.stacktrace(value, key))
        if len(value) <= TEXT_LENGTH:
            return whole(self._mask.text(value, key))
        return whole(self._mask.beginning(value, key, length=TEXT_LENGTH))

    def _attributes(self, extra: Mapping[str, object]) -> Any:
        if self._mask is None:
            return plain(extra)
        # As long as they are, so that the mask knows which texts it sees the beginning of only.
        return self._mask.value(plain(extra, _beginning), length=TEXT_LENGTH)

    def _service_name(self) -> str | None:
        if self._service is None:
            # Asked each time until there is an answer: the provider may be set after logging is configured.
            resource: Any = getattr(trace.get_tracer_provider(), "resource", None)
            if resource is not None:
                self._service = service_of(resource.attributes)
                self._deployment = deployment_of(resource.attributes)
        return self._service

    def _rfc3339(self, nanoseconds: int) -> str:
        seconds, rest = divmod(nanoseconds, _NANOSECONDS)
        known, text = self._second
        if known != seconds:
            text = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds))
            self._second = (seconds, text)
        return f"{text}{rest:09d}Z"


_EVENT_NAMES: Final = (names.EVENT_NAME, names.DEPRECATED_EVENT_NAME)


def _add(found: dict[str, Any], context: Mapping[str, Any]) -> None:
    """Baggage comes from others under names of its own, and must not take the place of what stands there."""
    for key, value in context.items():
        if key in names.CONTEXT or key.startswith(names.PREFIXES):
            found[key] = value
        else:
            found.setdefault(names.EXTRA, {})[key] = value


def _listed(entries: Mapping[str, object]) -> list[tuple[str, object]]:
    """Of a mapping of the application's own, which may have no end."""
    return ask(lambda: list(islice(entries.items(), ITEMS)), [])


def _beginning(text: str) -> str:
    return whole(text[: TEXT_LENGTH + 1])


def _service_from(environ: Mapping[str, str]) -> str | None:
    if service := environ.get("OTEL_SERVICE_NAME"):
        return service
    for pair in environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        key, _, value = pair.partition("=")
        if key.strip() == SERVICE_NAME and value.strip():
            return value.strip()
    return None
