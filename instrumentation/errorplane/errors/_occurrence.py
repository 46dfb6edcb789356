"""One occurrence of an error: the mark by which an exception object is known again wherever it turns up."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from errorplane.errors._fingerprint import fingerprint
from errorplane.errors._kinds import category_hint, kind_of
from errorplane.errors._vocabulary import Category, Kind

_MARK: Final = "__errorplane__"
_FIELDS: Final = "__errorplane_fields__"
_state_of: Final[Callable[[BaseException], dict[str, Any]]] = BaseException.__dict__["__dict__"].__get__
_plain_setattr: Final = BaseException.__setattr__
_aside: Final[dict[int, tuple[weakref.ref[BaseException], Occurrence]]] = {}


def random_id() -> str:
    """32 random hex digits. Not from `random`, which applications seed and which a fork copies."""
    return os.urandom(16).hex()


class Occurrence(NamedTuple):
    """What is known about one exception in one trace.

    `trace_id` is 0 outside of any trace. `recorded` says whether a span of this trace already holds its full record.
    """

    id: str
    fingerprint: str
    kind: Kind
    category: Category | None
    trace_id: int = 0
    recorded: bool = False

    def __reduce__(self) -> tuple[type[tuple[object, ...]], tuple[tuple[object, ...]]]:
        """Pickled with its exception, it becomes a plain tuple: the other process may have no errorplane.

        And not recorded: it is the same occurrence there, but the full record may never have left this process.
        """
        category = self.category.value if self.category else None
        return tuple, ((self.id, self.fingerprint, self.kind.value, category, self.trace_id, False),)


def occurrence_of(error: BaseException, trace_id: int = 0, new_id: Callable[[], str] = random_id) -> Occurrence:
    """The occurrence that this exception is; the same one every time it is asked for within one trace.

    An exception object that turns up in a second trace is a new occurrence there: applications raise prepared
    exception objects over and over again.
    """
    known = _read(error)
    if known is None or (trace_id and known.trace_id and known.trace_id != trace_id):
        kind = kind_of(error)
        known = Occurrence(new_id(), fingerprint(error), kind, category_hint(error, kind), trace_id)
        _write(error, known)
    elif trace_id and not known.trace_id:
        known = known._replace(trace_id=trace_id)
        _write(error, known)
    return known


def mark_recorded(error: BaseException, occurrence: Occurrence) -> None:
    """Remember that a span holds the full record, so that outer spans only refer to it."""
    _write(error, Occurrence(*occurrence[:-1], recorded=True))


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
    if type(mark) is Occurrence:
        return mark
    if not isinstance(mark, tuple) or len(mark) != len(Occurrence._fields):
        return None
    id_, print_, kind, category, trace_id, recorded = mark
    return Occurrence(id_, print_, Kind(kind), Category(category) if category else None, trace_id, recorded)


def _write(error: BaseException, mark: Occurrence) -> None:
    if type(error).__setattr__ is _plain_setattr:
        _state_of(error)[_MARK] = mark
    else:
        _put_aside(error, mark)


def _put_aside(error: BaseException, mark: Occurrence) -> None:
    """For exceptions that guard their attributes (frozen ones): unpickling sets these one by one, and would fail."""
    key = id(error)
    try:
        _aside[key] = (weakref.ref(error, lambda _: _aside.pop(key, None)), mark)
    except TypeError:
        return  # it has slots and no place for weak references: it cannot be known again
