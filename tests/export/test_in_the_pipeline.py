"""What the processor makes of errors that left unsampled traces, and of errors of the business."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import RunningProcessor, policy, read_lines, run_processor
from tests.support.telemetry import Scalar, log, logs, new_trace_id, span, traces

from errorplane.classification import observe_span
from errorplane.otlp import Signal

UNSAMPLED = {"errorplane.export.unsampled": True}
REQUESTS, ERRORS = "errorplane_service_requests_total", "errorplane_service_errors_total"
FINGERPRINTS = "errorplane_service_fingerprint_errors_total"
SEVERITY = {"severity": {"default": "P4", "rules": [{"when": {"kind": "business"}, "severity": "P5"}]}}


def total(running: RunningProcessor, name: str, **labels: str) -> float:
    """The sum of a metric's series on the page that carry these labels."""
    families = text_string_to_metric_families(running.admin("/metrics").decode())
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def facts(folder: Path) -> list[dict[str, Any]]:
    """The attributes of the error facts that have left."""
    return [
        {pair["key"]: next(iter(pair["value"].values())) for pair in record["attributes"]}
        for line in read_lines(folder / "out.jsonl")
        for group in line.get("resourceLogs", ())
        for scope in group["scopeLogs"]
        for record in scope["logRecords"]
        if record.get("eventName") == "errorplane.error"
    ]


@pytest.mark.e2e
def test_counts_stay_right_with_errors_of_unsampled_traces(tmp_path: Path) -> None:
    """An error that stands for others counts for all of them, in metrics and facts; requests of which only the failed
    ones arrive count as none, so that the share of failed requests is that among the sampled ones."""
    exception = {"exception.type": "KeyError", "exception.message": "no cart"}
    with run_processor(policy(tmp_path)) as running:
        sampled = [span(), span(), span(), span(error=True, exception=exception)]
        alone = span(error=True, exception=exception, attributes=UNSAMPLED)
        carrying = span(
            error=True, exception=exception, attributes={**UNSAMPLED, "errorplane.export.suppressed_count": 40}
        )
        running.send(Signal.TRACES, traces([*sampled, alone, carrying]))
        wait_until(lambda: total(running, ERRORS) == 1 + 1 + 41, "43 errors", 30, lambda: str(total(running, ERRORS)))
        assert total(running, FINGERPRINTS) == 43
        assert (total(running, REQUESTS), total(running, REQUESTS, error_type="KeyError")) == (4, 1)
    assert sum(int(fact["errorplane.error.count"]) for fact in facts(tmp_path)) == 43


@pytest.mark.parametrize(("count", "believed"), [(40, 40), (-5, 0), (2**62, 10**9), ("many", 0)])
def test_a_count_that_cannot_be_is_bounded(count: Scalar, believed: int) -> None:
    """A sender's negative or enormous count neither takes counts away nor runs over a counter."""
    made = span(error=True, attributes={**UNSAMPLED, "errorplane.export.suppressed_count": count})
    seen = observe_span(0, made, {})
    assert (seen.unsampled, seen.suppressed) == (True, believed)


@pytest.mark.e2e
def test_a_business_event_is_no_error_unless_it_says_so(tmp_path: Path) -> None:
    """An event as `business_error` writes it makes no fact and does not keep its trace; with the severity of an error it
    is one of the kind business, and the policy's rule for that kind decides how bad it is."""
    event = {"errorplane.business.error": "payment.declined", "error.type": "payment.declined"}
    described = {**event, "errorplane.error.kind": "business", "errorplane.error.category": "persistent"}
    quiet, loud = new_trace_id(), new_trace_id()
    with run_processor(policy(tmp_path, **SEVERITY)) as running:
        running.send(Signal.TRACES, traces([span(trace_id=quiet), span(trace_id=loud)]))
        loud_one = {**described, "errorplane.error.severity_hint": "P1"}
        records = [log("payment.declined", trace_id=quiet, attributes=described)]
        records.append(log("payment.declined", trace_id=loud, severity=17, attributes=loud_one))
        running.send(Signal.LOGS, logs(records))
        wait_until(lambda: total(running, ERRORS) == 1, "one error", 30)
        wait_until(lambda: running.stats()["traces"]["undecided"] == 0, "all verdicts", 30)
        assert (running.stats()["traces"]["kept"], running.stats()["traces"]["dropped"]) == (1, 1)
    (fact,) = facts(tmp_path)
    assert (fact["errorplane.error.kind"], fact["errorplane.error.severity"]) == ("business", "P5")
    assert (fact["error.type"], fact["errorplane.error.category"]) == ("payment.declined", "persistent")
