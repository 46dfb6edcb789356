"""Metric series that masking makes the same, through a real processor: each destination gets what its action leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE, Metric, NumberDataPoint, Sum
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import metrics_in, policy, read_lines, run_processor
from tests.support.telemetry import NOW_NS, metrics, pairs

from errorplane.otlp import Signal


def logins() -> ExportMetricsServiceRequest:
    """A counter of two users, 3 and 4."""
    points = [
        NumberDataPoint(
            start_time_unix_nano=NOW_NS - 10**9, time_unix_nano=NOW_NS, as_int=count, attributes=pairs({"user": mail})
        )
        for mail, count in (("ann@example.org", 3), ("bob@example.org", 4))
    ]
    sums = Sum(data_points=points, aggregation_temporality=AGGREGATION_TEMPORALITY_CUMULATIVE, is_monotonic=True)
    request = metrics([])
    request.resource_metrics[0].scope_metrics[0].metrics.append(Metric(name="logins", sum=sums))
    return request


def values(path: Path) -> dict[str, int]:
    """Attribute ``user`` -> value of the counter's points at a destination, once it is there."""

    def there() -> list[dict[str, Any]]:
        return [each for each in metrics_in(read_lines(path)) if each["name"] == "logins"]

    (metric,) = wait_until(there, f"the counter in {path.name}", 20.0)
    points = metric["sum"]["dataPoints"]
    found = {each["attributes"][0]["value"]["stringValue"]: int(each["asInt"]) for each in points}
    assert len(found) == len(points)
    return found


def test_each_destination_gets_one_series_or_one_of_each_user(tmp_path: Path) -> None:
    """Where addresses become tokens, users stay apart; where they are replaced, they are one series of their sum."""
    redaction = {"destinations": {"audit": {"EMAIL_ADDRESS": "token"}, "support": {"EMAIL_ADDRESS": "replace"}}}
    outs = {name: {"file": {"path": f"./{name}.jsonl"}} for name in ("audit", "support")}
    with run_processor(policy(tmp_path, redaction=redaction, destinations=outs)) as running:
        running.send(Signal.METRICS, logins())
        audit, support = values(tmp_path / "audit.jsonl"), values(tmp_path / "support.jsonl")
        page = running.admin("/metrics").decode()
    assert sorted(audit.values()) == [3, 4]
    assert all(user.startswith("tok_email_address_") for user in audit)
    assert support == {"<EMAIL_ADDRESS>": 7}
    (line,) = (line for line in page.splitlines() if line.startswith("errorplane_merged_points_total"))
    assert line.endswith(" 1.0")
