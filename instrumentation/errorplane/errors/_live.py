"""The trail of a live exception. Touches nothing of the exception that could run code of the application."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Final

from errorplane.errors._boundary import ask
from errorplane.errors._frames import innermost
from errorplane.errors._trail import CAUSES, LEAVES, Step, Trail, common_type

# What `traceback.format_exception` prints of a group at most: the text must yield the same trail.
_GROUP_WIDTH: Final = 15
_GROUP_DEPTH: Final = 10
_FRAMES: Final = 100_000
UNPRINTABLE: Final = "<exception str() failed>"  # the words of the `traceback` module


def qualified_type(error: BaseException | type[BaseException]) -> str:
    """The type as the OpenTelemetry SDK spells it on spans: `module.QualName`, builtins without a module."""
    cls = error if isinstance(error, type) else type(error)
    module, name = cls.__module__, cls.__qualname__
    return f"{module}.{name}" if module and isinstance(module, str) and module != "builtins" else name


def message_of(error: BaseException) -> str:
    """`str(error)`, or a fixed text where the exception cannot be printed."""
    return ask(lambda: str(error), UNPRINTABLE)


def live_trail(error: BaseException) -> Trail:
    """The trail of an exception that was caught."""
    leaves = tuple(_leaves(error)) if isinstance(error, BaseExceptionGroup) else ()
    return Trail(_step(error), tuple(_causes(error)), leaves)


def _step(error: BaseException) -> Step:
    return Step(common_type(qualified_type(error)), innermost(_frames(error.__traceback__)))


def _frames(traceback: TracebackType | None) -> list[tuple[str, str]]:
    frames: list[tuple[str, str]] = []
    while traceback is not None and len(frames) < _FRAMES:
        code = traceback.tb_frame.f_code
        frames.append((code.co_filename, code.co_name))
        traceback = traceback.tb_next
    return frames


def _causes(error: BaseException) -> Iterator[Step]:
    seen = {id(error)}
    for _ in range(CAUSES):
        cause = error.__cause__
        if cause is None or id(cause) in seen:
            return
        seen.add(id(cause))
        if error.__context__ is not cause:
            _see(error.__context__, seen)
        yield _step(cause)
        error = cause


def _see(error: BaseException | None, seen: set[int]) -> None:
    """Mark what hangs on a context: an exception is printed once, and contexts are printed before causes."""
    waiting = [error]
    while waiting and len(seen) < LEAVES * CAUSES:
        error = waiting.pop()
        if error is not None and id(error) not in seen:
            seen.add(id(error))
            waiting += (error.__cause__, error.__context__)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[Step]:
    left = LEAVES
    waiting: list[tuple[int, BaseException]] = [(0, group)]
    while waiting and left:
        depth, error = waiting.pop()
        if not isinstance(error, BaseExceptionGroup):
            left -= 1
            yield _step(error)
        elif depth < _GROUP_DEPTH:
            waiting += [(depth + 1, member) for member in reversed(error.exceptions[:_GROUP_WIDTH])]
