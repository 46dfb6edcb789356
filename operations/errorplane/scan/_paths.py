"""Where a value stands in a document: ``resourceSpans[0].scopeSpans[0].spans[3].attributes["user.email"]``."""

from __future__ import annotations

import json
import re
from functools import lru_cache

Path = tuple["Path | None", "str | int"]
"""The path of the value around it, and the last part: the number of an item, or a name as it is shown."""

_SIMPLE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LONGEST_NAME = 200


@lru_cache(maxsize=4096)
def member(name: str) -> str:
    """The part for a member of an object.

    >>> member("user"), member("user.email")
    ('.user', '["user.email"]')
    """
    return f".{name}" if len(name) <= _LONGEST_NAME and _SIMPLE.fullmatch(name) else attribute(name)


@lru_cache(maxsize=4096)
def attribute(name: str) -> str:
    """The part for an attribute; an endless name is cut."""
    return f"[{json.dumps(name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + '...', ensure_ascii=False)}]"


def shown(path: Path | None) -> str:
    """The path as people write it; "" for the document itself."""
    parts: list[str] = []
    while path is not None:
        path, part = path
        parts.append(f"[{part}]" if isinstance(part, int) else part)
    return "".join(reversed(parts)).removeprefix(".")
