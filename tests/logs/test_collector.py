"""A line in a file becomes the log record that OpenTelemetry's own handler would have exported, by a real Collector."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from tests.instrumentation.sink import Sink, attributes
from tests.logs.producers import WRITERS
from tests.support import collector_tools as tools

from errorplane.context import bind
from errorplane.testing import Capture


class Lines(Sink):
    """Knows the loggers and services of what it was sent, too."""

    @property
    def logged_by(self) -> set[tuple[str, str]]:
        """Each logger with its service."""
        return set(
            self._items(
                ExportLogsServiceRequest,
                lambda request: [
                    (scope.scope.name, attributes(logs.resource.attributes)["service.name"])
                    for logs in request.resource_logs
                    for scope in logs.scope_logs
                ],
            )
        )


AGENT = tools.CONFIGS / "agent.yaml"
NAMES = ("stdlib", "structlog", "loguru")


def _write(path: Path) -> list[dict[str, Any]]:
    """Lines of each library, in a trace and after it; what they say."""
    lines: list[dict[str, Any]] = []
    for name in NAMES:
        producer = WRITERS[name]()
        with Capture(service="shop") as capture, bind(tenant="acme"):
            try:
                with capture.tracer.start_as_current_span("request"):
                    producer.log("warning", f"{name}: slow\nnext", None, order=17, level="gold", nested={"a": [1]})
                    producer.log("info", f"{name}: an event", None, **{"otel.event.name": "cart.full"})
                    raise ValueError("no stock\nfor 17")
            except ValueError as error:
                producer.log("error", f"{name}: cannot serve", error)
        lines += producer.lines
    lines.append({**lines[0], "severity_text": "SUCCESS", "severity_number": 12, "body": "a level of one's own"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return lines


@pytest.mark.e2e
def test_lines_become_log_records(tmp_path: Path) -> None:
    """Time, severity, body, logger, service, trace, event name and attributes, for each library."""
    lines = _write(tmp_path / "app.log")
    env = {
        "ERRORPLANE_AGENT_LOGS": f"{tmp_path}/*.log",
        "ERRORPLANE_AGENT_LOGS_FROM": "beginning",
        "ERRORPLANE_AGENT_HOST_INTERVAL": "1h",
    }
    with (
        Lines() as sink,
        tools.run_collector(AGENT, tmp_path / "agent", {**env, "ERRORPLANE_ENDPOINT": f"127.0.0.1:{sink.port}"}),
    ):
        tools.wait_until(lambda: len(sink.logs) >= len(lines), "the lines", 60)
        told = {record.body.string_value: record for record in sink.logs}
    assert len(told) == len(lines)
    for line in lines:
        record = told[line["body"]]
        assert (record.severity_number, record.severity_text) == (line["severity_number"], line["severity_text"])
        assert record.trace_id.hex() == line["trace_id"]
        assert record.span_id.hex() == line.get("span_id", "")
        assert record.flags == int(line.get("trace_flags", "0"), 16)
        assert record.event_name == line.get("otel.event.name", "")
        assert _rfc3339(record.time_unix_nano) == line["timestamp"]
        sent = {pair.key: _value(pair.value) for pair in record.attributes}
        assert {name: value for name, value in sent.items() if not name.startswith("log.file.")} == _attributes(line)
    assert {(scope, service) for scope, service in sink.logged_by} == {("shop.cart", "shop")}


def _rfc3339(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _value(pair.value) for pair in value.kvlist_value.values}
    return getattr(value, kind or "string_value")


def _attributes(line: Mapping[str, Any]) -> dict[str, Any]:
    own = ("exception.", "errorplane.", "thread.", "code.")
    found = {name: value for name, value in line.items() if name.startswith(own)}
    return {**found, **line.get("attributes", {})}
