"""The deployable Collector configurations as running processes, with real telemetry going through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support import collector_tools as tools

pytestmark = pytest.mark.e2e

AGENT = tools.CONFIGS / "agent.yaml"
GATEWAY = tools.CONFIGS / "gateway.yaml"
ATTACH = tools.CONFIGS / "attach.yaml"
QUIET_AGENT = {"ERRORPLANE_AGENT_HOST_INTERVAL": "1h"}


def wait_for(folder: Path, signal: str, count: int) -> list[tools.Item]:
    """The items of a signal in a folder of files, once there are ``count`` of them."""
    return tools.wait_until(
        lambda: items if len(items := tools.read_items(folder, signal)) >= count else [],
        f"{count} {signal} in {folder.name}",
        explain=lambda: f"{len(tools.read_items(folder, signal))} there",
    )


def test_all_signals_go_from_the_agent_to_the_gateways_files(tmp_path: Path) -> None:
    """What an application sends to the agent is in the gateway's file afterwards, with the host's own metrics."""
    with tools.run_collector(GATEWAY, tmp_path / "gateway") as gateway:
        env = {"ERRORPLANE_ENDPOINT": gateway.address("GRPC"), "ERRORPLANE_AGENT_HOST_INTERVAL": "1s"}
        with tools.run_collector(AGENT, tmp_path / "agent", {**env, "HOSTNAME": "testhost"}) as agent:
            tools.generate("traces", agent.address(), "--status-code=Error", count=20)
            tools.generate("metrics", agent.address(), count=5)
            tools.generate("logs", agent.address(), count=7)
            out = tmp_path / "gateway/out/gateway"
            spans = wait_for(out, "traces", 40)
            logs = wait_for(out, "logs", 7)
            tools.wait_until(
                lambda: "system.memory.usage" in {i.body["name"] for i in tools.read_items(out, "metrics")},
                "host metrics",
            )
    assert len({span.body["traceId"] for span in spans}) == 20
    assert {span.resource["service.name"] for span in spans} == {"telemetrygen"}
    assert len(logs) == 7
    metrics = tools.read_items(out, "metrics")
    assert len([m for m in metrics if m.resource.get("service.name") == "telemetrygen"]) == 5
    assert {m.resource["host.name"] for m in metrics if m.body["name"].startswith("system.")} == {"testhost"}


LOG = """\
2026-11-24 10:00:00,001 INFO shop.orders: order 17 accepted
2026-11-24 10:00:01,002 ERROR shop.orders: order 18 failed
Traceback (most recent call last):
  File "/srv/shop/orders.py", line 12, in place
    pay(order)
  File "/srv/shop/orders.py", line 30, in pay
    raise ConnectionError("refused")
ConnectionError: refused

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/srv/shop/app.py", line 5, in handle
    place(order)
shop.errors.OrderFailed: order 18: payment
2026-11-24 10:00:02,003 WARNING shop.orders: slow
just a printed line
CRITICAL:root:the last disk is full
"""


def write_logs_and_read(tmp_path: Path, files: dict[str, str], count: int) -> list[tools.Item]:
    """Let the agent read log files from their beginning; the records that the gateway got, once ``count`` are there."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for name, text in files.items():
        (logs / name).write_text(text)
    env = {**QUIET_AGENT, "ERRORPLANE_AGENT_LOGS": f"{logs}/*.log", "ERRORPLANE_AGENT_LOGS_FROM": "beginning"}
    with (
        tools.run_collector(GATEWAY, tmp_path / "gateway") as gateway,
        tools.run_collector(AGENT, tmp_path / "agent", {**env, "ERRORPLANE_ENDPOINT": gateway.address()}) as agent,
    ):
        items = wait_for(tmp_path / "gateway/out/gateway", "logs", count)
        agent.stop()
        assert len(items) == len(tools.read_items(tmp_path / "gateway/out/gateway", "logs"))
        return items


def body(item: tools.Item) -> Any:
    """The text of a log record."""
    return item.body["body"]["stringValue"]


def test_a_traceback_in_a_log_file_is_one_error_with_its_exception(tmp_path: Path) -> None:
    """Chained tracebacks join the line before them; levels become severities; the raised exception is named."""
    items = write_logs_and_read(tmp_path, {"shop.log": LOG}, 5)
    assert [item.body.get("severityNumber", 0) for item in items] == [9, 17, 13, 0, 19]
    assert {item.resource["service.name"] for item in items} == {"shop"}
    error = items[1]
    lines = [line for line in LOG.splitlines()[1:15] if line]  # empty lines are lost
    assert body(error) == "\n".join(lines)
    assert error.attributes["exception.type"] == "shop.errors.OrderFailed"
    assert error.attributes["exception.message"] == "order 18: payment"
    assert error.attributes["exception.stacktrace"] == "\n".join(lines[1:])
    assert [item for item in items if item is not error and "exception.type" in item.attributes] == []


def test_an_uncaught_traceback_is_an_error_without_a_level(tmp_path: Path) -> None:
    """A program that only dies with a traceback still yields an error record with the exception's type."""
    text = 'Traceback (most recent call last):\n  File "job.py", line 3, in <module>\n    main()\nKeyError: 3\n'
    (item,) = write_logs_and_read(tmp_path, {"job.log": text}, 1)
    assert item.body["severityNumber"] == 17
    assert item.attributes["exception.type"] == "KeyError"
    assert item.attributes["exception.message"] == "3"


def test_json_lines_fill_the_log_record(tmp_path: Path) -> None:
    """Message, level, trace and span id get their places; the rest become attributes; half a line stays text."""
    trace_id, span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    line = {"level": "ERROR", "message": "no stock", "trace_id": trace_id, "span_id": span_id, "order": 18}
    other = {"levelname": "WARNING", "msg": "late", "service.name": "billing", "exception.type": "KeyError"}
    text = f'{json.dumps(line)}\n{json.dumps(other)}\n{{"half": \n'
    items = {body(item): item for item in write_logs_and_read(tmp_path, {"app.log": text}, 3)}
    first, second, third = items["no stock"], items["late"], items['{"half":']
    assert (first.body["traceId"], first.body["spanId"]) == (trace_id, span_id)
    assert (first.body["severityNumber"], first.attributes["order"]) == (17, 18)
    assert not {"trace_id", "span_id", "level", "message"} & set(first.attributes)
    assert first.resource["service.name"] == "app"
    assert second.resource["service.name"] == "billing"
    assert second.attributes["exception.type"] == "KeyError"
    assert third.resource["service.name"] == "app"


def test_odd_lines_go_through_and_are_not_quoted_in_the_agents_log(tmp_path: Path) -> None:
    """Lines of unexpected types and broken lines arrive as they are; the agent's own log does not repeat them."""
    odd = [
        {"message": {"needle": 1}, "level": 40},
        {"message": 7, "trace_id": "needle", "span_id": 5},
        {"message": None, "level": ["needle"], "service.name": 3},
        ["needle"],
    ]
    lines = [*(json.dumps(line) for line in odd), '{"needle": tru', "Traceback (most recent call last): needle", "\x00"]
    write_logs_and_read(tmp_path, {"odd.log": "\n".join(lines) + "\n"}, 6)
    (log,) = (tmp_path / "agent").glob("agent-*.log")
    assert "needle" not in log.read_text()


def test_the_agent_keeps_telemetry_while_errorplane_is_away(tmp_path: Path) -> None:
    """What arrives at the agent before errorplane is there is delivered afterwards, and nothing lies on disk."""
    port = tools.free_port()
    env = {**QUIET_AGENT, "ERRORPLANE_ENDPOINT": f"127.0.0.1:{port}"}
    with tools.run_collector(AGENT, tmp_path / "agent", env) as agent:
        tools.generate("traces", agent.address(), "--service=needle-in-memory", count=50)
        written = [p for p in (tmp_path / "agent").rglob("*") if p.is_file() and b"needle" in p.read_bytes()]
        assert written == []
        back = {"ERRORPLANE_GATEWAY_GRPC": f"127.0.0.1:{port}"}
        with tools.run_collector(GATEWAY, tmp_path / "gateway", back):
            spans = wait_for(tmp_path / "gateway/out/gateway", "traces", 100)
    assert len({span.body["traceId"] for span in spans}) == 50


def test_the_gateway_routes_by_retention_class(tmp_path: Path) -> None:
    """Each class has a file of its own, and a class with a route of its own goes to that route's exporters."""
    with tools.run_collector(GATEWAY, tmp_path / "backend") as backend:
        env = {
            "ERRORPLANE_GATEWAY_BACKEND": backend.address(),
            "ERRORPLANE_GATEWAY_AUDIT_EXPORTERS": "[file/class, otlp_grpc/backend]",
        }
        with tools.run_collector(GATEWAY, tmp_path / "gateway", env) as gateway:
            for retention_class, count in (("audit", 3), ("debug", 4)):
                option = f'--otlp-attributes=errorplane.retention.class="{retention_class}"'
                for signal in ("traces", "logs", "metrics"):
                    tools.generate(signal, gateway.address(), option, count=count)
            wait_for(tmp_path / "backend/out/gateway", "logs", 3)
            wait_for(tmp_path / "backend/out/gateway", "metrics", 3)
            wait_for(tmp_path / "backend/out/gateway", "traces", 6)
    out = tmp_path / "gateway/out/gateway"
    assert sorted(path.name for path in out.iterdir()) == ["audit.jsonl", "debug.jsonl"]
    for name, traces, others in (("audit", 6, 3), ("debug", 8, 4)):
        path = out / f"{name}.jsonl"
        assert [len(tools.read_items(path, s)) for s in ("traces", "logs", "metrics")] == [traces, others, others]
    assert [path.name for path in (tmp_path / "backend/out/gateway").iterdir()] == ["audit.jsonl"]


def test_a_killed_gateway_delivers_its_queue_after_a_restart(tmp_path: Path) -> None:
    """What the gateway accepted for an absent backend survives kill -9 and reaches the backend later."""
    port = tools.free_port()
    env = {
        "ERRORPLANE_GATEWAY_BACKEND": f"127.0.0.1:{port}",
        "ERRORPLANE_GATEWAY_EXPORTERS": "[otlp_grpc/backend]",
    }
    with tools.run_collector(GATEWAY, tmp_path / "gateway", env) as gateway:
        tools.generate("traces", gateway.address(), count=30)
        gateway.kill()
    back = {"ERRORPLANE_GATEWAY_GRPC": f"127.0.0.1:{port}"}
    with (
        tools.run_collector(GATEWAY, tmp_path / "backend", back),
        tools.run_collector(GATEWAY, tmp_path / "gateway", env),
    ):
        spans = wait_for(tmp_path / "backend/out/gateway", "traces", 60)
    assert len({span.body["traceId"] for span in spans}) == 30


def test_attach_takes_back_what_it_sent(tmp_path: Path) -> None:
    """With its own second receiver in errorplane's place, every signal ends in the existing exporter, once."""
    back = f"127.0.0.1:{tools.free_port()}"
    env = {"ERRORPLANE_ENDPOINT": back, "ERRORPLANE_ATTACH_BACK_GRPC": back}
    with tools.run_collector(ATTACH, tmp_path / "attach", env) as attach:
        for signal in ("traces", "logs", "metrics"):
            tools.generate(signal, attach.address(), count=6)
        out = tmp_path / "attach/out/attach"
        for signal, count in (("traces", 12), ("logs", 6), ("metrics", 6)):
            wait_for(out, signal, count)
    assert [len(tools.read_items(out, s)) for s in ("traces", "logs", "metrics")] == [12, 6, 6]
