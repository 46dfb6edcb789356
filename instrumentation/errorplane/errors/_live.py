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
_MEMBERS: Final = 1_000  # looked at in search of what is printed before the causes of a group
UNPRINTABLE: Final = "<exception str() failed>"  # the words of the `traceback` module


def qualified_type(error: BaseException | type[BaseException]) -> str:
    """The type as the OpenTelemetry SDK spells it on spans: `module.QualName`, builtins without a module."""
    cls = error if isinstance(error, type) else type(error)
    module, name = cls.__module__, cls.__qualname__
    return f"{module}.{name}" if module and isinstance(module, str) and module != "builtins" else name


def message_of(error: BaseException) -> str:
    """`str(error)`, or a fixed text where the exception cannot be printed."""
    return ask(lambda: str.__str__(str(error)), UNPRINTABLE)  # a subclass of str may do anything when it is used


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
    """As the `traceback` module prints them: no exception twice, and those within a group before its own causes."""
    seen = {id(error)}
    for _ in range(CAUSES):
        cause = error.__cause__
        if cause is None or id(cause) in seen:
            return
        seen.add(id(cause))
        if isinstance(error, BaseExceptionGroup):
            _see_members(error, seen)
        yield _step(cause)
        error = cause


def _see_members(group: BaseExceptionGroup[BaseException], seen: set[int]) -> None:
    waiting: list[BaseException] = [group]
    for _ in range(_MEMBERS):
        if not waiting:
            return
        error = waiting.pop()
        chained = error.__cause__
        if (chained is None or id(chained) in seen) and not error.__suppress_context__:
            chained = error.__context__
        if chained is not None and id(chained) not in seen and error is not group:
            seen.add(id(chained))
            waiting.append(chained)
        if isinstance(error, BaseExceptionGroup):
            seen.update(map(id, error.exceptions))
            waiting += error.exceptions


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
