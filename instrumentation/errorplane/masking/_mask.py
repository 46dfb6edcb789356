"""Texts and nested values with what must be hidden replaced."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import islice, takewhile
from typing import Any, Final

from errorplane.detectors import ALL, TOP, Detector, Place, Transform, redact
from errorplane.errors import ask
from errorplane.hooks import GUARD

_log: Final = logging.getLogger("errorplane.masking")

TEXT_LENGTH: Final = 262_144
"""A longer text is withheld: looking at it would hold up the application for tens of milliseconds."""
_DEPTH: Final = 16
_ITEMS: Final = 1024
_VALUES: Final = 10_000
_HALVES: Final = 256  # longer than most of what is found
_CACHED: Final = 2048
_CACHED_LENGTH: Final = 256
_CACHED_FRAMES: Final = 256
_FRAMES_LENGTH: Final = 8192
_FRAMES: Final = re.compile(r'(?:^  File "[^\n]*+\n(?:    [^\n]*+\n|  \[Previous line[^\n]*+\n)*+)++', re.MULTILINE)


Look = Callable[[str, Place], str]
"""What is left of a text that stands in this place when its findings are hidden."""


class Mask:
    """Hides what is found by ``look``, by default what any detector finds, behind its entity's name.

    Never raises: what cannot be looked at is replaced by ``[QUARANTINED:reason]``. Short texts are remembered, since
    log lines repeat. Safe to use from several threads. Everything inside of a value that is named one of ``whole``, in
    lower case, is looked at as if it had that name.
    """

    def __init__(self, look: Look | None = None, whole: Collection[str] = ()) -> None:
        self._look = look_for() if look is None else look
        self._whole = frozenset(whole)
        self._short = functools.lru_cache(_CACHED)(self._look)
        self._frames = functools.lru_cache(_CACHED_FRAMES)(self._look)
        self._short_names = functools.lru_cache(_CACHED)(self._new_name)

    def text(self, text: str, key: str | None = None) -> str:
        """The text with what must be hidden replaced; ``key`` is the name under which it stands, if it has one.

        >>> Mask().text("mail bob@example.com")
        'mail <EMAIL_ADDRESS>'
        """
        return self._text(text, Place(key))

    def value(self, value: object, key: str | None = None, *, values: int = _VALUES, length: int | None = None) -> Any:
        """Mappings, lists, tuples and sets with every text and number in them masked, keys too; others by their ``str``
        where that holds something, else as they are. Named tuples and lists of pairs have names as mappings have. What
        comes after so many ``values`` is withheld; with ``length`` a longer text is its ``beginning``.

        >>> Mask().value({"password": "hunter2", "tries": 3})
        {'password': '<PASSWORD>', 'tries': 3}
        """
        text = self._text if length is None else functools.partial(self._beginning, length)
        walk = _Walk(text, self._name, values)
        masked = GUARD.run("mask", walk.value, value, Place(key), 0)
        return withheld("error") if masked is None and value is not None else masked

    def _name(self, name: str, outer: Place) -> tuple[str, Place]:
        """What is shown of an entry's name, and the place of its value; names repeat, too."""
        return self._short_names(name, outer) if len(name) <= _CACHED_LENGTH else self._new_name(name, outer)

    def _new_name(self, name: str, outer: Place) -> tuple[str, Place]:
        return self._text(name, TOP), outer.inside(name, self._whole)

    def stacktrace(self, text: str, key: str | None = None) -> str:
        """A stack trace as Python prints it, with what must be hidden replaced.

        Frames are the text of the program, and the same ones fail again and again: they are looked at once, apart from
        the messages around them.
        """
        if len(text) > TEXT_LENGTH:
            return withheld("size")
        place, done = Place(key), 0
        shown: list[str] = []
        for frames in _FRAMES.finditer(text):
            shown += (self._text(text[done : frames.start()], place), self._printed(frames[0], place))
            done = frames.end()
        return "".join((*shown, self._text(text[done:], place)))

    def _printed(self, frames: str, place: Place) -> str:
        if len(frames) > _FRAMES_LENGTH:
            return self._text(frames, place)
        masked = GUARD.run("mask", self._frames, frames, place)
        return withheld("error") if masked is None else masked

    def beginning(self, text: str, key: str | None = None, *, length: int) -> str:
        """What is to be shown of the first ``length`` characters of a text, with an ellipsis where there are more.

        Then the last 256 are left out as far as nothing was found in them: they may hold the half of something.
        """
        return self._beginning(length, text, Place(key))

    def _beginning(self, length: int, text: str, place: Place) -> str:
        if len(text) <= length:
            return self._text(text, place)
        looked_at = text[:length]
        masked = self._text(looked_at, place)
        ends = islice(zip(reversed(masked), reversed(looked_at), strict=False), _HALVES)
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], ends))
        return f"{masked[: len(masked) - same]}\u2026"

    def _text(self, text: str, place: Place) -> str:
        if len(text) > TEXT_LENGTH:
            return withheld("size")
        look = self._short if len(text) <= _CACHED_LENGTH else self._look
        masked = GUARD.run("mask", look, text, place)
        return withheld("error") if masked is None else masked


class _Walk:
    """One value on its way through a mask: bounded in depth and in the number of values in it."""

    def __init__(self, text: Look, name: Callable[[str, Place], tuple[str, Place]], values: int) -> None:
        self._text = text
        self._name = name
        self._room = values

    def value(self, value: Any, place: Place, depth: int) -> Any:
        self._room -= 1
        kind = type(value)  # proxies and mocks say that they are of a class which they only stand for
        if value is None or kind is bool:
            return value
        if self._room < 0:
            return withheld("size")
        if depth > _DEPTH:
            return withheld("depth")
        if issubclass(kind, str):
            return self._text(str.__str__(value), place)
        if issubclass(kind, bytes | bytearray):
            return self._bytes(bytes(value), place)
        if isinstance(value, Mapping):
            pairs = ask(lambda: list(islice(value.items(), _ITEMS)), None)
            return withheld("error") if pairs is None else self._pairs(pairs, place, depth + 1)
        if isinstance(value, list | tuple | set | frozenset):
            items = ask(lambda: list(islice(value, _ITEMS)), None)
            return withheld("error") if items is None else self._items(items, _fields(value), place, depth + 1)
        return self._other(value, place)

    def _items(self, items: list[Any], fields: Sequence[str], outer: Place, depth: int) -> list[Any]:
        if len(fields) == len(items):
            return [
                self.value(item, self._name(name, outer)[1], depth) for name, item in zip(fields, items, strict=True)
            ]
        if items and all(map(_is_named, items)):
            return [self._named(name, value, outer, depth) for name, value in items]
        return [self.value(item, outer, depth) for item in items]

    def _named(self, name: str | bytes, value: object, outer: Place, depth: int) -> list[Any]:
        text = name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")
        self._room -= 1
        return [self.value(name, outer, depth + 1), self.value(value, self._name(text, outer)[1], depth + 1)]

    def _pairs(self, pairs: list[tuple[object, object]], outer: Place, depth: int) -> dict[object, Any]:
        masked: dict[object, Any] = {}
        for key, value in pairs:
            name = key if isinstance(key, str) else text_of(key)
            shown, place = self._name(name, outer)
            masked[key if shown == name else shown] = self.value(value, place, depth)
        return masked

    def _bytes(self, value: bytes, place: Place) -> bytes:
        text = value.decode("utf-8", "surrogateescape")
        masked = self._text(text, place)
        return value if masked == text else masked.encode("utf-8", "surrogateescape")

    def _other(self, value: object, place: Place) -> Any:
        """A number or an object of the application's: as it is, unless what it says of itself must be hidden."""
        text = str(value) if type(value) is int else text_of(value)
        masked = self._text(text, place)
        return value if masked == text and text != withheld("error") else masked


def _fields(value: object) -> Sequence[str]:
    """The names in a named tuple."""
    fields = getattr(type(value), "_fields", ()) if isinstance(value, tuple) else ()
    return fields if type(fields) is tuple and all(isinstance(field, str) for field in fields) else ()


def _is_named(item: Any) -> bool:
    """Whether it is a name and a value, as headers of requests come: a list of these is as good as a mapping."""
    return type(item) in (list, tuple) and len(item) == 2 and isinstance(item[0], str | bytes)


def look_for(
    detectors: Sequence[Detector] = ALL, allow: Collection[str] = (), transform: Transform | None = None
) -> Look:
    """A look with the detectors of this package; ``allow`` are literal values that are never hidden, ``transform`` says
    what stands in place of a finding."""
    wanted, allowed = tuple(detectors), frozenset(allow)

    def look(text: str, place: Place) -> str:
        return redact(text, place.key, wanted, kind=place.kind, allow=allowed, transform=transform)[0]

    return look


def text_of(value: object) -> str:
    """``str(value)``, withheld where that fails."""
    return ask(lambda: str(value), withheld("error"))


def withheld(reason: str) -> str:
    """What stands in place of something that could not be looked at.

    >>> withheld("size")
    '[QUARANTINED:size]'
    """
    return f"[QUARANTINED:{reason}]"


@functools.cache
def default_mask() -> Mask:
    """The mask of the settings file that ``ERRORPLANE_SETTINGS`` names, made once; without one, all detectors."""
    from errorplane.masking._settings import mask_from

    return mask_from()


def mask_or_nothing() -> Mask:
    """The default mask; where its settings cannot be read, one that withholds everything, and says why.

    For what must not keep an application from starting.
    """
    from errorplane.masking._settings import SettingsError

    try:
        return default_mask()
    except SettingsError as error:
        _log.error("%s; until then everything is withheld", error)
        return Mask(lambda _text, _place: withheld("error"))
