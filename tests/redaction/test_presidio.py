"""Presidio's recognisers as detectors."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import hyperscan
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from presidio_analyzer import Pattern, PatternRecognizer

from errorplane.detectors import Detector, find
from errorplane.redaction import Engine
from errorplane.redaction._presidio import PresidioUnavailable, _check, _known, presidio_detectors
from errorplane.redaction._superset import NoSuperset, superset

# Of each kind: digits with a checksum, letters, words that must stand near, look-around, groups, letters beyond ASCII.
ENTITIES = (
    "AU_ABN",
    "DE_KFZ",
    "DE_TAX_NUMBER",
    "ES_NIE",
    "IN_PAN",
    "IT_DRIVER_LICENSE",
    "KR_RRN",
    "SG_NRIC_FIN",
    "TR_LICENSE_PLATE",
    "UK_POSTCODE",
    "US_CLAIM_NUMBER",
    "ZA_LICENSE_PLATE",
)
ABN = "51 824 753 556"  # of the Australian Taxation Office, whose checksum holds


@pytest.fixture(scope="module")
def detectors() -> tuple[Detector, ...]:
    """The recognisers, checked and made detectors once."""
    return presidio_detectors(ENTITIES)


@pytest.fixture(scope="module")
def engine(detectors: tuple[Detector, ...]) -> Engine:
    """The engine with nothing but recognisers of Presidio."""
    return Engine(detectors)


PATTERNS = [
    pattern.regex.replace("(?i)", "")
    for entity, recognizer in _known().items()
    for pattern in recognizer().patterns
    if entity in ENTITIES and "(?<=" not in pattern.regex  # which hypothesis cannot draw from
]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_superset_matches_wherever_the_pattern_does(pattern: str, data: st.DataObject) -> None:
    """In either case, and with letters and digits right beside it, where a boundary would not match."""
    text = data.draw(st.from_regex(pattern, alphabet=st.characters(codec="ascii")))
    body = b"7x" + data.draw(st.sampled_from([text, text.upper(), text.lower()])).encode() + b"x7"
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=[superset(pattern)], ids=[0], elements=1, flags=[hyperscan.HS_FLAG_DOTALL])
    hits: list[int] = []
    database.scan(body, lambda _id, _start, end, _flags, _context: hits.append(end))
    assert hits


@pytest.mark.parametrize("pattern", ["(?:a|b", "a*", "(?=x)", r"\b"])
def test_what_would_match_everywhere_has_no_superset(pattern: str) -> None:
    """Broken expressions and those that match nothing at all are refused."""
    with pytest.raises(NoSuperset):
        superset(pattern)


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        (f"paid by {ABN} today", None, [("AU_ABN", ABN)]),
        ("paid by 51 824 753 557 today", None, []),  # the checksum does not hold
        ("PAN ABCPK1234F rejected", None, [("IN_PAN", "ABCPK1234F")]),
        ("value abcde1234f", "customer.panNumber", [("IN_PAN", "abcde1234f")]),  # weak, but the key says so
        ("value abcde1234f", "customer.note", []),
        ("nric S1234567D expired", None, [("SG_NRIC_FIN", "S1234567D")]),
        ("healthcare claim number: 123456789", None, [("US_CLAIM_NUMBER", "123456789")]),  # behind a look-behind
        ("order 123456789", None, []),
        ("Kennzeichen M\u00dc AB 123", None, [("DE_KFZ", "M\u00dc AB 123")]),
    ],
)
def test_recognisers_find_as_presidio_does(
    engine: Engine,
    detectors: tuple[Detector, ...],
    text: str,
    key: str | None,
    expected: list[tuple[str, str]],
) -> None:
    """Checksums decide, and words near a match or in the attribute's name raise its score; a gate takes nothing away."""
    found = engine.find(text, key)
    assert [(each.entity, text[each.start : each.end]) for each in found] == expected
    assert found == find(text, key, detectors)


@pytest.mark.parametrize("before", [0, 1780, 1792, 2040, 2047, 2048, 4096, 10_000])
def test_long_texts_are_looked_at_in_pieces_that_cut_nothing(engine: Engine, before: int) -> None:
    """A match is found once and whole, wherever the pieces of a long text begin and end."""
    text = "." * before + f" {ABN} " + "." * 3000
    assert [text[each.start : each.end] for each in engine.find(text)] == [ABN]


def test_patterns_that_hang_are_refused() -> None:
    """A pattern whose matcher backtracks without end is not used, within seconds."""
    recognizer: Any = PatternRecognizer("EVIL", patterns=[Pattern("nested", "(?:a+)+$", 0.5)])
    with pytest.raises(PresidioUnavailable, match="EVIL: pattern 'nested' of Presidio takes more than"):
        _check("EVIL", recognizer)


def test_what_took_too_long_is_not_taken_for_clean() -> None:
    """Presidio gives up silently; here a late answer is an error, which quarantines the text."""
    ticks = iter(range(0, 1000, 10))
    detectors = presidio_detectors(["AU_ABN"], clock=lambda: next(ticks))
    with pytest.raises(TimeoutError):
        find(f"paid by {ABN}", None, detectors)


def test_unknown_entities_are_refused_with_what_may_be_meant() -> None:
    """The error names the entity and those that look like it."""
    with pytest.raises(PresidioUnavailable, match="no pattern recogniser for AU_ABM: did you mean AU_ABN"):
        presidio_detectors(["AU_ABM"])


def test_a_missing_extra_is_named() -> None:
    """Without Presidio the error says what to install."""
    program = (
        "import sys; sys.modules['presidio_analyzer'] = None\n"
        "from errorplane.redaction._presidio import PresidioUnavailable, presidio_detectors\n"
        "assert presidio_detectors([]) == ()\n"
        "try: presidio_detectors(['AU_ABN'])\n"
        "except PresidioUnavailable as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "redaction.presidio needs the package presidio_analyzer: pip install 'errorplane[presidio]'\n"
