"""A stack trace as `traceback.format_exception` prints it, without printing the same frame twice.

Formatting costs ten times as much as everything else that is done about an error, and nearly all of it goes into the
source lines of the frames. Those are the same every time the same place in the code is passed, so they are kept: of a
file that is edited meanwhile, the lines that run are printed.
"""

from __future__ import annotations

import sys
import traceback
import weakref
from collections.abc import Iterator
from types import CodeType, TracebackType
from typing import Final

from errorplane.errors._boundary import ask
from errorplane.errors._live import message_of
from errorplane.errors._trail import CAUSE, CONTEXT, HEADER

_KEPT: Final = 4096  # places in the code; with the text of each, one or two megabytes
_TEXT: Final = 1000  # characters of such a text; a longer one has lines that no person wrote
_REPEATED: Final = 3  # the traceback module prints so many frames of a recursion
_LINKS: Final = 100
_printed: Final[dict[tuple[int, int], tuple[weakref.ref[CodeType], str]]] = {}

# What is printed of these is more than the type and the message: suggestions, source, the members.
_RICHER: Final = (SyntaxError, ImportError, NameError, AttributeError, BaseExceptionGroup)


def stacktrace(error: BaseException, type_: str | None = None, message: str | None = None) -> str:
    """The whole stack trace, with causes and contexts; with another type or message of the error itself, if given."""
    links = _links(error)
    if all(_is_plain(link) for link, _ in links) and not hasattr(sys, "tracebacklimit"):
        changed = None if type_ is None and message is None else _final(error, type_, message)
        return "".join(_lines(links, changed))
    text = _by_the_library(error) or "".join(_lines(links, None))
    own = message_of(error)
    if message is not None and own and message != own:
        text = text.replace(own, message)
    return text


def _by_the_library(error: BaseException) -> str:
    """Nothing where properties and sources of the application, which are read there, fail."""
    return ask(lambda: "".join(traceback.format_exception(error)), "")


def _links(error: BaseException) -> list[tuple[BaseException, str]]:
    """The exceptions that are printed, the outermost first, with what stands between each and the one before it."""
    links = [(error, "")]
    seen = {id(error)}
    while len(links) < _LINKS:
        following, words = error.__cause__, CAUSE
        if following is None or id(following) in seen:
            following, words = (None if error.__suppress_context__ else error.__context__), CONTEXT
        if following is None or id(following) in seen:
            break
        seen.add(id(following))
        links.append((following, words))
        error = following
    return links


def _is_plain(error: BaseException) -> bool:
    return not isinstance(error, _RICHER) and not ask(lambda: bool(getattr(error, "__notes__", None)), True)


def _lines(links: list[tuple[BaseException, str]], changed: str | None) -> Iterator[str]:
    for number in range(len(links) - 1, -1, -1):
        error = links[number][0]
        if error.__traceback__ is not None:
            yield HEADER
            yield from _frames(error.__traceback__)
        yield changed if changed is not None and number == 0 else _final(error, None, None)
        yield links[number][1]


def _frames(found: TracebackType | None) -> Iterator[str]:
    place: tuple[str, int | None, str] | None = None
    times = 0
    while found is not None:
        code = found.tb_frame.f_code
        here = (code.co_filename, found.tb_lineno, code.co_name)
        if here != place:
            yield from _repeated(times)
            place, times = here, 0
        times += 1
        if times <= _REPEATED:
            known = _printed.get((id(code), found.tb_lasti))
            yield known[1] if known is not None else _print(code, found)
        found = found.tb_next
    yield from _repeated(times)


def _repeated(times: int) -> Iterator[str]:
    left = times - _REPEATED
    if left > 0:
        yield f"  [Previous line repeated {left} more time{'s' if left > 1 else ''}]\n"


def _print(code: CodeType, found: TracebackType) -> str:
    text = "".join(traceback.format_tb(found, limit=1))
    if len(text) <= _TEXT:
        if len(_printed) >= _KEPT:
            _printed.clear()
        key = (id(code), found.tb_lasti)  # forgotten with the code, before its id can become that of other code
        _printed[key] = (weakref.ref(code, lambda _: _printed.pop(key, None)), text)
    return text


def _final(error: BaseException, type_: str | None, message: str | None) -> str:
    name = _name(error) if type_ is None else type_
    words = message_of(error) if message is None else message
    return f"{name}: {words}\n" if words else f"{name}\n"


def _name(error: BaseException) -> str:
    module, name = type(error).__module__, type(error).__qualname__
    if module in ("__main__", "builtins"):
        return name
    return f"{module if isinstance(module, str) else '<unknown>'}.{name}"
