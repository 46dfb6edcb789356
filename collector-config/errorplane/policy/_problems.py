"""What is wrong with a policy, and where.

ValueError
└── PolicyError       a policy that cannot be used; ``problems`` lists every mistake
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]
Path = tuple[str | int, ...]
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake (``error``) or one doubtful thing (``warning``).

    ``line`` and ``column`` count from 1; 0 where the file itself is the problem. ``path`` is written like
    ``sampling.rules[1].keep``, empty for the whole file. ``value`` is what stands there as it is written: the
    reference where there is one, and never a secret. ``allowed`` lists the values that would do.
    """

    file: str
    line: int
    column: int
    path: str
    value: str | None
    allowed: tuple[str, ...]
    message: str
    level: Level = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        where = f"{self.path}: " if self.path else ""
        notes = [f"found {self.value}"] if self.value is not None else []
        if self.allowed:
            more = ", ..." if len(self.allowed) > _LISTED else ""
            notes.append(f"allowed: {', '.join(self.allowed[:_LISTED])}{more}")
        return f"{place}: {self.level}: {where}{self.message}" + (f" ({'; '.join(notes)})" if notes else "")


class PolicyError(ValueError):
    """The policy cannot be used. ``str()`` is a listing of all problems, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


def spell(path: Path) -> str:
    """A path as it is printed.

    >>> spell(("sampling", "rules", 1, "keep")), spell(("services", "a.b", "tier"))
    ('sampling.rules[1].keep', 'services["a.b"].tier')
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[A-Za-z0-9_?<-]+", part):
            text += f".{part}" if text else part
        else:
            text += '["' + part.replace('"', '\\"') + '"]'
    return text
