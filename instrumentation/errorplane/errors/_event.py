"""One error as the application saw it: the model behind spans, log records, metrics and error facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import FrameType, MappingProxyType, TracebackType
from typing import Any, Final, NamedTuple, NoReturn, Self

from errorplane.errors._attributes import COMPONENT
from errorplane.errors._frames import place
from errorplane.errors._live import message_of, qualified_type
from errorplane.errors._shorten import writable
from errorplane.errors._trail import CAUSES, LEAVES
from errorplane.errors._vocabulary import Category, Kind, Severity

FRAMES: Final = 10
"""Frames of the application's own code that an event tells of, from the innermost on."""
_FIELD: Final = 256
"""Of a field that the application gives no more is kept, as of those that it binds."""
_WALKED: Final = 10_000  # of a stack overflow no more is looked at


class Linked(NamedTuple):
    """An exception behind or inside of another one."""

    type: str
    message: str

    @classmethod
    def of(cls, error: BaseException) -> Linked:
        """Its qualified type and its message."""
        return cls(_type(error), message_of(error))


class AppFrame(NamedTuple):
    """A frame of the application's own code: the file without folders and suffix, the function, the line from 1 on."""

    stem: str
    function: str
    line: int

    def __str__(self) -> str:
        return writable(f"{self.stem}:{self.function}:{self.line}")


class ErrorEvent:
    """One occurrence of an error. Frozen; what needs the exception to be looked at is read when it is asked for.

    `id` is 32 hex digits, `fingerprint` `v1:` and 16. `type` is the qualified type, `message` the whole message.
    `severity` is what the application says, None where it says nothing. `handled` is False when the exception left
    the outermost span of the service or was caught by nobody, True when the application recorded or logged it, None
    while nobody knows; `attempt` counts from 1, None where nothing is tried again. `operation` is the name of the
    span. `causes` are the explicit causes, `contexts` what was being handled meanwhile, the nearest first; `members`
    the exceptions of a group, in the order in which they are printed; `frames` the application's own, the innermost
    first. `fields` are the context fields by attribute name, `trace_id` is 0 outside of any trace.
    """

    __slots__ = (
        "attempt",
        "category",
        "causes",
        "component",
        "contexts",
        "deployment",
        "exception",
        "fields",
        "fingerprint",
        "frames",
        "handled",
        "id",
        "kind",
        "members",
        "message",
        "operation",
        "service",
        "severity",
        "trace_id",
        "type",
    )
    id: str
    fingerprint: str
    type: str
    message: str
    kind: Kind
    category: Category | None
    severity: Severity | None
    handled: bool | None
    attempt: int | None
    operation: str | None
    service: str | None
    component: str | None
    deployment: str | None
    causes: tuple[Linked, ...]
    contexts: tuple[Linked, ...]
    members: tuple[Linked, ...]
    frames: tuple[AppFrame, ...]
    fields: Mapping[str, str]
    trace_id: int
    exception: BaseException

    def __init__(
        self,
        exception: BaseException,
        *,
        id: str,
        fingerprint: str,
        kind: Kind,
        category: Category | None = None,
        severity: Severity | None = None,
        handled: bool | None = None,
        attempt: int | None = None,
        operation: str | None = None,
        service: str | None = None,
        component: str | None = None,
        deployment: str | None = None,
        fields: Mapping[str, str] = MappingProxyType({}),
        trace_id: int = 0,
    ) -> None:
        put = object.__setattr__
        put(self, "exception", exception)
        put(self, "id", id)
        put(self, "fingerprint", fingerprint)
        put(self, "kind", kind)
        put(self, "category", category)
        put(self, "severity", severity)
        put(self, "handled", handled)
        put(self, "attempt", attempt)
        put(self, "operation", operation)
        put(self, "service", service)
        put(self, "component", component)
        put(self, "deployment", deployment)
        put(self, "fields", fields)
        put(self, "trace_id", trace_id)

    def __getattr__(self, name: str) -> Any:
        """Called for what was not read yet."""
        read = _READ.get(name)
        if read is None:
            raise AttributeError(f"an ErrorEvent has no {name}")
        value = read(self.exception)
        object.__setattr__(self, name, value)
        return value

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"an ErrorEvent is frozen; use event.replace({name}=...)")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("an ErrorEvent is frozen")

    def __repr__(self) -> str:
        """Without the message, which may hold values of users."""
        return f"<ErrorEvent {self.id} {self.type} {self.fingerprint}>"

    def replace(self, **changes: Any) -> Self:
        """The event with other values for type, message, fingerprint, kind, category, severity, handled, attempt,
        component or fields. Raises TypeError for another name, since the rest is not the application's to say, and
        TypeError or ValueError for a value that is none."""
        for name, value in changes.items():
            if name not in _CHANGEABLE:
                raise TypeError(f"{name} of an ErrorEvent cannot be replaced; allowed are {', '.join(_CHANGEABLE)}")
            changes[name] = _CHANGEABLE[name](value)
        new = object.__new__(type(self))
        for name in self.__slots__:
            if name in changes:
                object.__setattr__(new, name, changes[name])
            elif name not in _READ or _is_set(self, name):
                object.__setattr__(new, name, getattr(self, name))
        _agree(new, changes)
        return new

    __replace__ = replace


def _agree(event: ErrorEvent, changes: Mapping[str, Any]) -> None:
    """The component is one of the fields, too."""
    if "component" in changes:
        others = {name: value for name, value in event.fields.items() if name != COMPONENT}
        own = {} if event.component is None else {COMPONENT: event.component}
        object.__setattr__(event, "fields", {**others, **own})
    elif "fields" in changes:
        object.__setattr__(event, "component", event.fields.get(COMPONENT))


def _is_set(event: ErrorEvent, name: str) -> bool:
    """Whether it was read or replaced already."""
    try:
        object.__getattribute__(event, name)
    except AttributeError:
        return False
    return True


def _type(error: BaseException) -> str:
    return writable(qualified_type(error))


def _causes(error: BaseException) -> tuple[Linked, ...]:
    return tuple(Linked.of(found) for found, explicit in _chain(error) if explicit)


def _contexts(error: BaseException) -> tuple[Linked, ...]:
    return tuple(Linked.of(found) for found, explicit in _chain(error) if not explicit)


def _chain(error: BaseException) -> Iterator[tuple[BaseException, bool]]:
    """What the `traceback` module prints before the exception, the nearest first, and whether it is a `from` one."""
    seen = {id(error)}
    for _ in range(CAUSES):
        following = error.__cause__
        explicit = following is not None
        if following is None and not error.__suppress_context__:
            following = error.__context__
        if following is None or id(following) in seen:
            return
        seen.add(id(following))
        yield following, explicit
        error = following


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The exceptions of a group, and of the groups in it, that are no groups themselves; 32 at most."""
    waiting = list(reversed(error.exceptions[:LEAVES])) if isinstance(error, BaseExceptionGroup) else []
    left = LEAVES
    for _ in range(_WALKED):
        if not waiting or not left:
            return
        member = waiting.pop()
        if isinstance(member, BaseExceptionGroup):
            waiting += reversed(member.exceptions[:LEAVES])
        else:
            left -= 1
            yield member


def _members(error: BaseException) -> tuple[Linked, ...]:
    return tuple(map(Linked.of, leaves(error)))


def own_frames(error: BaseException) -> Iterator[tuple[AppFrame, FrameType]]:
    """The frames of the application's own code, the innermost first."""
    found: list[TracebackType] = []
    traceback = error.__traceback__
    while traceback is not None and len(found) < _WALKED:
        found.append(traceback)
        traceback = traceback.tb_next
    for each in reversed(found):
        code = each.tb_frame.f_code
        in_app, stem = place(code.co_filename)
        if in_app:
            yield AppFrame(stem, code.co_name, each.tb_lineno or 0), each.tb_frame


def _frames(error: BaseException) -> tuple[AppFrame, ...]:
    return tuple(frame for frame, _ in islice(own_frames(error), FRAMES))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"must be a text, not {type(value).__name__}")
    return writable(str.__str__(value))


def _attempt(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"an attempt is a number from 1 on, not {value!r}")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"must be true or false, not {type(value).__name__}")
    return value


def _fields(value: Mapping[str, object]) -> dict[str, str]:
    return {_text(name): writable(str(each)[:_FIELD]) for name, each in value.items() if each is not None}


def _or_none(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else read(value)


_CHANGEABLE: Final[Mapping[str, Callable[[Any], Any]]] = {
    "type": _text,
    "message": _text,
    "fingerprint": _text,
    "kind": Kind,
    "category": _or_none(Category),
    "severity": _or_none(Severity),
    "handled": _or_none(_flag),
    "attempt": _or_none(_attempt),
    "component": _or_none(_text),
    "fields": _fields,
}
_READ: Final[Mapping[str, Callable[[BaseException], Any]]] = {
    "type": _type,
    "message": message_of,
    "causes": _causes,
    "contexts": _contexts,
    "members": _members,
    "frames": _frames,
}
