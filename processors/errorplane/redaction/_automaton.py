"""Expressions over bytes as automata: whether one matches within whatever another matches, and which literals it needs.

For expressions of the kind that ``Detector.gate`` holds: classes, groups, repetitions and alternatives, without anchors
and look-around. A nondeterministic automaton of the one runs together with the other's (Thompson's construction and the
subset construction, Aho, Lam, Sethi, Ullman: Compilers, 3.7), over classes of bytes that neither tells apart.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from re import _constants as op  # type: ignore[attr-defined]  # the parser of re, which has no public name
from re import _parser  # type: ignore[attr-defined]  # the parser of re, which has no public name
from typing import Any

_ALL = (1 << 256) - 1
_REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT)
_MOST_REPEATS, _MOST_STATES = 600, 200_000
_CATEGORIES = {
    category: sum(1 << code for code in range(256) if re.match(written, bytes((code,))))
    for category, written in (
        (op.CATEGORY_DIGIT, rb"[0-9]"),
        (op.CATEGORY_SPACE, rb"[\t-\r ]"),
        (op.CATEGORY_WORD, rb"[0-9A-Za-z_]"),
        (op.CATEGORY_NOT_DIGIT, rb"[^0-9]"),
        (op.CATEGORY_NOT_SPACE, rb"[^\t-\r ]"),
        (op.CATEGORY_NOT_WORD, rb"[^0-9A-Za-z_]"),
    )
}


class TooOddError(ValueError):
    """An expression that this module does not understand, or that is too large for it."""


class Automaton:
    """States are numbers; ``steps`` holds for each the sets of bytes, as bits, that lead on, ``free`` steps without."""

    def __init__(self, expression: bytes) -> None:
        self.steps: list[list[tuple[int, int]]] = []
        self.free: list[list[int]] = []
        self._reach: dict[int, frozenset[int]] = {}
        self._after: dict[tuple[int, int], int] = {}
        try:
            parsed = _parser.parse(expression, re.DOTALL)
        except (re.error, RecursionError, OverflowError) as error:
            raise TooOddError(str(error)) from error
        self.start = self._state()
        self.end = self._sequence(parsed, self.start, any_case=bool(parsed.state.flags & re.IGNORECASE))

    def reach(self, state: int) -> frozenset[int]:
        """The state and all that can be reached from it without a byte; remembered."""
        known = self._reach.get(state)
        if known is None:
            found, todo = {state}, [state]
            while todo:
                new = [each for each in self.free[todo.pop()] if each not in found]
                found.update(new)
                todo += new
            known = self._reach[state] = frozenset(found)
        return known

    def waiting(self) -> int:
        """Where a match may begin; states as bits."""
        return sum(1 << state for state in self.reach(self.start))

    def after(self, states: int, byte: int) -> int:
        """Where a byte leads from states, if a match may also begin behind it; states as bits; remembered."""
        found = self._after.get((states, byte))
        if found is None:
            found = self.waiting()
            for at in _numbers(states):
                for codes, target in self.steps[at]:
                    if codes >> byte & 1:
                        found |= sum(1 << state for state in self.reach(target))
            self._after[states, byte] = found
        return found

    def _state(self) -> int:
        self.steps.append([])
        self.free.append([])
        return len(self.steps) - 1

    def _sequence(self, parsed: Any, at: int, *, any_case: bool) -> int:
        for kind, argument in parsed:
            at = self._item(kind, argument, at, any_case=any_case)
        return at

    def _item(self, kind: Any, argument: Any, at: int, *, any_case: bool) -> int:
        end = self._state()
        if kind is op.BRANCH:
            for branch in argument[1]:
                self._join(branch, at, end, any_case=any_case)
        elif kind is op.SUBPATTERN:
            _, on, off, inside = argument
            self._join(inside, at, end, any_case=(any_case or bool(on & re.IGNORECASE)) and not off & re.IGNORECASE)
        elif kind in _REPEATS:
            self._repeat(argument, at, end, any_case=any_case)
        else:
            self.steps[at].append((_bytes_of(kind, argument, any_case=any_case), end))
        return end

    def _join(self, inside: Any, at: int, end: int, *, any_case: bool) -> None:
        start = self._state()
        self.free[at].append(start)
        self.free[self._sequence(inside, start, any_case=any_case)].append(end)

    def _repeat(self, argument: Any, at: int, end: int, *, any_case: bool) -> None:
        least, most, inside = argument
        endless = most is op.MAXREPEAT
        if (least if endless else most) > _MOST_REPEATS:
            raise TooOddError("too many repetitions")
        for _ in range(least):
            at = self._sequence(inside, at, any_case=any_case)
        if endless:
            again = self._state()
            self.free[at].append(again)
            self.free[self._sequence(inside, again, any_case=any_case)].append(again)
            at = again
        for _ in range(0 if endless else most - least):
            self.free[at].append(end)
            at = self._sequence(inside, at, any_case=any_case)
        self.free[at].append(end)


def _numbers(bits: int) -> Iterator[int]:
    while bits:
        lowest = bits & -bits
        yield lowest.bit_length() - 1
        bits ^= lowest


def _bytes_of(kind: Any, argument: Any, *, any_case: bool) -> int:
    if kind is op.ANY:
        return _ALL
    if kind is op.NOT_LITERAL:
        return _ALL & ~_cases(1 << argument, any_case=any_case)
    if kind is op.LITERAL:
        return _cases(1 << argument, any_case=any_case)
    if kind is not op.IN:
        raise TooOddError(f"{kind} is no part of a gate")
    found = 0
    for each, value in argument:
        if each is op.LITERAL:
            found |= 1 << value
        elif each is op.RANGE:
            found |= ((1 << (value[1] - value[0] + 1)) - 1) << value[0]
        elif each is op.CATEGORY:
            found |= _CATEGORIES[value]
    found = _cases(found, any_case=any_case)
    return _ALL & ~found if argument[0][0] is op.NEGATE else found


def _cases(codes: int, *, any_case: bool) -> int:
    letters = (1 << 26) - 1
    return codes | (codes >> 65 & letters) << 97 | (codes >> 97 & letters) << 65 if any_case else codes


@functools.lru_cache(maxsize=4096)
def is_within(inner: bytes, outer: bytes) -> bool:
    """Whether ``inner`` matches somewhere in whatever ``outer`` matches, so that a look for it finds that too.

    False also where that cannot be said. Exact otherwise.

    >>> is_within(rb"[0-9]{7}", rb"tel[0-9]{8}"), is_within(rb"[0-9]{7}", rb"(?:tel)?[0-9 ]{8}")
    (True, False)
    """
    try:
        return _is_within(_automaton(inner), Automaton(outer))
    except TooOddError:
        return False


@functools.lru_cache(maxsize=4)
def _automaton(expression: bytes) -> Automaton:
    """That of an expression which is looked for in many others."""
    return Automaton(expression)


def _is_within(inner: Automaton, outer: Automaton) -> bool:
    """Looks for a way through ``outer`` on which ``inner`` never gets to its end."""
    waiting = inner.waiting()
    alphabet = _representatives(inner, outer)
    todo = [(state, waiting) for state in outer.reach(outer.start)]
    seen = set(todo)
    while todo:
        state, inside = todo.pop()
        if state == outer.end:
            return False
        for codes, target in outer.steps[state]:
            for byte in alphabet:
                if not codes >> byte & 1:
                    continue
                after = inner.after(inside, byte)
                if after >> inner.end & 1:
                    continue
                new = {(each, after) for each in outer.reach(target)} - seen
                seen |= new
                todo += new
                if len(seen) > _MOST_STATES:
                    raise TooOddError("too many states")
    return True


def _representatives(*automata: Automaton) -> list[int]:
    """One byte of each class that none of the automata tells apart."""
    sets = {codes for automaton in automata for steps in automaton.steps for codes, _ in steps}
    classes = {tuple(codes >> byte & 1 for codes in sets): byte for byte in range(256)}
    return list(classes.values())


@functools.lru_cache(maxsize=4096)
def literal_length(expression: bytes) -> int:
    """The longest row of single bytes, in either case, one of which is in every match; 0 if that cannot be said."""
    try:
        return _literal_length(_parser.parse(expression, re.DOTALL))
    except (re.error, RecursionError, OverflowError):
        return 0


def _literal_length(parsed: Any) -> int:
    longest = row = 0
    for kind, argument in parsed:
        if kind is op.LITERAL:
            row += 1
            longest = max(longest, row)
            continue
        row = 0
        if kind is op.SUBPATTERN:
            longest = max(longest, _literal_length(argument[3]))
        elif kind in _REPEATS and argument[0]:
            longest = max(longest, _literal_length(argument[2]))
        elif kind is op.BRANCH:
            longest = max(longest, min(map(_literal_length, argument[1])))
    return longest
