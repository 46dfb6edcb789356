"""Where a Python frame stands: in the application or not, and under which name it counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

_SPLIT: Final = re.compile(r"[/\\]")
_LIBRARY: Final = re.compile(r".*[/\\](?:site|dist)-packages[/\\]", re.DOTALL)
_STDLIB: Final = re.compile(
    r"""
    .*(?:
        [/\\]lib(?:64)?[/\\](?:python|pypy)\d[\d.]*t?[/\\]      # /usr/lib/python3.11/
      | [/\\]python\d+\.zip[/\\]
      | [/\\][^/\\]*(?:python|conda|envs)[^/\\]*\\(?:[^\\]+\\){0,3}Lib\\   # C:\\Python311\\Lib\\
    )
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_FROZEN: Final = "<frozen "
_GENERATED: Final = re.compile(r"\d+(?:-[0-9a-f]{6,})?")  # <ipython-input-7-0123456789ab>
_INLINED: Final = frozenset(("<listcomp>", "<dictcomp>", "<setcomp>"))  # Python 3.12 has no frames for these
_PATH_LENGTH: Final = 512  # a longer path comes from nobody's disk; the end of it decides


class Place(NamedTuple):
    """`stem` is the name under which a file counts: no folder of the host, no suffix."""

    in_app: bool
    stem: str


def place(filename: str) -> Place:
    """Where the file stands.

    In-app is what is neither the standard library, nor under site-packages or dist-packages, nor frozen.
    """
    return _place(filename if len(filename) <= _PATH_LENGTH else filename[-_PATH_LENGTH:])


def is_in_app(filename: str) -> bool:
    """Whether a file is of the application's own code; see `place`."""
    return place(filename).in_app


def innermost(frames: Sequence[tuple[str, str]]) -> str | None:
    """`stem:function` of the innermost in-app frame, else of the innermost frame, else None.

    `frames` are pairs of file name and function name, the innermost last.
    """
    inlined: tuple[str, str] | None = None
    for filename, function in reversed(frames):
        in_app, stem = place(filename)
        if in_app and function not in _INLINED:
            return f"{stem}:{function}"
        if in_app and inlined is None:
            inlined = (stem, function)
    if inlined:
        return ":".join(inlined)
    return f"{place(frames[-1][0]).stem}:{frames[-1][1]}" if frames else None


@lru_cache(maxsize=4096)
def _place(path: str) -> Place:
    if path.startswith(_FROZEN):
        return Place(False, path[len(_FROZEN) : -1])
    for outside in (_LIBRARY, _STDLIB):
        if found := outside.match(path):
            return Place(False, _without_suffix("/".join(_SPLIT.split(path[found.end() :]))))
    return Place(True, _stem(path))


def _stem(path: str) -> str:
    if path.startswith("<"):
        return _GENERATED.sub("#", path)
    *folders, name = _SPLIT.split(path)
    name = _without_suffix(name)
    if name in ("__init__", "__main__") and folders:
        return f"{folders[-1]}/{name}"
    return "#" if name.isdecimal() else name  # a notebook cell is a file with a number for a name


def _without_suffix(name: str) -> str:
    for suffix in (".py", ".pyc", ".pyw"):
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name
