"""A result as a line of output: an object for programs, the redacted line for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from errorplane.scan._model import Result, Rule

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BOLD, _PLAIN = "\x1b[1;33m", "\x1b[0m"


def as_json(result: Result, forbidden: Mapping[str, Rule]) -> str:
    """One object: text, entities, and where they apply note, quarantined and the rule that forbids an entity."""
    if not (result.entities or result.quarantined or result.note):  # most lines
        return f'{{"text": {quoted(result.text)}, "entities": []}}'
    entities = []
    for each in result.entities:
        entity: dict[str, Any] = {
            "type": each.type,
            "start": each.start,
            "end": each.end,
            "score": round(each.score, 4),
            "action": each.action,
        }
        if each.path is not None:
            entity["path"] = each.path
        if rule := each.rule(forbidden):
            entity["rule"] = {"pack": rule.pack, "number": rule.number}
        entities.append(entity)
    document: dict[str, Any] = {"text": result.text, "entities": entities}
    if result.quarantined:
        document["quarantined"] = list(result.quarantined)
    if result.note:
        document["note"] = result.note
    return json.dumps(document)


def for_terminal(line: str, result: Result, colours: bool) -> str:
    """The redacted line, what is new in bold; control characters, which a terminal would obey, are shown."""
    if not colours:
        return _visible(result.text)
    return "".join(f"{_BOLD}{_visible(part)}{_PLAIN}" if new else _visible(part) for part, new in _parts(line, result))


def _parts(line: str, result: Result) -> Iterator[tuple[str, bool]]:
    """The pieces of the redacted line, and whether each is new: what stood between entities is found in it again."""
    text = result.text
    if text == line:
        yield text, False
        return
    done = at = 0
    for number, entity in enumerate(result.entities):
        kept = line[done : entity.start]
        if not text.startswith(kept, at):
            break
        yield kept, False
        at += len(kept)
        last = number + 1 == len(result.entities)
        after = line[entity.end :] if last else line[entity.end : result.entities[number + 1].start]
        end = len(text) - len(after) if last else text.find(after, at) if after else at
        if end < at:
            break
        yield text[at:end], True
        done, at = entity.end, end
    yield text[at:], text[at:] != line[done:]


def _visible(text: str) -> str:
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", text)
