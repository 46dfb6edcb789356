"""Marks: what was hidden in an item, a scope or a resource is said in it, once, and counted on along a chain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.redaction.secrets import SECRETS
from tests.support.telemetry import Scalar, log, logs, metrics, pairs, span, traces

from errorplane.detectors import DataClass
from errorplane.otlp import Signal
from errorplane.otlp._wire import walk
from errorplane.policy import CustomDetector, Redaction
from errorplane.redaction import Redacted, Redactor

REDACTOR = Redactor()
MAIL, CARD = SECRETS["EMAIL_ADDRESS"], SECRETS["CREDIT_CARD"]
PERSONAL: Mapping[str, Scalar] = {"errorplane.data_class": "personal", "errorplane.redacted.email_address": 1}


def redact(request: Any, redactor: Redactor = REDACTOR) -> Redacted:
    """The result for a request given as a message."""
    signal = next(each for each in Signal if each.request_type is type(request))
    body = request.SerializeToString()
    return redactor.redact(signal, body, walk(signal, body))


def marks(attributes: Any) -> list[tuple[str, object]]:
    """The marks among attributes, in their order."""
    named: list[KeyValue] = [pair for pair in attributes if pair.key.startswith("errorplane.")]
    return [(pair.key, getattr(pair.value, pair.value.WhichOneof("value") or "string_value")) for pair in named]


def span_marks(made: Span) -> list[tuple[str, object]]:
    """The marks of a span after redaction."""
    out = ExportTraceServiceRequest.FromString(redact(traces([made])).body)
    return marks(out.resource_spans[0].scope_spans[0].spans[0].attributes)


def test_an_item_says_what_was_hidden_in_it() -> None:
    """Each finding counts, wherever in the item it was; the class is that of the most sensitive one."""
    made = span(attributes={"a": f"{MAIL} {MAIL}", "pan": CARD}, exception={"exception.message": MAIL})
    assert span_marks(made) == [
        ("errorplane.data_class", "payment"),
        ("errorplane.redacted.credit_card", 1),
        ("errorplane.redacted.email_address", 3),
    ]


def test_only_what_was_touched_is_marked() -> None:
    """Clean neighbours keep their bytes."""
    request = traces([span(), span(attributes={"to": MAIL}), span()])
    out = ExportTraceServiceRequest.FromString(redact(request).body)
    before = request.resource_spans[0].scope_spans[0].spans
    after = out.resource_spans[0].scope_spans[0].spans
    assert [before[0], before[2]] == [after[0], after[2]]
    assert marks(after[1].attributes) == list(PERSONAL.items())
    assert out.resource_spans[0].resource == request.resource_spans[0].resource


def test_a_metric_is_marked_beside_its_points() -> None:
    """The mark stands in the metadata, which identifies no series; the points get nothing but the replacement."""
    request = metrics(["logins"])
    point = request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0]
    point.attributes.extend(pairs({"user.email": MAIL}))
    out = ExportMetricsServiceRequest.FromString(redact(request).body)
    metric = out.resource_metrics[0].scope_metrics[0].metrics[0]
    assert marks(metric.metadata) == list(PERSONAL.items())
    assert [pair.key for pair in metric.sum.data_points[0].attributes] == ["user.email"]


@pytest.mark.parametrize("has_resource", [True, False])
def test_resources_are_marked_themselves_and_count_for_their_items(has_resource: bool) -> None:
    """What is hidden in a resource or its schema URL is marked there, and is of the class of each item below."""
    request = traces([span(), span()])
    if has_resource:
        request.resource_spans[0].resource.attributes.extend(pairs({"owner": MAIL}))
    else:
        request.resource_spans[0].ClearField("resource")
        request.resource_spans[0].schema_url = f"https://example.com/?to={MAIL}"
    result = redact(request)
    out = ExportTraceServiceRequest.FromString(result.body)
    assert marks(out.resource_spans[0].resource.attributes) == list(PERSONAL.items())
    assert not any(marks(each.attributes) for each in out.resource_spans[0].scope_spans[0].spans)
    assert dict(result.data_classes) == {0: {DataClass.PERSONAL}, 1: {DataClass.PERSONAL}}


def test_scopes_are_marked_themselves_and_count_for_their_items() -> None:
    """What is hidden in a scope is marked there, and is of the class of the items of that scope only."""
    request = traces([span()])
    second = request.resource_spans[0].scope_spans.add(spans=[span(attributes={"pan": CARD})])
    second.scope.name = MAIL
    result = redact(request)
    out = ExportTraceServiceRequest.FromString(result.body)
    assert marks(out.resource_spans[0].scope_spans[1].scope.attributes) == list(PERSONAL.items())
    assert dict(result.data_classes) == {1: {DataClass.PERSONAL, DataClass.PAYMENT}}


def test_an_earlier_mark_is_counted_on() -> None:
    """What an earlier errorplane hid is added, the more sensitive class wins, and no key stands there twice."""
    earlier: dict[str, Scalar] = {"errorplane.data_class": "secret", "errorplane.redacted.password": 2}
    made = span(attributes=earlier | {"errorplane.redacted.email_address": 4, "to": MAIL})
    assert span_marks(made) == [
        ("errorplane.data_class", "secret"),
        ("errorplane.redacted.email_address", 5),
        ("errorplane.redacted.password", 2),
    ]


def test_a_mark_inside_of_an_item_is_not_that_of_the_item() -> None:
    """What an event says of itself stays in the event, and is neither counted nor of the item's class."""
    made = span(
        attributes={"to": MAIL}, exception={"errorplane.data_class": "secret", "errorplane.redacted.password": 1}
    )
    result = redact(traces([made]))
    out = ExportTraceServiceRequest.FromString(result.body).resource_spans[0].scope_spans[0].spans[0]
    assert marks(out.attributes) == list(PERSONAL.items())
    assert out.events == made.events
    assert dict(result.data_classes) == {0: {DataClass.PERSONAL}}


def test_an_earlier_mark_alone_stays_and_is_known() -> None:
    """With nothing found, the request is the same object; its classes are those of the mark's entities."""
    earlier = {**PERSONAL, "errorplane.data_class": "payment", "errorplane.redacted.credit_card": 1}
    body = logs([log(), log(attributes=earlier)]).SerializeToString()
    result = REDACTOR.redact(Signal.LOGS, body, walk(Signal.LOGS, body))
    assert result.body is body
    assert dict(result.data_classes) == {1: {DataClass.PAYMENT, DataClass.PERSONAL}}
    assert result.items == {}


@pytest.mark.parametrize(
    "forged",
    [
        {"errorplane.redacted.password": "hunter2"},
        {"errorplane.data_class": "my own class"},
        {"errorplane.data_class": 7},
        {"errorplane.redacted.": 1},
        {"errorplane.redacted.email_address": -3},
        {"errorplane.redacted.email_address": 4111111111111},
        {"errorplane.redacted.pan_4111_1111_1111_1111": 1},
    ],
    ids=[
        "text for a count",
        "unknown class",
        "number for a class",
        "no entity",
        "negative",
        "card for a count",
        "card for an entity",
    ],
)
def test_what_only_looks_like_a_mark_is_taken_out(forged: Mapping[str, Scalar]) -> None:
    """A sender cannot hide a value under a mark's name, nor spoil the counts."""
    assert span_marks(span(attributes=forged)) == []
    assert span_marks(span(attributes={**forged, "to": MAIL})) == list(PERSONAL.items())


def test_a_policy_says_how_sensitive_its_own_entities_are() -> None:
    """The class of a custom detector is that of the policy, also for marks of an earlier errorplane."""
    custom = CustomDetector(name="CASE_ID", keys=("case.id",), data_class="health")
    redactor = Redactor.from_policy(Redaction(custom=(custom,)))
    result = redact(traces([span(attributes={"errorplane.redacted.case_id": 1})]), redactor)
    assert dict(result.data_classes) == {0: {DataClass.HEALTH}}


_ITEM = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["x", MAIL, CARD, f"{MAIL} {CARD}"]))


@given(st.lists(_ITEM, max_size=6))
@settings(max_examples=60)
def test_marks_add_up_to_what_was_found(items: list[dict[str, str]]) -> None:
    """Over random requests the counts of all marks are the counts that the result reports, and a second pass is idle."""
    result = redact(traces([span(attributes=each) for each in items]))
    spans = [
        each
        for group in ExportTraceServiceRequest.FromString(result.body).resource_spans
        for scope in group.scope_spans
        for each in scope.spans
    ]
    total: dict[str, int] = {}
    for number, made in enumerate(spans):
        counts = {key.rpartition(".")[2].upper(): count for key, count in marks(made.attributes)[1:]}
        assert counts == dict(result.items.get(number, {}))
        for entity, count in counts.items():
            total[entity] = total.get(entity, 0) + int(str(count))
    assert total == dict(result.found)
    again = REDACTOR.redact(Signal.TRACES, result.body, walk(Signal.TRACES, result.body))
    assert again.body is result.body
    assert again.data_classes == result.data_classes
