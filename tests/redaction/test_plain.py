"""What is read without a parser is what the parser reads, and becomes what the full look makes of it."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from tests.detectors.test_gates import CLEAN, KEYS, POSITIVES

from errorplane.redaction import Redactor
from errorplane.redaction._plain import Plain, plain, written
from errorplane.redaction._shapes import Kind

LOOKER = Redactor()._looker
NUMBERS = [4111111111111111, 0, -5, 127, 128, (1 << 63) - 1, -(1 << 63), 1_790_000_000_123_456_789]


def value_of(held: str | int) -> AnyValue:
    """One that holds this."""
    return AnyValue(string_value=held) if isinstance(held, str) else AnyValue(int_value=held)


@pytest.mark.parametrize("held", ["", "a", "é" * 70, "x" * 20_000, *NUMBERS], ids=str)
def test_usual_values_are_plain(held: str | int) -> None:
    """As every SDK writes them, of any length up to 16 kB."""
    value = value_of(held)
    big = len(str(held)) > 16_000
    assert plain(Kind.ANY_VALUE, value.SerializeToString()) == (None if big else Plain(None, str(held)))
    pair = KeyValue(key="k", value=value)
    assert plain(Kind.KEY_VALUE, pair.SerializeToString()) == (None if big else Plain("k", str(held)))
    if isinstance(held, str):
        assert written(Kind.ANY_VALUE, None, held) == value.SerializeToString()
        assert written(Kind.KEY_VALUE, "k", held) == pair.SerializeToString()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        pytest.param(Kind.KEY_VALUE, "0a00 1203 0a0161", id="no key"),
        pytest.param(Kind.KEY_VALUE, "1203 0a0161 0a016b", id="the value first"),
        pytest.param(Kind.KEY_VALUE, "0a016b 1203 0a0161 1203 0a0162", id="two values"),
        pytest.param(Kind.KEY_VALUE, "0a016b 1204 0a0161", id="cut off"),
        pytest.param(Kind.KEY_VALUE, "0a016b 128300 0a0161", id="a length longer than need be"),
        pytest.param(Kind.KEY_VALUE, "0a016b", id="a key alone"),
        pytest.param(Kind.KEY_VALUE, "0a01ff 1203 0a0161", id="a key that is no UTF-8"),
        pytest.param(Kind.ANY_VALUE, "0a01ff", id="no UTF-8"),
        pytest.param(Kind.ANY_VALUE, "", id="nothing"),
        pytest.param(Kind.ANY_VALUE, "1001", id="a truth value"),
        pytest.param(Kind.ANY_VALUE, "188100", id="an integer longer than need be"),
        pytest.param(Kind.ANY_VALUE, "18ffffffffffffffffff7f", id="an integer of seventy bits"),
        pytest.param(Kind.ANY_VALUE, "18" + "ff" * 11 + "01", id="no integer at all"),
        pytest.param(Kind.ANY_VALUE, "0a0161 1801", id="two fields"),
        pytest.param(Kind.TEXT, "0a0161", id="another kind"),
    ],
)
def test_whatever_is_odd_is_left_to_the_parser(kind: Kind, body: str) -> None:
    """The parser says what such bytes mean, and writing anew what it leaves out."""
    assert plain(kind, bytes.fromhex(body)) is None


@given(st.integers(0, 2**32))
@settings(max_examples=500)
def test_it_becomes_what_the_full_look_makes_of_it(seed: int) -> None:
    """Texts with and without something to hide, under names that say something, and with a byte changed."""
    rnd = random.Random(seed)
    text = " ".join(rnd.choices(POSITIVES + CLEAN, k=rnd.choice((1, 1, 2))))
    held = rnd.choice((text, text, text[: rnd.randrange(9)] + text, rnd.choice(NUMBERS), rnd.randrange(10**16)))
    kind = rnd.choice((Kind.KEY_VALUE, Kind.ANY_VALUE))
    key = rnd.choice([*KEYS, "note", "client.address", "errorplane.sampling.rule", "errorplane.redacted.x"])
    value = value_of(held)
    body = (KeyValue(key=key, value=value) if kind is Kind.KEY_VALUE else value).SerializeToString()
    if rnd.random() < 0.2:
        at = rnd.randrange(len(body))
        body = body[:at] + rnd.randbytes(1) + body[at + 1 :]
    looked = LOOKER._look_at_plain(kind, body)
    assert looked is None or looked == LOOKER._look_into(kind, body, math.inf)
