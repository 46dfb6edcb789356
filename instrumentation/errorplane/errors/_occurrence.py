"""One occurrence of an error: the mark by which an exception object is known again wherever it turns up."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from errorplane.errors._event import leaves
from errorplane.errors._fingerprint import fingerprint
from errorplane.errors._kinds import category_hint, kind_of
from errorplane.errors._vocabulary import Category, Kind

_MARK: Final = "__errorplane__"
_FIELDS: Final = "__errorplane_fields__"
_GROUP: Final = "__errorplane_group__"
_TRACES: Final = "__errorplane_traces__"
_TRACES_KEPT: Final = 100  # that await one failing task or future at a time
_PICKLED: Final = 6
_state_of: Final[Callable[[BaseException], dict[str, Any]]] = BaseException.__dict__["__dict__"].__get__
_plain_setattr: Final = BaseException.__setattr__
_aside: Final[dict[int, tuple[weakref.ref[BaseException], Occurrence]]] = {}


def random_id() -> str:
    """32 random hex digits. Not from `random`, which applications seed and which a fork copies."""
    return os.urandom(16).hex()


DROPPED: Final[Mapping[str, Any]] = MappingProxyType({"dropped": True})


class Occurrence(NamedTuple):
    """What is known about one exception in one trace.

    `trace_id` is 0 outside of any trace. `recorded` says whether a span of this trace, or a log record, already holds
    its full record, `handled` whether somebody handled it, None while nobody knows. `changes` is what the application
    made of its event, by field; None while it was not asked, and DROPPED if nothing is to be written of it. `logged` says
    whether some log record tells of it.
    """

    id: str
    fingerprint: str
    kind: Kind
    category: Category | None
    trace_id: int = 0
    recorded: bool = False
    handled: bool | None = None
    changes: Mapping[str, Any] | None = None
    logged: bool = False

    def __reduce__(self) -> tuple[type[tuple[object, ...]], tuple[tuple[object, ...]]]:
        """Pickled with its exception, it becomes a plain tuple: the other process may have no errorplane.

        And not recorded: it is the same occurrence there, but the full record may never have left this process. What
        the application says of it, it is asked again.
        """
        category = self.category.value if self.category else None
        return tuple, ((self.id, self.fingerprint, self.kind.value, category, self.trace_id, False),)


def occurrence_of(error: BaseException, trace_id: int = 0, new_id: Callable[[], str] = random_id) -> Occurrence:
    """The occurrence that this exception is; the same one every time it is asked for within one trace.

    An exception object that turns up in a second trace is a new occurrence there: applications raise prepared
    exception objects over and over again, and all who wait for one future get the same, their traces taking turns.
    `except*` makes new groups of the members of one: they are the same. A group of one is what its member is, as the
    group of `asyncio.TaskGroup` that carries what one task recorded already.
    """
    known = known_occurrence(error)
    if known is not None and trace_id and known.trace_id and known.trace_id != trace_id:
        known = _mark(_state_of(error).get(_TRACES, {}).get(trace_id))
    if known is None:
        kind = kind_of(error)
        known = Occurrence(new_id(), fingerprint(error), kind, category_hint(error, kind), trace_id)
        remember(error, known)
    elif trace_id and not known.trace_id:
        known = known._replace(trace_id=trace_id)
        remember(error, known)
    return known


def known_occurrence(error: BaseException) -> Occurrence | None:
    """The occurrence, if the exception was seen before."""
    return _read(error) or (_of_members(error) if isinstance(error, BaseExceptionGroup) else None)


def remember(error: BaseException, occurrence: Occurrence) -> None:
    """Make this what is known of the exception from now on."""
    _write(error, occurrence)
    if isinstance(error, BaseExceptionGroup):
        for member in leaves(error):
            if type(member).__setattr__ is _plain_setattr:
                _state_of(member)[_GROUP] = occurrence


def mark_recorded(error: BaseException, occurrence: Occurrence) -> None:
    """Remember that the full record was written, so that everything else only refers to it."""
    remember(error, occurrence._replace(recorded=True))


def _of_members(group: BaseExceptionGroup[BaseException]) -> Occurrence | None:
    """The occurrence of the group that all members were in before, if there is one; that of the member, of one."""
    members = list(leaves(group))
    if len(members) == 1:
        return _mark(_state_of(members[0]).get(_GROUP)) or _read(members[0])
    found: Occurrence | None = None
    for member in members:
        mark = _mark(_state_of(member).get(_GROUP))
        if mark is None or (found is not None and mark.id != found.id):
            return None
        found = mark
    return found


def keep_fields(error: BaseException, trace_id: int, fields: Mapping[str, str]) -> None:
    """Remember the context fields, by attribute name, of the innermost place in this trace that the exception left.

    They may be gone where it is described. An exception that guards its attributes keeps none.
    """
    if type(error).__setattr__ is _plain_setattr and kept_fields(error, trace_id) is None:
        _state_of(error)[_FIELDS] = (trace_id, dict(fields))


def kept_fields(error: BaseException, trace_id: int) -> Mapping[str, str] | None:
    """The fields kept in this trace: a prepared exception object may bring those of another user with it."""
    kept = _state_of(error).get(_FIELDS)
    return kept[1] if kept is not None and kept[0] == trace_id else None


def _read(error: BaseException) -> Occurrence | None:
    mark = _state_of(error).get(_MARK)
    if mark is None and _aside:
        _, mark = _aside.get(id(error), (None, None))
    return _mark(mark)


def _mark(mark: object) -> Occurrence | None:
    """The occurrence that was written, also where it has been in another process since."""
    if type(mark) is Occurrence:
        return mark
    if not isinstance(mark, tuple) or len(mark) != _PICKLED:
        return None
    id_, print_, kind, category, trace_id, recorded = mark
    return Occurrence(id_, print_, Kind(kind), Category(category) if category else None, trace_id, recorded)


def _write(error: BaseException, mark: Occurrence) -> None:
    if type(error).__setattr__ is _plain_setattr:
        state = _state_of(error)
        before = _mark(state.get(_MARK))
        if before is not None and (_TRACES in state or before.trace_id not in (0, mark.trace_id)):
            _keep_traces(state, before, mark)
        state[_MARK] = mark
    else:
        _put_aside(error, mark)


def _keep_traces(state: dict[str, Any], before: Occurrence, mark: Occurrence) -> None:
    """Keep what the exception is in each of its traces. Threads may do so at once: each step is one of a dict."""
    traces = state.setdefault(_TRACES, {})
    traces.setdefault(before.trace_id, before)
    traces[mark.trace_id] = mark
    if len(traces) > _TRACES_KEPT:
        traces.pop(next(iter(list(traces))), None)


def _put_aside(error: BaseException, mark: Occurrence) -> None:
    """For exceptions that guard their attributes (frozen ones): unpickling sets these one by one, and would fail."""
    key = id(error)
    try:
        _aside[key] = (weakref.ref(error, lambda _: _aside.pop(key, None)), mark)
    except TypeError:
        return  # it has slots and no place for weak references: it cannot be known again
