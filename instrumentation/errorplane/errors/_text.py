"""The trail of a printed Python exception, as `traceback.format_exception` and the OpenTelemetry SDK write it.

Everything here is linear in the length of the text, and the text is cut to a bounded length first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from errorplane.errors._frames import innermost
from errorplane.errors._trail import CAUSE, CAUSES, CONTEXT, HEADER, LEAVES, Step, Trail, common_type

_IN_GROUP: Final = "Exception Group " + HEADER
_GROUP_HEADER: Final = "  + " + _IN_GROUP
_IN_MARGIN: Final = "  | "

_QUOTE: Final = '\n"""\n'
_QUOTED: Final = re.compile(r'[\w.]*RemoteTraceback: \n"""\n')

_BETWEEN: Final = (CAUSE.strip("\n"), CONTEXT.strip("\n"))

_FRAME: Final = re.compile(r'^  File "([^\n]*)", line \d+, in ([^\n]+)$', re.MULTILINE)
_NO_FRAME: Final = re.compile(r"^(?!  )", re.MULTILINE)
_TYPE: Final = re.compile(r"(?:<unknown>\.)?[^\W\d][\w.]*(?:<locals>[\w.]*)*(?=: |\n|\Z)")
_MEMBER: Final = re.compile(r"^ +(?:\+-)?\+-{16} (?:\d+|\.\.\.) -{16}$")
_MARGIN: Final = re.compile(r"^( +)[|+] ")

_HALF: Final = 65_536
_NEEDLE: Final = 100
_LINES: Final = 10_000


def bounded(text: str) -> str:
    """The text, or its beginning and end in whole lines: the innermost frame stands near the one or the other."""
    if len(text) <= 2 * _HALF:
        return text
    return text[:_HALF].rpartition("\n")[0] + "\n" + text[-_HALF:].partition("\n")[2]


def python_trail(type_: str, message: str, text: str) -> Trail | None:
    """The trail of the text, or None when it is not a printed Python exception.

    `type_` and `message` are those of the last exception in the text, if known ("" if not): they tell where its
    own words begin, so that a message that looks like a traceback is not taken for one.
    """
    text = text.rstrip("\n")
    end = _final_line(type_, message, text)
    start, is_cause = _last_separator(text, end)
    if end == len(text) and text.startswith((_GROUP_HEADER, _IN_MARGIN), start):
        return _group_trail(type_, text, start, is_cause)
    header = text.find(HEADER, start, end)
    if header < 0 and end == len(text):
        return None
    error = Step(_full_type(type_, text, end), None)
    if header >= 0:
        frames, stop = _frames(text, header + len(HEADER), end)
        error = Step(_full_type(type_, text, min(stop, end)), innermost(frames))
    return Trail(error, tuple(_causes(text, start, is_cause)))


def _final_line(type_: str, message: str, text: str) -> int:
    """Where the line `Type: message` of the last exception begins; the length of the text if it is not found."""
    name = common_type(type_)[-_NEEDLE:]
    first = message.partition("\n")[0][:_NEEDLE].rstrip("\r")
    needle = f"{name}: {first}" if message else name
    found = text.rfind(needle) if name else -1
    if found < 0:
        return len(text)
    start = text.rfind("\n", 0, found) + 1
    token = _TYPE.match(text, start)
    return start if token and token.end() == found + len(name) else len(text)


def _last_separator(text: str, end: int) -> tuple[int, bool]:
    """Where the last exception before `end` begins, and whether the one before it is its explicit cause."""
    floor = _quoted(text, end)
    cause, context = text.rfind(CAUSE, floor, end), text.rfind(CONTEXT, floor, end)
    if cause < 0 and context < 0:
        return 0, False
    return (cause + len(CAUSE), True) if cause > context else (context + len(CONTEXT), False)


def _quoted(text: str, end: int) -> int:
    """Where the message ends of an exception from another process at the beginning of the text, else 0.

    It is the cause of the one that was raised here, and quotes the whole stack trace from there.
    """
    if not _QUOTED.match(text):
        return 0
    found = text.rfind(_QUOTE + CAUSE, 0, end + len(CAUSE))
    return 0 if found < 0 else found + len(_QUOTE)


def _frames(text: str, start: int, end: int) -> tuple[list[tuple[str, str]], int]:
    """The frames from `start` on, and where they stop: at the first line that is not indented."""
    stop = _NO_FRAME.search(text, start, end)
    at = stop.start() if stop else end
    return [(frame[1], frame[2]) for frame in _FRAME.finditer(text, start, at)], at


def _full_type(type_: str, text: str, at: int) -> str:
    """The qualified type printed at this place, if it is the given one or none is given."""
    printed = _printed_type(text, at)
    known = common_type(type_)
    return printed if not known or printed.endswith("." + known) else known


def _printed_type(text: str, at: int) -> str:
    token = _TYPE.match(text, at)
    return common_type(token[0]) if token else ""


def _causes(text: str, start: int, is_cause: bool) -> Iterator[Step]:
    for _ in range(CAUSES):
        if not is_cause:
            return
        end = start - len(CAUSE)
        start, is_cause = _last_separator(text, end)
        yield _step(text, start, end)


def _step(text: str, start: int, end: int) -> Step:
    if text.startswith((_GROUP_HEADER, _IN_MARGIN), start):
        return _sections(text[start:end])[0].step()
    if text.startswith(_IN_GROUP, start):
        start += len(_IN_GROUP) - len(HEADER)
    if not text.startswith(HEADER, start):
        return Step(_printed_type(text, start), None)
    frames, stop = _frames(text, start + len(HEADER), end)
    return Step(_printed_type(text, stop), innermost(frames))


class _Section:
    """The lines of one member of an exception group, or of the group itself, without their margin."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.lines: list[str] = []
        self.is_group = False

    def step(self) -> Step:
        text = "\n".join(self.lines)
        start, _ = _last_separator(text, len(text))
        return _step(text, start, len(text))


def _group_trail(type_: str, text: str, start: int, is_cause: bool) -> Trail:
    sections = _sections(text[start:])
    leaves = [section.step() for section in sections if not section.is_group]
    error = sections[0].step()
    known = common_type(type_)
    if known and not error.type.endswith(known):
        error = Step(known, error.place)
    members = tuple(leaf for leaf in leaves if leaf.type)[:LEAVES]
    return Trail(error, tuple(_causes(text, start, is_cause)), members)


def _sections(text: str) -> list[_Section]:
    """The group first, then its members in the order in which they are printed."""
    root = _Section(2)
    sections = [root]
    open_at = {2: root}
    for line in islice(text.splitlines(), _LINES):
        margin = _MARGIN.match(line)
        if _MEMBER.match(line):
            depth = line.rindex("+") if "+-+" not in line else line.index("+") + 2
            section = _Section(depth)
            sections.append(section)
            open_at[depth] = section
            if parent := open_at.get(depth - 2):
                parent.is_group = True
        elif margin and (owner := open_at.get(len(margin[1]))):
            owner.lines.append(line[margin.end() :])
            if owner.is_group and owner.lines[-1] in _BETWEEN:
                # Those members belonged to a cause of this exception.
                owner.is_group = False
                del sections[sections.index(owner) + 1 :]
    return sections
