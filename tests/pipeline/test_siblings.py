"""Which errors of a trace a repeated call healed, read from a real journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.support.telemetry import NOW_NS, log, span, traces

from errorplane.classification import ClassifiedError, Classifier, observe_log, observe_span, span_is_error
from errorplane.journal import Journal, pack_refs
from errorplane.keys import Key
from errorplane.otlp import Signal
from errorplane.pipeline._siblings import Siblings
from errorplane.pipeline._spans import Spans
from errorplane.policy import Policy

TRACE = b"t" * 16
TIMEOUT = {"exception.type": "TimeoutError", "exception.message": "no answer"}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """An empty journal."""
    journal = Journal(tmp_path / "journal", Key("6b6b6b6b", b"k" * 32), max_bytes=1 << 24)
    yield journal
    journal.close()


def call(
    parent: Span,
    *,
    error: bool = False,
    after: int = 0,
    url: str = "http://ledger/pay",
    name: str = "POST",
    kind: Span.SpanKind.ValueType = Span.SPAN_KIND_CLIENT,
) -> Span:
    """A call by ``parent``, some nanoseconds after its start."""
    exception = TIMEOUT if error else None
    made = span(name, trace_id=TRACE, parent=parent.span_id, error=error, exception=exception, kind=kind)
    made.attributes.add(key="url.full").value.string_value = url
    made.start_time_unix_nano, made.end_time_unix_nano = NOW_NS + after, NOW_NS + after + 10
    return made


def healed(
    journal: Journal,
    requests: Sequence[Sequence[Span]],
    services: Mapping[bytes, str] | None = None,
    logged: Sequence[bytes] = (),
) -> tuple[int, int]:
    """How many of a trace's occurrences are healed, of how many; ``logged``: spans in which an error was logged."""
    refs = b""
    observed = []
    for spans in requests:
        seq = journal.append(Signal.TRACES, traces(spans).SerializeToString())
        refs += pack_refs(seq, Signal.TRACES, range(len(spans)))
        for item, each in enumerate(spans):
            if span_is_error(each):
                service = (services or {}).get(each.span_id, "shop")
                observed.append(observe_span(item, each, {"service.name": service}))
    for own in logged:
        record = log("retrying", trace_id=TRACE, own_span_id=own, severity=17, attributes=TIMEOUT)
        observed.append(observe_log(0, record, {"service.name": "shop"}))
    errors: list[ClassifiedError] = Classifier(Policy(version=1)).classify(observed)
    found = Siblings(Spans(journal)).healed(errors, refs)
    return len(found), len({error.occurrence for error in errors})


def test_a_repeated_call_that_succeeds_heals(journal: Journal) -> None:
    """The retry may come in a request of its own, and after several attempts that failed."""
    root = span(trace_id=TRACE)
    attempts = [call(root, error=True, after=step * 100) for step in range(3)]
    assert healed(journal, [[*attempts, root], [call(root, after=500)]]) == (3, 3)


def test_attempts_that_all_fail_heal_nothing(journal: Journal) -> None:
    """An attempt that fails is no success, whenever it ends."""
    root = span(trace_id=TRACE)
    assert healed(journal, [[root, *(call(root, error=True, after=step * 100) for step in range(3))]]) == (0, 3)


def test_what_reached_the_root_is_not_healed(journal: Journal) -> None:
    """A trace whose root failed has not got over its errors, even if a call was repeated."""
    root = span(trace_id=TRACE, error=True, exception=TIMEOUT)
    assert healed(journal, [[root, call(root, error=True), call(root, after=100)]])[0] == 0


@pytest.mark.parametrize(
    "other",
    [
        {"after": -100},
        {"after": 9},  # side by side: the failed one takes 10
        {"after": 100, "url": "http://ledger/status"},
        {"after": 100, "name": "GET"},
        {"after": 100, "kind": Span.SPAN_KIND_PRODUCER},
    ],
)
def test_another_call_is_no_retry(journal: Journal, other: dict[str, int | str]) -> None:
    """A success that began before the failure, or of another name, kind or address, says nothing about the failed call."""
    root = span(trace_id=TRACE)
    assert healed(journal, [[root, call(root, error=True), call(root, **other)]]) == (0, 1)  # type: ignore[arg-type]  # each row fits the parameters


def test_what_failed_below_is_healed_with_the_call(journal: Journal) -> None:
    """The error in the service that was called is healed when the caller's second attempt succeeded."""
    root = span(trace_id=TRACE)
    first = call(root, error=True)
    below = call(first, error=True, name="pay", kind=Span.SPAN_KIND_SERVER)
    services = {below.span_id: "ledger"}
    assert healed(journal, [[root, first, below, call(root, after=100)]], services)[0] > 0
    assert healed(journal, [[root, first, below]], services)[0] == 0


def test_a_logged_error_of_a_span_that_did_not_fail_is_healed(journal: Journal) -> None:
    """A time-out that was only logged is healed; if its span failed, it is not, nor if nothing is known of its span."""
    fine, broken = span(trace_id=TRACE), span(trace_id=TRACE, error=True)
    assert healed(journal, [[fine]], logged=[fine.span_id]) == (1, 1)
    assert healed(journal, [[broken]], logged=[broken.span_id])[0] == 0
    assert healed(journal, [[fine]], logged=[b"elsewher"]) == (0, 1)


def test_of_a_giant_trace_nothing_is_read(journal: Journal) -> None:
    """Beyond 1,000 spans no error counts as healed."""
    root = span(trace_id=TRACE)
    spans = [root, call(root, error=True), call(root, after=100)]
    assert healed(journal, [spans + [span(trace_id=TRACE) for _ in range(997)]]) == (1, 1)
    assert healed(journal, [spans + [span(trace_id=TRACE) for _ in range(998)]]) == (0, 1)


def test_a_cycle_of_parents_ends(journal: Journal) -> None:
    """Spans that are each other's parents, which only a forger sends, are looked through once."""
    one, other = span(trace_id=TRACE, error=True), span(trace_id=TRACE, error=True)
    one.parent_span_id, other.parent_span_id = other.span_id, one.span_id
    assert healed(journal, [[one, other]])[0] == 0
