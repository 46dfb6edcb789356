"""Verdicts remembered by the template of a message.

What holds a digit cannot be a name, so texts that differ in nothing else share a verdict. What stands in quotes may be
one: a place in quotes that once held a name is taken for one from then on, whatever stands in it, and what was no name
there is remembered. Names that stand in a message without quotes make it another message: for these there is no
template, only the same text again.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

from errorplane.redaction.ner._process import Span

_REMEMBERED, _TEMPLATES, _CONTENTS = 8192, 1024, 64
_LONGEST = 2000
# Quoted parts, each with its content in a group; what was put in place of something; words with a digit in them.
_PARTS = re.compile(
    r"""(?<!\w)'([^'\n]{1,200})'(?!\w) | "([^"\n]{1,200})" | `([^`\n]{1,200})`
    | (<[A-Z][A-Z0-9_]{1,63}>|\[QUARANTINED:[^\]]*\]|[^\s'"`()\[\]{},;=<>]*[0-9][^\s'"`()\[\]{},;=<>]*)""",
    re.VERBOSE,
)
_NUMBERED = re.compile(r"\S*[0-9]\S*")


class Part(NamedTuple):
    """A piece of a text: fixed words, a number (or what was hidden before), or what stands in quotes."""

    kind: str
    """``fixed``, ``number`` or ``quoted``."""
    text: str
    start: int


Place = tuple[int, int]
"""Number of a part, and an offset in it; -1 is its end."""


def parts_of(text: str) -> list[Part]:
    """The text in pieces that together are all of it."""
    parts: list[Part] = []
    done = 0
    for match in _PARTS.finditer(text):
        group = match.lastindex or 4
        start, end = match.span(group)
        if start > done:
            parts.append(Part("fixed", text[done:start], done))
        parts.append(Part("number" if group == 4 else "quoted", text[start:end], start))
        done = end
    if done < len(text):
        parts.append(Part("fixed", text[done:], done))
    return parts


@dataclass(slots=True)
class _Template:
    """What is known of messages that differ in numbers and quoted parts."""

    fixed: set[tuple[Place, Place, str]] = field(default_factory=set)
    """Entities in the words that all of them share."""
    names: dict[int, str] = field(default_factory=dict)
    """Quoted parts that have held a name, with its label."""
    others: dict[int, OrderedDict[str, None]] = field(default_factory=dict)
    """What stood in quoted parts and was no name."""


class Verdicts:
    """A bounded memory; safe to use from several threads. ``recalled`` of ``asked`` texts were known."""

    def __init__(self) -> None:
        self.asked = self.recalled = 0
        self._lock = threading.Lock()
        self._same: OrderedDict[tuple[str, ...], list[tuple[Place, Place, str]]] = OrderedDict()
        self._templates: OrderedDict[tuple[str, ...], _Template] = OrderedDict()

    def recall(self, text: str) -> list[Span] | None:
        """The entities of a text; None if it has to be looked at."""
        with self._lock:
            self.asked += 1
            if len(text) > _LONGEST:
                return None
            parts = parts_of(text)
            known = self._same.get(_key(parts))
            if known is None:
                known = self._by_template(parts)
            else:
                self._same.move_to_end(_key(parts))
            self.recalled += known is not None
        if known is None:
            return None
        return [(_offset(parts, start), _offset(parts, end), label) for start, end, label in known]

    def learn(self, text: str, spans: list[Span]) -> None:
        """Remember what a model said of a text."""
        if len(text) > _LONGEST:
            return
        parts = parts_of(text)
        places = [(_place(parts, start, 0), _place(parts, end, -1), label) for start, end, label in spans]
        with self._lock:
            self._same[_key(parts)] = places
            if len(self._same) > _REMEMBERED:
                self._same.popitem(last=False)
            self._learn_template(parts, places)

    def _by_template(self, parts: list[Part]) -> list[tuple[Place, Place, str]] | None:
        template = self._templates.get(_template(parts))
        if template is None:
            return None
        found = list(template.fixed)
        for number, part in enumerate(parts):
            if part.kind != "quoted":
                continue
            label = template.names.get(number)
            if label is not None:
                found.append(((number, 0), (number, -1), label))
            elif _content(part) not in template.others.get(number, ()):
                return None
        return found

    def _learn_template(self, parts: list[Part], places: list[tuple[Place, Place, str]]) -> None:
        quoted = [number for number, part in enumerate(parts) if part.kind == "quoted"]
        if not quoted:  # the text itself is the template
            return
        template = self._templates.setdefault(_template(parts), _Template())
        self._templates.move_to_end(_template(parts))
        if len(self._templates) > _TEMPLATES:
            self._templates.popitem(last=False)
        for start, end, label in places:
            held = [number for number in quoted if start[0] <= number <= end[0]]
            template.names.update(dict.fromkeys(held, label))
            if not held:
                template.fixed.add((start, end, label))
        for number in quoted:
            if number not in template.names:
                contents = template.others.setdefault(number, OrderedDict())
                contents[_content(parts[number])] = None
                if len(contents) > _CONTENTS:
                    contents.popitem(last=False)


def _content(part: Part) -> str:
    return _NUMBERED.sub("0", part.text)


def _key(parts: list[Part]) -> tuple[str, ...]:
    return tuple("\0" if part.kind == "number" else _content(part) for part in parts)


def _template(parts: list[Part]) -> tuple[str, ...]:
    return tuple(part.text if part.kind == "fixed" else f"\0{part.kind}" for part in parts)


def _place(parts: list[Part], offset: int, edge: int) -> Place:
    """Where an offset is; in a part that is not the same next time it is that part's edge."""
    for number, part in enumerate(parts):
        end = part.start + len(part.text)
        if offset < end or (edge == -1 and offset == end):
            same = part.kind == "fixed" or (part.kind == "quoted" and not _NUMBERED.search(part.text))
            return number, offset - part.start if same else edge
    return len(parts) - 1, -1


def _offset(parts: list[Part], place: Place) -> int:
    part = parts[place[0]]
    return part.start + (len(part.text) if place[1] == -1 else place[1])
