"""The trail of a .NET stack trace, as `Exception.ToString` prints it, with and without symbols, also by Mono.

Formats: `Exception.ToString` and `AggregateException.ToString` of .NET and the .NET Framework: inner exceptions stand
first, each behind ` ---> `, and the frames of the one around them after "End of inner exception stack trace". The words
are in the language of the host.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from errorplane.errors._libraries import DOTNET
from errorplane.errors._stack import Frame, Frames, Link, lines, trail_of
from errorplane.errors._trail import LEAVES, Trail

_CALL: Final = r"(?:\(wrapper [\w-]+\) )?([^\s(][^\n(]*?) ?\((?![</])[^\n)]*\)(?: [^\n]*)?$"
FRAME: Final = re.compile(rf"^(?: {{2,6}}at| {{3}}\S{{1,8}}) {_CALL}", re.MULTILINE)
_MEMBER: Final = re.compile(r"^\s*---> \(Inner Exception #\d+\) ", re.MULTILINE)
_ARROW: Final = re.compile(r"(?:^|\s)---> ")
_END_OF_INNER: Final = re.compile(r"^ {3}--- [^\n]+ ---$", re.MULTILINE)
_TYPE: Final = re.compile(r"(?:Unhandled exception[.:] )?((?:[^\W\d][\w`+]*\.)*[^\W\d][\w`+\[\],]*)(?= \(|: |\s*\Z)")

_ARGUMENTS: Final = re.compile(r"`\d+|\[[^\[\]]*\]")
_NAME_LENGTH: Final = 500
_NESTED: Final = 3
_FSHARP: Final = re.compile(r"@\d+(?:-\d+)?")
_VB: Final = re.compile(r"VB\$StateMachine_\d+_(\w+)|_Closure\$__[\d-]*|_Lambda\$__[\w-]*")
_INSIDE: Final = re.compile(r"<([^<>]*)>")
_LOCAL: Final = re.compile(r"g__(\w+)\|")
_LAMBDA: Final = re.compile(r">[bm]__|>c__AnonStorey|DisplayClass|_Lambda\$|@\d")
_MACHINERY: Final = ("MoveNext", "Invoke")
_TOP: Final = ("Main", ".ctor", ".cctor")


def dotnet_trail(type_: str, message: str, text: str) -> Trail | None:
    """The trail, or None when the text holds no frame of .NET."""
    main, *members = _MEMBER.split(text, maxsplit=LEAVES + 1)[: LEAVES + 1]
    links = _chain(main)
    leaves = [_chain(member)[0] for member in members]
    if leaves and len(links) > 1 and "(Inner Exception #0)" not in text:
        leaves.insert(0, links[1])  # since .NET Core 3 the first member is printed as the inner exception only
    if len(leaves) > 1:
        return trail_of(type_, message, links[:1], leaves)
    return trail_of(type_, message, links)


def _chain(text: str) -> list[Link]:
    """The exceptions, the outermost first: the frames of the last one named stand first."""
    types: list[str] = []
    stacks: list[list[str]] = [[]]
    for number, line in enumerate(lines(text)):
        if _END_OF_INNER.match(line):
            stacks.append([])
        elif found := FRAME.match(line):
            stacks[-1].append(found[1])
        elif number == 0 or (not stacks[0] and "---> " in line):
            first, *inner = _ARROW.split(line)
            types += [_type(part) for part in ([first] if number == 0 and first else []) + inner]
    types = types or [""]
    stacks += [[]] * (len(types) - len(stacks))
    return [
        Link(name, Frames(calls, _frame)) for name, calls in zip(types, reversed(stacks[-len(types) :]), strict=True)
    ]


def _type(part: str) -> str:
    found = _TYPE.match(part)
    return found[1] if found else ""


def _frame(calls: Sequence[str], at: int) -> Frame:
    """The frame without what a compiler made of lambdas, local, async and iterator functions: the method they stand in."""
    name = printed = calls[at][:_NAME_LENGTH]
    for _ in range(_NESTED):
        name = _ARGUMENTS.sub("", name)
    in_app = not name.startswith(DOTNET)
    plain = _FSHARP.sub("", _VB.sub(lambda found: found[1] or "<>", name)).replace("+", ".")
    parts = [part for part in map(_method, _parts(plain)) if part]
    if plain != name or "<" in name:
        parts = [part for part in parts if part not in _MACHINERY] or parts
    named = not _LAMBDA.search(printed) or (bool(parts) and parts[-1] not in _TOP)
    return Frame(in_app, ".".join(parts), named)


def _parts(name: str) -> list[str]:
    """The name taken apart at its dots, but for those in angle brackets and that of a constructor."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(name):
        depth += (sign == "<") - (sign == ">")
        if sign == "." and depth <= 0 and at > start:
            parts.append(name[start:at])
            start = at + 1
    return [*parts, name[start:]]


def _method(part: str) -> str:
    """`Total` of `<Total>d__3` and `Total.Check` of `<Total>g__Check|3_0`; "" for a class that only holds lambdas."""
    inside = _INSIDE.search(part)
    if not inside:
        return part
    local = _LOCAL.search(part)
    return f"{inside[1]}.{local[1]}" if local else inside[1]
