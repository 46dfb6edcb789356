"""What a text, or an attribute, calls by a name of a pack: ``"firstName": "Ann"``, ``city=Boise``, ``member ID W883``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from errorplane.detectors import Detector, Finding, Subject
from errorplane.detectors.context._assignments import value_of
from errorplane.detectors.text._values import is_placeholder

_SURE, _BY_KEY = 0.9, 1.0
_WORD = re.compile(r"[a-z0-9]+")
_BETWEEN = "[-._ ]?"
_CODE = re.compile(r" #?(?=[^\s,;]{0,20}[0-9])[^\s,;]{4,}(?<![.:)])")  # member ID W8839201745
_REPLACEMENT = re.compile(r"<([A-Z][A-Z0-9_]+)>")
_END = re.compile(r"[|\u201d]|</")
_LONGEST, _FAR = 65, 500


def named_detector(entity: str, keys: Sequence[str]) -> Detector:
    """A detector of the entity in values that have one of these names, in texts and as attributes.

    Words of a name may be joined by a dash, a dot, an underscore, a space, or, as in ``firstName``, by nothing. An
    attribute counts if its key ends with a name of several words; keys that are the name itself are for others to find.
    """
    written = sorted({_BETWEEN.join(_WORD.findall(key.lower())) for key in keys}, key=len, reverse=True)
    look = _Named(entity, written)
    return Detector(entity, tuple(b"(?i)" + each.encode() for each in written), look)


class _Named:
    """Looks for the values of names."""

    def __init__(self, entity: str, written: Sequence[str]) -> None:
        self._entity = entity
        self._names = re.compile(f"(?:{'|'.join(written)})(?![a-z0-9])")
        several = [each for each in written if _BETWEEN in each]
        self._ends = re.compile(f"(?:{'|'.join(several)})\\Z") if several else None

    def __call__(self, subject: Subject) -> Iterable[Finding]:
        if self._is_named(subject.name) and not _is_hidden(subject.text):
            return (Finding(self._entity, 0, len(subject.text), _BY_KEY, "the attribute's key ends with a name of it"),)
        return self._in_text(subject)

    def _is_named(self, key: str) -> bool:
        found = None if self._ends is None or not key else self._ends.search(key.lower())
        return found is not None and _begins(key, found.start())

    def _is_name(self, text: str, name: re.Match[str]) -> bool:
        """Not the end of another word; of one word also not the end of a path: ``backup.zip: 12``."""
        start = name.start()
        if not _begins(text, start) or (name[0].isalnum() and text[start - 1 : start] in (".", "-")):
            return False
        return not _is_replacement(text, start, name.end())

    def _in_text(self, subject: Subject) -> Iterator[Finding]:
        text, low = subject.text, subject.low
        at = 0
        while (name := self._names.search(low, at)) is not None:
            at = name.end()
            if not self._is_name(text, name):
                continue
            value = value_of(text, low, name) or _code(low, at)
            if value is None:
                continue
            start, end = value[0], _end(text, *value)
            if start < end and not _is_hidden(text[start:end]):
                yield Finding(self._entity, start, end, _SURE, "after a name of it")
                at = end


def _is_replacement(text: str, start: int, end: int) -> bool:
    """Whether this stands in ``<FAX_NUMBER>``, which is no element that is closed again."""
    opening = text.rfind("<", max(0, start - _LONGEST), start)
    found = _REPLACEMENT.match(text, opening) if opening >= 0 else None
    return found is not None and found.end() > end and f"</{found[1]}>" not in text[end : end + _FAR]


def _begins(text: str, at: int) -> bool:
    """Whether a word begins there, also one of ``camelCase``."""
    before = text[at - 1 : at]
    return not before.isalnum() or (text[at : at + 1].isupper() and before.islower())


def _end(text: str, start: int, end: int) -> int:
    """Where a value ends: one that is in no quotes at the next column, or where its element closes."""
    found = None if text[start - 1 : start] in ('"', "'", "`") else _END.search(text, start, end)
    return end if found is None else found.start()


def _code(low: str, at: int) -> tuple[int, int] | None:
    """A word with digits in it, right after the name."""
    found = _CODE.match(low, at)
    return None if found is None else (at + 2 if low.startswith(" #", at) else at + 1, found.end())


def _is_hidden(value: str) -> bool:
    return _REPLACEMENT.fullmatch(value) is not None or is_placeholder(value)
