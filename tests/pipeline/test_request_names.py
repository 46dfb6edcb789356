"""Where the names of requests are read: never where something may stand that redaction has withheld."""

from __future__ import annotations

import pytest
from tests.support.telemetry import span, traces

from errorplane.otlp import Signal
from errorplane.otlp._wire import walk
from errorplane.pipeline._hints import Hints
from errorplane.pipeline._index import index_request
from errorplane.pipeline._requests import Counting


@pytest.mark.parametrize(("counting", "names"), [(Counting.REDACTED, {"GET /<withheld>"}), (Counting.NOTHING, set())])
def test_names_are_redacted_where_it_is_not_known_what_was_withheld(counting: Counting, names: set[str]) -> None:
    """With a text that could not be looked at anywhere, every name comes from the redacted bytes."""
    received = traces([span("GET /4111 1111 1111 1111")])
    redacted = received.__class__.FromString(received.SerializeToString())
    redacted.resource_spans[0].scope_spans[0].spans[0].name = "GET /<withheld>"
    body = redacted.SerializeToString()
    index = index_request(Signal.TRACES, received, body, walk(Signal.TRACES, body), Hints(), counting=counting)
    assert {key.operation for key in index.requests} == names


def test_requests_of_several_resources_and_scopes_are_told_apart() -> None:
    """Labels are those of the request's own resource, and exemplars name the spans that took so long."""
    request = traces([span("a", seconds=0.1), span("a", seconds=0.3), span("b")], service="one")
    request.MergeFrom(traces([span("a", seconds=0.2)], service="two"))
    request.resource_spans[0].scope_spans.add().spans.append(span("a", seconds=0.5))
    body = request.SerializeToString()
    index = index_request(
        Signal.TRACES, request, body, walk(Signal.TRACES, body), Hints(), counting=Counting.AS_RECEIVED
    )
    found = {(key.service, key.operation): batch for key, batch in index.requests.items()}
    assert {key: sorted(batch.durations) for key, batch in found.items()} == {
        ("one", "a"): [100_000_000, 300_000_000, 500_000_000],
        ("one", "b"): [10_000_000],
        ("two", "a"): [200_000_000],
    }
    longest = request.resource_spans[0].scope_spans[1].spans[0]
    assert max(found["one", "a"].proposed)[:3] == (500_000_000, longest.trace_id, longest.span_id)
