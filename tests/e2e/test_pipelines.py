"""The ways in which errorplane is deployed, with the real Collector, real applications and stock exporters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.collector_tools import CONFIGS, free_port, read_items, run_collector, wait_until
from tests.support.processor_tools import policy, read_lines, run_processor, spans_in

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
NODE = HERE.parents[1] / ".tools" / "node" / "stock-exporters"
PLANTED = ("jane.doe@example.org", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "536-90-4399")
RETENTION = {
    "classes": {"audit": {"days": 400}, "debug": {"days": 7}},
    "rules": [{"when": {"status": "error"}, "class": "audit"}, {"class": "debug"}],
}
KEEP_ALL = {"decision_wait": "500ms", "rules": [{"name": "everything"}]}


def environment(endpoint: str, **more: str) -> dict[str, str]:
    """The environment of an instrumented application that exports to ``endpoint``."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "ERRORPLANE_"))}
    return (
        kept
        | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoint}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "system_metrics",
        }
        | more
    )


def run_app(endpoint: str, **more: str) -> None:
    """Run the application to its end under ``opentelemetry-instrument``."""
    command = [str(Path(sys.executable).with_name("opentelemetry-instrument")), sys.executable]
    done = subprocess.run(
        [*command, str(HERE / "app.py"), " and ".join(PLANTED)],
        env=environment(endpoint, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def assert_no_leak(*places: Path | str) -> None:
    """None of the planted strings is in any of these files, folders or texts."""
    for place in places:
        files = [each for each in place.rglob("*") if each.is_file()] if isinstance(place, Path) else []
        texts: list[tuple[str, bytes]] = [(str(each), each.read_bytes()) for each in files]
        if isinstance(place, str):
            texts.append(("text", place.encode()))
        leaks = [(name, planted) for name, data in texts for planted in PLANTED if planted.encode() in data]
        assert leaks == []


def by_name(items: list[Any], key: str = "name") -> Mapping[str, Any]:
    """Items by one of their fields."""
    return {item.body[key]: item for item in items}


def three_signals(out: Path) -> Callable[[], bool]:
    """Whether the spans, the logs, the metric and the facts of the application are in a Collector's output."""

    def arrived() -> bool:
        logs = [item for item in read_items(out, "logs") if item.resource.get("service.name") == "shop"]
        facts = [item for item in logs if item.body.get("eventName") == "errorplane.error"]
        spans = [item for item in read_items(out, "traces") if item.resource.get("service.name") == "shop"]
        metrics = [item for item in read_items(out, "metrics") if item.body["name"] == "shop.orders"]
        return len(spans) == 6 and len(logs) - len(facts) == 7 and len(facts) == 4 and bool(metrics)

    return arrived


def test_agent_processor_gateway(tmp_path: Path) -> None:
    """All three signals of an application reach the gateway's files: complete, masked, tagged, by retention class."""
    gateway_out = tmp_path / "gateway-out"
    with run_collector(
        CONFIGS / "gateway.yaml",
        tmp_path / "gateway",
        {"ERRORPLANE_GATEWAY_OUT": str(gateway_out), "ERRORPLANE_GATEWAY_QUEUE": str(tmp_path / "queue")},
    ) as gateway:
        destinations = {"gateway": {"otlp": {"endpoint": f"http://{gateway.address('GRPC')}"}}}
        path = policy(tmp_path / "ep", destinations=destinations, retention=RETENTION, sampling=KEEP_ALL)
        printed = tmp_path / "printed" / "printer.log"
        printed.parent.mkdir()
        printed.touch()
        with (
            run_processor(path) as processor,
            run_collector(
                CONFIGS / "agent.yaml",
                tmp_path / "agent",
                {
                    "ERRORPLANE_ENDPOINT": processor.grpc,
                    "ERRORPLANE_AGENT_LOGS": str(printed),
                    "ERRORPLANE_AGENT_LOGS_FROM": "beginning",
                    "ERRORPLANE_AGENT_HOST_INTERVAL": "1s",
                },
            ) as agent,
        ):
            printed.write_text(f"2026-11-24 10:00:00,000 ERROR printer cannot reach {PLANTED[0]}\n")
            run_app(agent.address("GRPC"))
            wait_until(three_signals(gateway_out), "all signals at the gateway", 60, processor.output)
            check_gateway(gateway_out)
            wait_until(
                lambda: any(
                    "<EMAIL_ADDRESS>" in json.dumps(i.body)
                    for i in read_items(gateway_out, "logs")
                    if i.resource.get("service.name") == "printer"
                ),
                "the printed log line",
                30,
            )
            wait_until(
                lambda: any(i.body["name"].startswith("system.") for i in read_items(gateway_out, "metrics")),
                "host metrics",
                30,
            )
            assert_no_leak(processor.admin("/metrics").decode(), processor.output(), agent.output(), gateway.output())
    assert_no_leak(gateway_out, tmp_path / "ep" / "data", tmp_path / "queue", tmp_path / "agent", tmp_path / "gateway")


def check_gateway(out: Path) -> None:
    """What the gateway's files say of the application's errors."""
    spans = [item for item in read_items(out, "traces") if item.resource.get("service.name") == "shop"]
    failed = [item for item in spans if item.body["name"] == "charge"]
    assert len(failed) == 3
    for item in failed:
        assert item.attributes["errorplane.retention.class"] == "audit"
        assert item.attributes["errorplane.error.fingerprint"].startswith("v1:")
        assert len(item.attributes["errorplane.error.id"]) == 32
        assert item.attributes["errorplane.error.severity"] == "P3"
    facts = [item for item in read_items(out, "logs") if item.body.get("eventName") == "errorplane.error"]
    raised = [item for item in facts if item.attributes["error.type"] == "__main__.PaymentFailed"]
    assert {item.attributes["errorplane.error.id"] for item in raised} == {
        item.attributes["errorplane.error.id"] for item in failed
    }
    assert len({item.attributes["errorplane.error.fingerprint"] for item in raised}) == 1
    assert {path.name for path in out.glob("*.jsonl")} == {"audit.jsonl", "debug.jsonl"}


def test_attached_to_one_collector(tmp_path: Path) -> None:
    """An existing Collector sends to errorplane and takes back what was kept; its own exporter gets nothing raw."""
    back, out = free_port(), tmp_path / "attach-out"
    destinations = {"collector": {"otlp": {"endpoint": f"http://127.0.0.1:{back}"}}}
    path = policy(tmp_path / "ep", destinations=destinations, retention=RETENTION, sampling=KEEP_ALL)
    with run_processor(path) as processor:
        settings = {
            "ERRORPLANE_ENDPOINT": processor.grpc,
            "ERRORPLANE_ATTACH_BACK_GRPC": f"127.0.0.1:{back}",
            "ERRORPLANE_ATTACH_OUT": str(out),
        }
        with run_collector(CONFIGS / "attach.yaml", tmp_path / "collector", settings) as collector:
            run_app(collector.address("GRPC"))
            wait_until(three_signals(out), "all signals back at the Collector", 60, processor.output)
            assert_no_leak(processor.output(), collector.output())
    assert_no_leak(out, tmp_path / "ep" / "data")


def test_stock_javascript_exporters(tmp_path: Path) -> None:
    """Stock OpenTelemetry JS sends traces by gRPC, protobuf and gzipped JSON, logs and metrics, unchanged."""
    assert (NODE / "node").exists(), "run `scripts/install-node-packages tests/e2e/js .tools/node/stock-exporters`"
    with run_processor(policy(tmp_path, sampling=KEEP_ALL)) as processor:
        done = subprocess.run(
            [str(NODE / "node"), str(HERE / "js" / "send.mjs"), processor.grpc, processor.http, PLANTED[0]],
            env=os.environ | {"NODE_MODULES": str(NODE / "node_modules")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        ids = set(json.loads(done.stdout.splitlines()[-1]).values())
        out = tmp_path / "out.jsonl"
        wait_until(lambda: {span["traceId"] for span in spans_in(read_lines(out))} == ids, "three traces", 20)
        facts = wait_until(lambda: of_kind(out, "OutOfStock", 3), "three facts", 20)
        assert len({item.attributes["errorplane.error.fingerprint"] for item in facts}) == 1
        wait_until(lambda: "node.orders" in by_name(read_items(out, "metrics")), "the metric", 20)
        wait_until(lambda: "node log about" in out.read_text(), "the log record", 20)
        assert_no_leak(processor.output())
    assert_no_leak(tmp_path)


def of_kind(out: Path, type_name: str, count: int) -> list[Any] | None:
    """The facts of one error type, once there are as many as expected."""
    found = [item for item in read_items(out, "logs") if item.attributes.get("error.type") == type_name]
    facts = [item for item in found if item.body.get("eventName") == "errorplane.error"]
    return facts if len(facts) == count else None


def test_switched_off(tmp_path: Path) -> None:
    """With ERRORPLANE_ENABLED=false the application exports as stock OpenTelemetry does."""
    with run_processor(policy(tmp_path, sampling=KEEP_ALL)) as processor:
        run_app(processor.grpc, ERRORPLANE_ENABLED="false")
        spans = wait_until(
            lambda: found if len(found := read_items(tmp_path / "out.jsonl", "traces")) == 6 else None, "the spans", 30
        )
    events = [event for span in spans for event in span.body.get("events", ())]
    assert events
    assert not any("errorplane" in json.dumps(event) for event in events)
