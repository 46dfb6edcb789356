"""Where a text stands in a nested value: under which name, and in what."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import NamedTuple

from errorplane.detectors.context._keys import KeyClass, key_class

_WHOLE = (KeyClass.SECRET, KeyClass.TOKEN)
_GENERIC = frozenset(("value", "text", "string", "raw", "number"))
_OPTION = re.compile(r"--?(?!no-|ask-|skip-)[A-Za-z][\w.-]{0,63}\Z", re.ASCII)


class Place(NamedTuple):
    """The attribute's name, and the class that it has from further out."""

    key: str | None = None
    kind: KeyClass | None = None
    """None: what the name says."""

    def means(self) -> KeyClass:
        """What this place says about its text."""
        if self.kind is not None:
            return self.kind
        return KeyClass.NONE if self.key is None else key_class(self.key)

    def inside(self, key: str, whole: Container[str] = ()) -> Place:
        """The place of an entry ``key`` of a map that stands here. What is inside of a secret, or of one of the keys
        ``whole`` (in lower case), belongs to it, whatever its own key says.

        >>> Place("password").inside("user"), Place("card").inside("number").means(), Place("dob").inside("value").key
        (Place(key='password', kind=None), <KeyClass.CARD: 'card'>, 'dob.value')
        """
        means = self.means()
        if means in _WHOLE or (self.key is not None and self.key.lower() in whole):
            return self
        if self.key is not None and key.lower() in _GENERIC:
            key = f"{self.key}.{key}"
        return Place(key, None if means is KeyClass.NONE or key_class(key) is not KeyClass.NONE else means)

    def after(self, element: str, following: str) -> Place:
        """The place of ``following`` in a list that stands here, right after ``element``: an option may name it.

        >>> Place("process.command_args").after("--password", "hunter2"), TOP.after("--verbose", "x")
        (Place(key='password', kind=None), Place(key=None, kind=None))
        """
        if self.means() in _WHOLE or following.startswith("-") or _OPTION.match(element) is None:
            return self
        return Place(element.lstrip("-")) if key_class(element) in _WHOLE else self


TOP = Place()
