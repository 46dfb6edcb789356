"""The scan of whole requests misses nothing that the exact expressions find, and says no more than it must."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import ENCODERS
from tests.detectors.test_gates import CLEAN, KEYS, POSITIVES, TEXTS

from errorplane.detectors import ALL, FOLDED_GATES
from errorplane.redaction._automaton import Automaton, TooOddError, is_within, literal_length
from errorplane.redaction._gate import Gate

GATE = Gate(ALL)


def looks_into(text: str, before: bytes = b"\x12\x30", after: bytes = b"\x4a\x10") -> bool:
    """Whether the scan has a hit that ends within the text, which stands between other bytes."""
    data = text.encode("utf-8", "surrogatepass")
    start, end = len(before), len(before) + len(data)
    return any(start <= offset < end for offset in GATE.scan(before + data + after).all)


@given(TEXTS)
@settings(max_examples=1500)
def test_the_scan_of_requests_looks_into_what_a_detector_may_find(text: str) -> None:
    """Where an exact expression matches in a text, the scan of the bytes around it has a hit in it."""
    assert looks_into(text) or GATE.is_quiet(text.encode())


@pytest.mark.parametrize("name", sorted(ENCODERS))
def test_so_it_is_in_every_encoding(name: str) -> None:
    """For the samples and names of keys, as each encoder writes them, between letters, digits and other bytes."""
    for text in (*POSITIVES, *KEYS, *map(ENCODERS[name], (*POSITIVES, *KEYS))):
        quiet = GATE.is_quiet(text.encode())
        for before, after in ((b"\x0a\x05", b"\x4a"), (b"J9", b"4J"), (b"", b"")):
            assert quiet or looks_into(text, before, after), text


EXPRESSIONS = [*dict.fromkeys(expression for detector in ALL for expression in detector.gate), *FOLDED_GATES]


@given(st.data())
@settings(max_examples=400)
def test_every_expression_is_looked_for(data: st.DataObject) -> None:
    """What any one of the expressions matches, the scan of requests has a hit in."""
    expression = data.draw(st.sampled_from(EXPRESSIONS))
    matched = data.draw(st.from_regex(re.compile(expression, re.DOTALL), fullmatch=True))
    assert GATE.scan(b"\x12\x30" + matched + b"\x4a\x10").all


def test_clean_telemetry_is_not_looked_into() -> None:
    """Usual values, but those with a time or an id in them, have no hit."""
    assert [text for text in CLEAN if looks_into(text)] == [
        "2026-11-24T10:00:00.123456Z",
        "b7ad6b7169203331",
        "java.lang.IllegalStateException: queue is full",
    ]
    assert [text for text in CLEAN if not GATE.is_quiet(text.encode())] == []


@given(st.lists(TEXTS | st.sampled_from(CLEAN) | st.just(""), max_size=12))
@settings(max_examples=300)
def test_texts_that_are_scanned_as_one(texts: list[str]) -> None:
    """What is quiet among others is quiet by itself; the same the other way round, but for what goes on beyond a line."""
    parts = {text.encode("utf-8", "surrogatepass") for text in texts}
    alone = {part for part in parts if GATE.is_quiet(part)}
    together = GATE.quiet(parts)
    assert together <= alone
    assert {part for part in alone if GATE.quiet([part])} == alone
    assert GATE.quiet({*CLEAN_PARTS, *parts}) <= {*CLEAN_PARTS, *alone}


def test_clean_texts_are_quiet_together() -> None:
    """Those around them take nothing from that; where there are too many hits each is scanned by itself."""
    assert GATE.quiet(CLEAN_PARTS) == CLEAN_PARTS
    assert GATE.quiet([*CLEAN_PARTS, b"4111 1111 1111 1111"]) == CLEAN_PARTS
    assert GATE.quiet([*CLEAN_PARTS, b"jwt" * 150_000]) == CLEAN_PARTS
    assert GATE.quiet([]) == frozenset()


def test_bytes_of_nothing_but_hits() -> None:
    """The scan of a request gives up counting and points everywhere; that of a text tells each gate's first hit."""
    data = b"jwt" * 150_000
    hits = GATE.scan(data)
    assert hits.look == hits.errors == range(len(data))
    assert not GATE.is_quiet(data)
    assert 0 < GATE.mask(data) < GATE.everyone


CLEAN_PARTS = frozenset(text.encode() for text in CLEAN)
PARTS = st.sampled_from([b"a", b"[ab]", b"[^a]", b".", b"(?i:a)", b"b", b"c"])
GROUPS = st.recursive(
    PARTS,
    lambda inner: (
        st.tuples(inner, inner).map(b"".join)
        | st.tuples(inner, inner).map(lambda two: b"(?:" + b"|".join(two) + b")")
        | st.tuples(inner, st.sampled_from([b"{2}", b"?", b"+", b"*", b"{1,2}"])).map(
            lambda two: b"(?:" + two[0] + b")" + two[1]
        )
    ),
    max_leaves=6,
)


@given(GROUPS, GROUPS, st.data())
@settings(max_examples=600)
def test_within_means_that_every_match_holds_one(inner: bytes, outer: bytes, data: st.DataObject) -> None:
    """Where one expression is said to be within another, it is found in whatever the other matches."""
    matched = data.draw(st.from_regex(re.compile(outer, re.DOTALL), fullmatch=True))
    if is_within(inner, outer):
        assert re.search(inner, matched, re.DOTALL) is not None
    assert is_within(outer, outer) or re.match(outer, b"", re.DOTALL) is not None


@pytest.mark.parametrize(
    ("inner", "outer", "within"),
    [
        (rb"[0-9]{3}", rb"x[0-9]{4}", True),
        (rb"[0-9]{3}", rb"[0-9]{2}", False),
        (rb"a|b", rb"xb|ya", True),
        (rb"a|b", rb"xb|y", False),
        (rb"ab", rb"(?i)ab", False),
        (rb"(?i:ab)", rb"aB", True),
        (rb"b{2}", rb"a(?:bb)+", True),
        (rb"b{2}", rb"a(?:bb)*", False),
        (rb"a", rb"^a", False),
        (rb"a", rb"(?=a)a", False),
        (rb"a", rb"(a", False),
        (rb"a", rb"a{1000}", False),
    ],
)
def test_within(inner: bytes, outer: bytes, within: bool) -> None:
    """Known cases; what is not understood, or too large, is not within anything."""
    assert is_within(inner, outer) is within


def test_what_is_no_gate_is_refused() -> None:
    """Anchors and broken expressions have no automaton."""
    for expression in (rb"^a", rb"(a", rb"a{700}", rb"(?<=a)b"):
        with pytest.raises(TooOddError):
            Automaton(expression)


@pytest.mark.parametrize(
    ("expression", "length"),
    [
        (rb"abc", 3),
        (rb"a[bc]def", 3),
        (rb"(?i)ab(?:cd|efg)", 2),
        (rb"(?:abc)?d", 1),
        (rb"x(?:abcd){2}", 4),
        (rb"(a", 0),
    ],
)
def test_literals(expression: bytes, length: int) -> None:
    """The longest row of single bytes that no match can lack."""
    assert literal_length(expression) == length
