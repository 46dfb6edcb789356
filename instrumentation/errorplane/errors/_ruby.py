"""The trail of a Ruby stack trace, as `Exception#full_message` and `#backtrace` give it, in both orders.

Formats: `full_message` of Ruby 2.5 and later with `order: :top` (the exception, then its causes) and `order: :bottom` (the
causes first, each with its frames numbered and the innermost last), with and without highlighting; labels of Ruby 3.4
(`'Cart#total'`) and before (`` `total' ``); JRuby's `total at /srv/cart.rb:3`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from errorplane.errors._stack import Frame, Frames, Link, lines, trail_of
from errorplane.errors._trail import Trail

FRAME: Final = re.compile(
    r"^(?:[ \t]*(?:\d+: )?from )?[^\s:][^:\n]*(?::[^:\n]+)?:\d+:in [`'][^\n]*'(?=$|: )|^ {2,3}[^\s][^\n]* at \S[^\n]*\.rb:\d+$",
    re.MULTILINE,
)
REVERSED: Final = re.compile(
    r"^Traceback \(most recent call last\):\n[ \t]*(?:\d+: from )?[^\s\n][^\n]*:\d+:in [`']", re.MULTILINE
)
"""Ruby's order with the innermost frame last; it begins with the very words that Python begins with."""
_NUMBERED: Final = re.compile(r"^[ \t]*\d+: from ", re.MULTILINE)
_LINE: Final = re.compile(r"[ \t]*(?:(\d+: )?from )?([^\s:](?:[^:]|:(?!\d))*):(\d+):in [`'](.*?)'(?:$|: (.*))")
_JRUBY: Final = re.compile(r"\s{2,3}([^\s].*) at (\S.*\.rb):(\d+)$")
_TYPE: Final = re.compile(r"\(((?:[A-Z]\w*::)*[A-Z]\w*)\)$")
_LIBRARY: Final = re.compile(
    r"[/\\]gems[/\\][^/\\]+-\d[^/\\]*[/\\]|[/\\]bundler[/\\]gems[/\\]|[/\\](?:lib|jruby\.home)[/\\](?:ruby|truffle)[/\\]"
    r"|[/\\]rubygems(?:-integration)?[/\\]|[/\\]vendor_ruby[/\\]|^<internal:|^[\w-]+ \(\d[\w.]*\) |^uri:classloader:|\.java$|[/\\]rbenv[/\\]libexec"
)
_SPLIT: Final = re.compile(r"[/\\]")
_TOP: Final = re.compile(r"<.*>")
_ERB: Final = re.compile(r"_app_views_(\w+?)__+\d[\d_]*")
_PRINTERS: Final = frozenset(("full_message", "detailed_message"))


class _Call(NamedTuple):
    """One frame as printed; `label` is the method's name with the words around it."""

    path: str
    line: str
    label: str


def ruby_trail(type_: str, message: str, text: str) -> Trail | None:
    """The trail, or None when the text holds no frame of Ruby."""
    is_reversed = REVERSED.search(text) is not None or _NUMBERED.search(text) is not None
    sections: list[tuple[str, list[_Call]]] = []
    waiting: list[_Call] = []
    for line in lines(text):
        found = _LINE.match(line)
        if not found:
            waiting += _jruby_call(line)
            continue
        call = _Call(found[2], found[3], found[4])
        if found[5] is None:
            (waiting if is_reversed or not sections else sections[-1][1]).append(call)
            continue
        name = _TYPE.search(found[5])
        sections.append((name[1] if name else "", [call, *reversed(waiting)] if is_reversed else [call]))
        waiting = []
    if not sections:
        sections = [("", waiting[::-1] if is_reversed else waiting)]
    links = [Link(name, _frames(calls)) for name, calls in (reversed(sections) if is_reversed else sections)]
    return trail_of(type_, message, links)


def _jruby_call(line: str) -> list[_Call]:
    found = _JRUBY.match(line)
    return [_Call(found[2], found[3], found[1])] if found else []


def _frames(calls: Sequence[_Call]) -> Frames[_Call]:
    if calls and calls[0].label in _PRINTERS:
        return Frames((), _frame)  # an exception that was never raised
    # A function in C is printed with the place of the line that called it, and counts as its caller.
    own = [call for call, caller in zip(calls, (*calls[1:], None), strict=True) if not caller or call[:2] != caller[:2]]
    return Frames(own, _frame)


def _frame(calls: Sequence[_Call], at: int) -> Frame:
    call = calls[at]
    where = call.label.rpartition(" in ")[2]
    method = re.split(r"[#.](?=[^#.])", where)[-1] if not where.startswith("<") else where
    stem = _SPLIT.split(call.path)[-1].partition(".")[0]
    view = _ERB.search(method)
    return Frame(not _LIBRARY.search(call.path), f"{stem}:{view[1] if view else method}", not _TOP.fullmatch(method))
