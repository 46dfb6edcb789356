"""What the readers of other languages' stack traces share: the frames of one exception, and the trail that they make."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, Generic, NamedTuple, TypeVar

from errorplane.errors._trail import CAUSES, LEAVES, Step, Trail

T = TypeVar("T")

_LINES: Final = 3_000
_LINE_LENGTH: Final = 1_000
_RECURSION: Final = 100
"""Frames looked at for the functions that call each other until the stack is full."""
_TOO_DEEP: Final = re.compile(
    r"StackOverflow|SystemStackError|Maximum call stack|too much recursion|stack overflow|stack level too deep"
    r"|stack exceeds"
)

# Types that say only that something failed in another thread or behind reflection; what it was is their cause.
_WRAPPERS: Final = frozenset(
    (
        "java.util.concurrent.ExecutionException",
        "java.util.concurrent.CompletionException",
        "java.lang.reflect.InvocationTargetException",
        "java.lang.reflect.UndeclaredThrowableException",
        "java.security.PrivilegedActionException",
        "System.AggregateException",
        "System.Reflection.TargetInvocationException",
    )
)


class Frame(NamedTuple):
    """One line of a stack trace: whether its code is the application's own, and `owner:function`.

    `named` is False where that is the place of many pieces of code, such as the functions without a name in a file.
    """

    in_app: bool
    place: str
    named: bool = True


class Frames(Generic[T]):
    """The frames of one exception, the innermost first, read when they are asked for: mostly the first one decides."""

    def __init__(self, printed: Sequence[T], read: Callable[[Sequence[T], int], Frame]) -> None:
        self._printed = printed
        self._read = read

    def __bool__(self) -> bool:
        return bool(self._printed)

    def __iter__(self) -> Iterator[Frame]:
        return (self._read(self._printed, at) for at in range(len(self._printed)))


class Link(NamedTuple):
    """One exception of a chain: its type as printed, "" if it is not, and its frames."""

    type: str
    frames: Frames[Any]


def lines(text: str) -> Iterator[str]:
    """The lines to look at: so many at most, and none that nobody's runtime prints."""
    return (line for line in islice(text.split("\n", _LINES), _LINES) if len(line) <= _LINE_LENGTH)


def trail_of(type_: str, message: str, links: Sequence[Link], leaves: Sequence[Link] = ()) -> Trail | None:
    """The trail of a chain, the outermost exception first, or None without any frame.

    `type_` is the type of the outermost one as it is known elsewhere, "" if it is not.
    """
    if not any(link.frames for link in (*links, *leaves)):
        return None
    first = 0
    while len(leaves) < 2 and first + 1 < len(links) and _is_wrapper(links[first], type_ if first == 0 else ""):
        first += 1
    error, *causes = links[first:]
    frame = _representative(error, message)
    return Trail(
        Step(_full_type(type_, error.type) if first == 0 else error.type, frame.place if frame else None),
        tuple(_step(link) for link in causes[:CAUSES]),
        tuple(_step(link) for link in leaves[:LEAVES]) if len(leaves) > 1 else (),
        worded=frame is not None and not frame.named and len(leaves) < 2,
    )


def _is_wrapper(link: Link, known: str) -> bool:
    return (link.type or known) in _WRAPPERS


def _full_type(known: str, printed: str) -> str:
    """The type as it is printed, if it is the known one in another spelling or none is known."""
    is_known = printed.replace("$", ".") == known or printed.endswith(("." + known, "::" + known))
    return printed if printed and (not known or is_known) else known


def _step(link: Link) -> Step:
    frame = _representative(link, "")
    return Step(link.type, frame.place if frame else None)


def _representative(link: Link, message: str) -> Frame | None:
    """The innermost in-app frame, else the innermost one.

    Where the stack was full, chance decides which function stood on top: the first by name of those that recur.
    """
    innermost = next((frame for frame in link.frames if frame.in_app), None) or next(iter(link.frames), None)
    if _TOO_DEEP.search(link.type) or _TOO_DEEP.search(message[:_LINE_LENGTH]):
        seen = Counter(islice((frame for frame in link.frames if frame.in_app), _RECURSION))
        most = max(seen.values(), default=0)
        recurring = (frame for frame, times in seen.items() if 2 * times > most > 1)
        return min(recurring, key=lambda frame: (not frame.named, frame.place), default=innermost)
    return innermost
