"""Attributes that the policy asks for, found in the raw bytes of a request: what no condition names costs nothing.

A walk over the attributes of every span takes microseconds a span in Python, a search for the few keys that matter a
tenth of one. So one pass of Hyperscan looks for the encoded key, with the value where that is fixed; a hit says no more
than that a condition may hold, since the same bytes may stand in an event or within a text, and is settled by parsing
that one item or resource. Keys and values are looked for in their shortest encoding, which every OpenTelemetry library
writes.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from errorplane.multipattern import Scanner, compile_database
from errorplane.otlp._wire import delimited, read_varint
from errorplane.policy import AttributeTest
from errorplane.policy._patterns import compile_pattern

Value = str | bool | int | float | None
_Passes = Callable[[Value], bool]
_LONGEST_LITERAL = 512  # bytes of an encoded pair that are searched for as a whole
_REMEMBERED, _LONGEST_REMEMBERED = 1024, 256
_STRING, _BOOL, _INT, _DOUBLE = 0x0A, 0x10, 0x18, 0x21  # tags of AnyValue's scalars
_VALUE = 0x12  # tag of KeyValue.value
_UNSIGNED, _SIGN = 1 << 64, 1 << 63


class Candidate(NamedTuple):
    """A place in a request where an attribute may be that passes a test."""

    offset: int
    bits: int


class _Literal(NamedTuple):
    """Bytes that are searched for: ``bits`` hold wherever they are, those of ``looks`` where the value behind passes."""

    bits: int
    looks: tuple[tuple[int, _Passes], ...]
    known: dict[bytes, int]
    """Bits by encoded value: most keys have few values."""

    def bits_before(self, body: bytes, end: int) -> int:
        """The bits of the value that follows the literal, which ends at ``end``."""
        raw = body[end : end + 2 + body[end + 1]] if end + 1 < len(body) else b""
        bits = self.known.get(raw)
        if bits is not None:
            return bits
        value = _value_at(body, end)
        bits = self.bits
        for bit, passes in self.looks:
            if passes(value):
                bits |= bit
        if raw[1:2] < b"\x40" and raw:  # the length is that one byte, and short
            if len(self.known) >= _REMEMBERED:
                self.known.clear()
            self.known[raw] = bits
        return bits


class AttributeSearch:
    """Finds attributes that pass tests; safe to use from several threads. ``tests`` maps key and test to their bit."""

    def __init__(self, tests: Mapping[tuple[str, AttributeTest], int]) -> None:
        self._by_key: dict[str, list[tuple[int, _Passes]]] = {}
        literals: dict[bytes, _Literal] = {}
        for (key, test), bit in tests.items():
            passes = _compiled(test)
            self._by_key.setdefault(key, []).append((bit, passes))
            for needle, whole in _needles(key, test):
                known = literals.get(needle, _Literal(0, (), {}))
                looks = known.looks if whole else (*known.looks, (bit, passes))
                literals[needle] = _Literal(known.bits | bit if whole else known.bits, looks, {})
        self._literals = tuple(literals.values())
        self._scanner = Scanner(compile_database([_escaped(needle) for needle in literals]))

    def candidates(self, body: bytes) -> list[Candidate]:
        """Where in a request an attribute may be that passes a test."""
        ends: list[tuple[int, int]] = []
        self._scanner.scan(body, lambda number, _start, end, _flags, _context: ends.append((number, end)))
        found = []
        for number, end in ends:
            literal = self._literals[number]
            bits = literal.bits_before(body, end) if literal.looks else literal.bits
            if bits:
                found.append(Candidate(end - 1, bits))
        return found

    def settle(self, pairs: Iterable[KeyValue], bits: int) -> int:
        """Of ``bits`` those whose attribute is among these pairs and passes."""
        confirmed = 0
        for pair in pairs:
            tests = self._by_key.get(pair.key)
            if tests is not None:
                value = _scalar(pair.value)
                for bit, passes in tests:
                    if bit & bits and passes(value):
                        confirmed |= bit
        return confirmed


def _needles(key: str, test: AttributeTest) -> Iterable[tuple[bytes, bool]]:
    """What to search for, and whether that is the whole pair: a key alone leaves its value to be looked at."""
    head = b"\x0a" + delimited(key.encode())
    if test.is_ is not None:
        yield head + bytes((_VALUE, 2, _BOOL, test.is_)), True
        return
    pairs = [head + bytes((_VALUE,)) + delimited(b"\x0a" + delimited(value.encode())) for value in test.values or ()]
    if not pairs or max(map(len, pairs)) > _LONGEST_LITERAL:
        yield head, False
        return
    for pair in pairs:
        yield pair, True


def _escaped(literal: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in literal)


def _compiled(test: AttributeTest) -> _Passes:
    if test.values is not None:
        return frozenset(test.values).__contains__
    if test.regex is not None:
        return _regex(test.regex)
    if test.is_ is not None:
        wanted = test.is_
        return lambda value: value is wanted
    if test.min is not None or test.max is not None:
        least = float("-inf") if test.min is None else test.min
        most = float("inf") if test.max is None else test.max
        return lambda value: type(value) in (int, float) and least <= value <= most  # type: ignore[operator]  # a number
    return lambda value: True


def _regex(expressions: Iterable[str]) -> _Passes:
    patterns = [compile_pattern(expression) for expression in expressions]

    def search(text: str) -> bool:
        return any(pattern.search(text) is not None for pattern in patterns)

    remembered = functools.lru_cache(_REMEMBERED)(search)

    def passes(value: Value) -> bool:
        if not isinstance(value, str):
            return False
        return remembered(value) if len(value) <= _LONGEST_REMEMBERED else search(value)

    return passes


def _scalar(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    if kind in ("string_value", "bool_value", "int_value", "double_value"):
        scalar: Value = getattr(value, kind)
        return scalar
    return None


def _value_at(body: bytes, at: int) -> Value:
    """The scalar of a pair whose key ends at ``at``; None where there is something else, or what is not in order."""
    try:
        if body[at] != _VALUE:
            return None
        _length, start = read_varint(body, at + 1)
        tag, start = body[start], start + 1
        if tag == _STRING:
            size, start = read_varint(body, start)
            return body[start : start + size].decode("utf-8", "replace")
        if tag == _BOOL:
            return body[start] != 0
        if tag == _INT:
            number = read_varint(body, start)[0]
            return number - _UNSIGNED if number >= _SIGN else number
        if tag == _DOUBLE:
            return float(struct.unpack_from("<d", body, start)[0])
    except (IndexError, ValueError, struct.error):
        pass
    return None
