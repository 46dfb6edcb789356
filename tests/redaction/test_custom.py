"""Detectors of users: what they find, that their gates miss nothing, and which patterns are refused."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import ENCODERS

from errorplane.detectors import Detector, find
from errorplane.policy._patterns import check_allow_pattern, check_pattern, compile_pattern
from errorplane.redaction import Engine, custom_detector
from errorplane.redaction._gate import Gate

CUSTOMER = custom_detector("CUSTOMER_ID", "CUST-([0-9]{8})", keys=["customer.id"])
PIN = custom_detector("PIN", r"\b([0-9]{4,6})\b", 1, ["pin", "door code"])


def redacted(detector: Detector, text: str, key: str | None = None) -> str:
    """What becomes of a text; the engine and the plain way agree."""
    engine = Engine([detector])
    assert engine.find(text, key) == find(text, key, [detector])
    return engine.redact(text, key)[0]


def test_a_pattern() -> None:
    """The whole match is hidden, or the group that is named, escaped or not, and nothing else."""
    assert redacted(CUSTOMER, "for CUST-12345678, CUST-1234567") == "for <CUSTOMER_ID>, CUST-1234567"
    group = custom_detector("CUSTOMER_ID", "CUST-([0-9]{8})", 1)
    assert redacted(group, "for CUST-12345678") == "for CUST-<CUSTOMER_ID>"
    assert redacted(custom_detector("REF", "ref/[0-9]{3}"), "a=ref%2F123") == "a=<REF>"


def test_keys() -> None:
    """The whole value of a key is hidden, in either case, but a value of a longer key is not."""
    assert redacted(CUSTOMER, "Bob", "customer.id") == "<CUSTOMER_ID>"
    assert redacted(CUSTOMER, "Bob", "Customer.ID") == "<CUSTOMER_ID>"
    assert redacted(CUSTOMER, "Bob", "customer.identity") == "Bob"
    assert redacted(CUSTOMER, "", "customer.id") == ""
    assert redacted(custom_detector("NICK", keys=["nick"]), "Bob", "nick") == "<NICK>"


def test_context() -> None:
    """With words of context a match counts only near one of them, as a whole word, or under a key with one."""
    assert redacted(PIN, "the PIN is 1234") == "the PIN is <PIN>"
    assert redacted(PIN, "door%20code:%201234") == "door%20code:%20<PIN>"
    assert redacted(PIN, "shipping of 1234") == "shipping of 1234"
    assert redacted(PIN, "pin " + "x" * 40 + " 1234") == "pin " + "x" * 40 + " 1234"
    assert redacted(PIN, "1234", "userPin") == "<PIN>"
    assert redacted(PIN, "1234", "user.spin") == "1234"


PATTERNS = [
    r"CUST-[0-9]{8}",
    r"\bAB_[0-9]{2}$",
    r"^(?i)cust(?:omer)?[ #:]*(\d{6,10})\b",
    r"(?i:kelvin|s\x{df})-[^\d\s]+x",
    r"\QA+B(\E\d{2,}",
    r"[[:upper:]]{2}/[[:^digit:]]{3}@\pL+",
    r"é[à-ü]{2}=.{2,30}?;",
    r"(?P<a>x|y)[]\-^a-c]{3}\t\x41\101\+",
    r"Z{3,40}(?:ab{2})*?[^a-y]\d",
    r"a.b.c \w+ \W{2}q\B",
    r"(?s)<x>.*</x>",
]
SAMPLES = [
    "CUST-12345678",
    "AB_12",
    "Customer #: 123456",
    "cu\u017ftomer 1234567",
    "\u212aelvin-abcx",
    "A+B(12",
    "AB/x y@\u00e9t\u00e9",
    "\u00e9\u00e0\u00fc= x\u65e5;",
    "x]-^\tAA+",
    "ZZZZabbabb\u65e51",
    "a.b.c d_1 -\u00e9q1",
    "<x>\n1</x>",
]


def fires(detector: Detector) -> Callable[[str], bool]:
    """Whether a detector's own gate has a hit in a text."""
    gate = Gate([detector])
    return lambda text: gate.mask(text.encode("utf-8", "surrogateescape")) != 0


GATED = [(detector, fires(detector)) for detector in (custom_detector("X", each) for each in PATTERNS)]


_NOT_PYTHON = re.compile(r"\\Q|\[\[:|\\p|\\x\{")  # what RE2 knows and Python does not
_IN_PYTHON = [re.sub(r"\(\?[is]\)", "", each) for each in PATTERNS if not _NOT_PYTHON.search(each)]


@given(
    st.one_of(*map(st.from_regex, _IN_PYTHON)) | st.sampled_from(SAMPLES),
    st.lists(st.sampled_from(sorted(ENCODERS)), max_size=2),
    st.integers(0, 99),
)
@settings(max_examples=300)
def test_no_gate_misses_what_its_pattern_finds(text: str, encoders: list[str], flip: int) -> None:
    """Whatever a pattern finds in a text, in either case and in any encoding, its expression matches in the bytes."""
    text = text[:flip] + text[flip : flip + 3].swapcase() + text[flip + 3 :]
    for name in encoders:
        text = ENCODERS[name](text)
    for detector, gate in GATED:
        assert gate(text) or not find(text, None, [detector]), detector


@pytest.mark.parametrize("first", sorted(ENCODERS))
def test_samples_are_found_and_gated(first: str) -> None:
    """Each sample is one of a pattern, and no gate misses it in any encoding of any encoding."""
    for text in SAMPLES:
        assert any(find(text, None, [detector]) for detector, _ in GATED), text
        once = ENCODERS[first](text)
        for encoded in (text, once, *(encode(once) for encode in ENCODERS.values())):
            for detector, gate in GATED:
                assert gate(encoded) or not find(encoded, None, [detector]), encoded
                assert not gate(encoded) or gate(f"J9{encoded}4J")


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("(?=a)b", "RE2 takes: invalid perl operator"),
        (r"(a)\1", "RE2 takes: invalid escape sequence"),
        ("(a", r"RE2 takes: missing \)"),
        ("a" * 5000, "at most 4096"),
        ("x*", "matches an empty text"),
        ("^$", "matches an empty text"),
        (r"\b", "matches an empty text"),
        ("[a-z]+", "ordinary texts, such as 'GET /api"),
        (".", "ordinary texts"),
        (r"(?:(?:a.{20}b){20}c){20}d.{24}", "too large|RE2 takes"),
        ("\ud800", "UTF-8"),
    ],
)
def test_patterns_that_are_refused(pattern: str, says: str) -> None:
    """What RE2 or Hyperscan cannot take, and what would be looked for everywhere, is refused with the reason."""
    with pytest.raises(ValueError, match=says):
        check_pattern(pattern)


def test_a_group_that_is_not_there() -> None:
    """It is refused."""
    check_pattern("a(b)c", 1)
    with pytest.raises(ValueError, match="has 1 group, so there is no group 2"):
        check_pattern("a(b)c", 2)


def test_a_common_pattern_with_context() -> None:
    """Words beside it make a pattern good that alone would match everywhere, unless they are common too."""
    check_pattern("[a-z]+", 0, ["nickname"])
    with pytest.raises(ValueError, match="of its context words one matches parts of ordinary texts"):
        check_pattern("[a-z]+", 0, ["nickname", "e"])


def test_allow_patterns() -> None:
    """Every pattern that RE2 takes may say what is left alone."""
    check_allow_pattern(".*")
    with pytest.raises(ValueError, match="RE2"):
        check_allow_pattern("(?!a)")


def test_no_pattern_hangs() -> None:
    """What makes other engines take years is linear here."""
    evil = custom_detector("EVIL", r"Q(a+)+!")
    text = "Q" + "a" * 100_000
    started = time.perf_counter()
    assert Engine([evil]).find(text) == []
    assert compile_pattern("(a|a)*b").search(text) is None
    assert time.perf_counter() - started < 5


def test_texts_that_utf_8_cannot_write() -> None:
    """Half a pair of surrogates beside a match hides nothing."""
    assert redacted(CUSTOMER, "\udcff CUST-12345678 \ud800") == "\udcff <CUSTOMER_ID> \ud800"
    allowed = Engine([CUSTOMER], allow_patterns=["CUST-0.*"])
    assert allowed.redact("CUST-00000001 CUST-10000001\udcff")[0] == "CUST-00000001 <CUSTOMER_ID>\udcff"
