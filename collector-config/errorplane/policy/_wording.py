"""Mistakes in words: what pydantic and our own checks find, said to the person who wrote the file.

``WORDING`` covers every type of error that pydantic can find in a policy (a test keeps it complete); what our own
kinds of values find carries its words already.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from errorplane.policy._checks import Remark
from errorplane.policy._interpolation import references
from errorplane.policy._problems import Level, Problem, spell
from errorplane.policy._problems import Path as Keys
from errorplane.policy._shapes import Shape, walk
from errorplane.policy._tree import Finding, Place, Tree

WORDING: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a key that can stand here",
    "model_type": "must be a mapping",
    "dict_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "tuple_type": "must be a list",
}
_LONGEST_VALUE = 80


class Narrator:
    """Turns errors and findings into problems; knows the file, the tree and the model."""

    def __init__(self, file: str, tree: Tree, root: Shape) -> None:
        self._file = file
        self._tree = tree
        self._root = root

    def error(self, error: ErrorDetails) -> Problem:
        """Word one error of pydantic."""
        path = self._written(clean(error["loc"]))
        context: dict[str, Any] = error.get("ctx", {})
        message = context.get("message") or WORDING[error["type"]]
        if error["type"] in ("extra_forbidden", "policy_option") or error["loc"][-1:] == ("[key]",):
            known = tuple(context.get("allowed", ()))
            return self._about_key(path, message, known or self._known(path, error["type"]))
        if error["type"] == "missing":
            return self._about_value(path, message, shown=False)
        allowed = tuple(context.get("allowed", ()))
        shown = error["type"] != "policy_secret"
        return self._about_value(path, message + self._trap(path, error["type"], allowed), allowed, shown=shown)

    def finding(self, finding: Finding) -> Problem:
        """Word one finding about the text; such a finding never shows a value."""
        shown = bool(finding.allowed)
        value = self._value(finding.path) if shown else None
        path = self.spell(finding.path, doubtful=finding.doubtful)
        cut = finding.doubtful and path != spell(finding.path)
        return Problem(
            self._file,
            finding.line,
            finding.column,
            path,
            value,
            finding.allowed,
            f"a key in it {finding.message}" if cut else finding.message,
        )

    def remark(self, remark: Remark) -> Problem:
        """Word one remark of our own checks."""
        if remark.about_key:
            return self._about_key(remark.path, remark.message, remark.allowed, remark.level)
        place = self._tree.places.get(remark.path)
        shown = place is not None and place.kind not in ("list", "mapping")
        return self._about_value(remark.path, remark.message, remark.allowed, remark.level, shown=shown)

    def _written(self, path: Keys) -> Keys:
        """``path``, or where one value is written for a list of one or for a section, the path of that value."""
        shape = list(walk(self._root, path[:-1]))[-1]
        short = 0 if shape is None or shape.section is None else shape.section.bare
        place = self._tree.places.get(path[:-1]) if path and path[-1] == short else None
        return path if place is None or place.kind in ("list", "mapping") else path[:-1]

    def _about_value(
        self, path: Keys, message: str, allowed: tuple[str, ...] = (), level: Level = "error", *, shown: bool = True
    ) -> Problem:
        place = self._place(path)
        value = self._value(path) if shown and path in self._tree.places else None
        suggestion = self._suggest(path, allowed) if shown else ""
        return Problem(
            self._file, place.line, place.column, self.spell(path), value, allowed, message + suggestion, level
        )

    def spell(self, path: Keys, *, doubtful: bool = False) -> str:
        """The path in print, cut off where a key may be a secret that was written wrongly.

        That is within a secret, outside the model, and among secrets where the key is no usual name. ``doubtful``: the
        text is broken near the path, so that only keys that the model knows are safe.
        """
        shown: list[str | int] = []
        shapes = list(walk(self._root, path))
        for part, shape, below in zip(path, shapes, shapes[1:], strict=False):
            if shape is None or shape.secret or (doubtful and below is None):
                break
            secrets = shape.value is not None and shape.value.secret
            if secrets and (doubtful or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(part))):
                break
            shown.append(part)
        return spell(tuple(shown))

    def _known(self, path: Keys, kind: str) -> tuple[str, ...]:
        """The keys that can stand beside a key that cannot."""
        parent = list(walk(self._root, path))[-2]
        return tuple(parent.fields) if kind == "extra_forbidden" and parent is not None else ()

    def _about_key(self, path: Keys, message: str, allowed: tuple[str, ...], level: Level = "error") -> Problem:
        place = self._tree.keys.get(path) or self._place(path)
        suggestion = did_you_mean(str(path[-1]), allowed)
        return Problem(
            self._file, place.line, place.column, self.spell(path), None, allowed, message + suggestion, level
        )

    def _place(self, path: Keys) -> Place:
        """Where the value stands, or else the nearest thing around it."""
        for length in range(len(path), -1, -1):
            if found := self._tree.places.get(path[:length]):
                return self._tree.keys.get(path[:length], found) if length < len(path) else found
        return Place(1, 1, "mapping")

    def _value(self, path: Keys) -> str:
        """What stands there, as it is written; only its kind where no single value belongs; never a secret."""
        place = self._tree.places[path]
        if place.kind in ("list", "mapping"):
            return f"a {place.kind}"
        if place.kind == "null":
            return place.written
        shape = list(walk(self._root, path))[-1]
        if shape is None or (shape.scalar is None and shape.item is None and shape.bare is None):
            return f"a {place.kind}"
        if shape.secret:
            return ", ".join(references(place.written)) or "a secret"
        if place.lines > 1:
            return f"{place.lines} lines"
        text = place.written if len(place.written) <= _LONGEST_VALUE else place.written[:_LONGEST_VALUE] + "..."
        return json.dumps(text, ensure_ascii=False) if place.quoted or not text.isprintable() else text

    def _trap(self, path: Keys, kind: str, allowed: tuple[str, ...]) -> str:
        """What YAML made of the text, where that explains the mistake."""
        place = self._tree.places.get(path)
        shape = list(walk(self._root, path))[-1]
        if place is None or shape is None or (shape.secret and place.kind == "text"):
            return ""
        return _trap(place, kind, "" if shape.secret else place.written, allowed)

    def _suggest(self, path: Keys, allowed: tuple[str, ...]) -> str:
        place = self._tree.places.get(path)
        shape = list(walk(self._root, path))[-1]
        if place is None or place.reference or place.kind != "text" or shape is None or shape.secret:
            return ""
        return did_you_mean(place.written, allowed)


def clean(location: tuple[int | str, ...]) -> Keys:
    """Path of an error of pydantic, without its marks."""
    return tuple(part for part in location if part != "[key]")


def did_you_mean(text: str, allowed: Iterable[str]) -> str:
    """``: did you mean X?`` for the closest of ``allowed``, or nothing."""
    by_lower = {name.lower(): name for name in allowed}
    if text in by_lower.values():
        return ""
    close = difflib.get_close_matches(text.lower(), by_lower, 1)
    close = close or [name for name in by_lower if len(text) > 2 and name.startswith(text.lower())]
    return f": did you mean {by_lower[close[0]]}?" if close else ""


def _trap(place: Place, kind: str, written: str, allowed: tuple[str, ...]) -> str:
    if place.kind in ("boolean", "number", "null") and kind in ("policy_want_text", "policy_choice"):
        what = f"YAML reads {written or 'it'} as a {place.kind}"
        return f": {what}" + ("; put a text in quotes" if kind == "policy_want_text" else "")
    if kind == "policy_unit":
        return ", with a unit" if place.kind == "number" else ""
    bare = kind == "policy_want_plain" or (kind == "policy_choice" and place.written in allowed)
    if bare and place.kind == "text" and place.quoted and not place.reference:
        return ": write it without quotes"
    return ""
