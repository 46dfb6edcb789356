"""The stream of facts is bounded for each fingerprint, and counts what it holds back."""

from __future__ import annotations

from dataclasses import replace

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from errorplane.classification import FactStream, attributes, encode_facts
from errorplane.errors import EVENT_NAME, ErrorFact, Severity


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def fact(number: int = 0, fingerprint: str = "v1:a", service: str = "shop") -> ErrorFact:
    """A small fact."""
    return ErrorFact(
        id=f"{number:032x}",
        time_unix_nano=number,
        fingerprint=fingerprint,
        type="TimeoutError",
        message="no answer",
        service=service,
        source="span",
        trace_id="ab" * 16,
        span_id="cd" * 8,
        severity=Severity.P2,
        retention_class="audit",
        policy_version="0123",
    )


def test_a_storm_becomes_one_fact_a_second_with_its_count() -> None:
    """Above the limit the rest of the second leaves as one fact; nothing is uncounted."""
    clock = Clock()
    stream = FactStream(3, clock)
    sent = [stream.offer(fact(number)) for number in range(100)]
    assert sum(each is not None for each in sent) == 3
    assert stream.due() == []
    clock.now = 1.0
    (rest,) = stream.due()
    assert rest.count == 97
    assert stream.offer(fact()) is not None


def test_fingerprints_do_not_share_a_limit() -> None:
    """One error's storm does not hide another error."""
    stream = FactStream(1, Clock())
    stream.offer(fact())
    stream.offer(fact())
    assert stream.offer(fact(fingerprint="v1:b")) is not None


def test_held_counts_survive() -> None:
    """What is held back can be written down and read again."""
    stream = FactStream(1, Clock())
    for number in range(5):
        stream.offer(fact(number))
    held = stream.held_if_changed()
    assert held
    assert stream.held_if_changed() is None
    (restored,) = FactStream(1, Clock()).restore(held)
    assert restored.count == 4
    stream.due(everything=True)
    assert stream.held_if_changed() == b""


def test_facts_leave_as_log_events() -> None:
    """A fact is an OTLP log event of its service, with its trace context, that reads back as the same fact."""
    request = ExportLogsServiceRequest.FromString(encode_facts([fact(1), fact(2, service="pay"), fact(3)]))
    assert [attributes(group.resource.attributes)["service.name"] for group in request.resource_logs] == ["shop", "pay"]
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    assert record.event_name == EVENT_NAME
    assert (record.trace_id.hex(), record.span_id.hex()) == ("ab" * 16, "cd" * 8)
    assert ErrorFact.from_attributes(attributes(record.attributes)) == fact(1)


def test_whether_it_was_handled_leaves_as_a_boolean() -> None:
    """And of facts that leave as one, none is called handled if one of them was not."""
    stream = FactStream(1, Clock())
    for number, handled in enumerate((True, False, True)):
        stream.offer(replace(fact(number), handled=handled, attempt=2))
    (rest,) = stream.due(everything=True)
    (record,) = ExportLogsServiceRequest.FromString(encode_facts([rest])).resource_logs[0].scope_logs[0].log_records
    written = {pair.key: pair.value for pair in record.attributes}
    assert written["errorplane.error.handled"].WhichOneof("value") == "bool_value"
    assert written["errorplane.error.handled"].bool_value is False
    assert written["errorplane.error.attempt"].int_value == 2
