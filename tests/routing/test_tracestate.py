"""The threshold that is appended to a span, and the trace state that the receiver reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.telemetry import span

from errorplane.otlp import Signal
from errorplane.retention import ITEM_ATTRIBUTES, encode_tags
from errorplane.routing._tracestate import resolved, threshold_field

TAGS = encode_tags(ITEM_ATTRIBUTES[Signal.TRACES], [("errorplane.sampling.rule", "rest")])
HIGH = bytes(9) + b"\xff" * 7


def sent(state: str, threshold: int | None, *, move_to_end: bool = False, **attributes: str) -> Span:
    """What a receiver reads of a span with this trace state after the fields were appended."""
    made = span(trace_id=HIGH, attributes=attributes)
    made.trace_state = state
    body = made.SerializeToString()
    if move_to_end:
        made.trace_state = ""
        body = made.SerializeToString() + Span(trace_state=state).SerializeToString()
    return Span.FromString(body + resolved(body, threshold_field(threshold) + TAGS))


@pytest.mark.parametrize("move_to_end", [False, True])
@pytest.mark.parametrize("attributes", [{}, {"some.key": "x" * 26}])
@pytest.mark.parametrize(
    ("state", "threshold", "expected"),
    [
        ("", 0xC << 52, "ot=th:c"),
        ("", None, ""),
        ("dd=s:1", 0xC << 52, "ot=th:c,dd=s:1"),
        ("dd=s:1", None, "dd=s:1"),
        ("ot=th:d", 0xC << 52, "ot=th:d"),
        ("ot=th:8", None, ""),
        ("ot=th:8;rv:ffffffffffffff", None, "ot=rv:ffffffffffffff"),
    ],
)
def test_a_receiver_reads_the_merged_trace_state(
    state: str, threshold: int | None, expected: str, attributes: dict[str, str], move_to_end: bool
) -> None:
    """Wherever the span's own trace state stands in its bytes; the attributes are appended in any case."""
    read = sent(state, threshold, move_to_end=move_to_end, **attributes)
    assert read.trace_state == expected
    assert read.attributes[-1].key == "errorplane.sampling.rule"


def test_explicit_randomness_says_what_can_have_been_passed() -> None:
    """A threshold that came and that the trace's ``rv`` does not reach is erased, whatever the trace id is."""
    assert sent("ot=th:8;rv:10000000000000", 0).trace_state == "ot=rv:10000000000000"


@pytest.mark.parametrize("fields", [b"", TAGS])
def test_without_a_threshold_nothing_changes(fields: bytes) -> None:
    """Fields that do not begin with a trace state are appended as they are."""
    assert resolved(span().SerializeToString(), fields) is fields


@given(st.binary(max_size=40), st.text("abc=,:;ot", max_size=40), st.integers(0, 2**56 - 1))
def test_all_other_fields_stay(name: bytes, state: str, threshold: int) -> None:
    """Whatever a span holds, only its trace state and our attributes change."""
    made = Span(trace_id=HIGH, span_id=b"12345678", name=name.hex(), trace_state=state)
    body = made.SerializeToString()
    read = Span.FromString(body + resolved(body, threshold_field(threshold) + TAGS))
    made.trace_state = read.trace_state
    del read.attributes[:]
    assert read == made
