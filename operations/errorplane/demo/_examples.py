"""Short examples out of the real output: what is left where something was masked."""

from __future__ import annotations

import re
from collections.abc import Mapping

from errorplane.demo._output import Output

MASK = re.compile(r"<[A-Z][A-Z_]+>")
_AROUND = 14
_LONGEST = 34


def entity_example(entity: str, outputs: Mapping[str, Output]) -> str:
    """The most telling masked text of an entity, cut to its surroundings; empty if there is none."""
    mask = f"<{entity}>"
    found = sorted(
        {_surroundings(text, mask) for output in outputs.values() for text in output.strings if mask in text},
        key=lambda text: (text == mask, len(MASK.findall(text)) > 1, -len(text), text),
    )
    return found[0] if found else ""


def excerpt(text: str, length: int) -> str:
    """``text`` in one line of at most ``length`` characters: from its start if its first mask fits in, else around that.

    >>> excerpt("charging card=<CREDIT_CARD> failed, and so on", 34)
    'charging card=<CREDIT_CARD> ...'
    >>> excerpt("a very long text before card=<CREDIT_CARD> and after it", 34)
    '... card=<CREDIT_CARD> and ...'
    """
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    found = MASK.search(line)
    mask_start, mask_end = found.span() if found else (0, 0)
    start = 0 if mask_end <= length - len(" ...") else max(0, mask_start - (length - (mask_end - mask_start)) // 2)
    if start:  # no half words
        start = min(mask_start, line.find(" ", start, mask_start) + 1 or mask_start)
    end = max(mask_end, start + length - len(" ...") - (len("... ") if start else 0))
    if end < len(line) and line[end] != " ":
        end = max(mask_end, line.rfind(" ", mask_end, end))
    return ("... " if start else "") + line[start:end].strip() + (" ..." if end < len(line) else "")


def short_type(name: str) -> str:
    """The last part of a qualified type name."""
    return name.rpartition(".")[2]


def _surroundings(text: str, mask: str) -> str:
    line = " ".join(text.split())
    at = line.find(mask)
    start = max(0, at - _AROUND)
    cut = line[start : at + len(mask) + _AROUND]
    words = cut.split(" ")
    if start and len(words) > 1:  # no half words
        words = words[1:]
    if at + len(mask) + _AROUND < len(line) and len(words) > 1:
        words = words[:-1]
    short = " ".join(words)
    return short if mask in short and len(short) <= _LONGEST else mask
