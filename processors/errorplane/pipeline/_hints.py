"""What the redactor saw in a request beside what it hid, kept with it so that a restart need not look again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

from errorplane.detectors import DataClass

Classes = Mapping[int, frozenset[DataClass]]
"""Of the items in which something was hidden, the classes of that."""


class Hints(NamedTuple):
    """``candidates`` are items whose bytes hint at an error beyond their status, ``classes`` those of what was hidden."""

    candidates: frozenset[int] = frozenset()
    classes: Classes = {}  # noqa: RUF012  # never written to: the type says so

    def without(self, faulty: Mapping[int, str], items: int) -> Hints:
        """The same of a request of so many items from which the faulty ones were taken out."""
        left = [item for item in range(items) if item not in faulty]
        return Hints(
            frozenset(new for new, old in enumerate(left) if old in self.candidates),
            {new: self.classes[old] for new, old in enumerate(left) if old in self.classes},
        )

    def pack(self) -> bytes:
        """b"" where there is nothing to say."""
        if not self.candidates and not self.classes:
            return b""
        classes = {item: sorted(found) for item, found in self.classes.items()}
        return json.dumps([sorted(self.candidates), classes], separators=(",", ":")).encode()

    @classmethod
    def unpack(cls, data: bytes) -> Hints:
        """What ``pack`` packed."""
        if not data:
            return cls()
        candidates, classes = json.loads(data)
        return cls(
            frozenset(candidates), {int(item): frozenset(map(DataClass, found)) for item, found in classes.items()}
        )
