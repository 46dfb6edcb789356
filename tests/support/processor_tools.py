"""Run the real processor as a process, send to it, and read what it wrote; every wait has a deadline."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import grpc
import yaml
from google.protobuf.message import Message
from tests.support.collector_tools import wait_until

from errorplane.otlp import Signal

_READY = re.compile(r"errorplane processor ready: (.*)")
_ADDRESS = re.compile(r"(OTLP/gRPC|OTLP/HTTP|admin) (\S+?)(?:,|$)")
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 60.0


class ProcessorFailed(AssertionError):
    """The processor ended early or did not end in time; quotes its log."""


@dataclass(frozen=True, slots=True)
class RunningProcessor:
    """A processor that takes requests. ``addresses`` are keyed by OTLP/gRPC, OTLP/HTTP and admin."""

    process: subprocess.Popen[bytes]
    addresses: Mapping[str, str]
    log: Path

    @property
    def grpc(self) -> str:
        """Address of OTLP/gRPC."""
        return self.addresses["OTLP/gRPC"]

    @property
    def http(self) -> str:
        """Base URL of OTLP/HTTP."""
        return f"http://{self.addresses['OTLP/HTTP']}"

    def admin(self, path: str) -> bytes:
        """One page of the admin address."""
        with urllib.request.urlopen(f"http://{self.addresses['admin']}{path}", timeout=10) as response:
            return cast(bytes, response.read())

    def stats(self) -> dict[str, Any]:
        """The counters."""
        return cast(dict[str, Any], json.loads(self.admin("/stats")))

    def output(self) -> str:
        """What it has logged so far."""
        return self.log.read_text(errors="replace")

    def send(self, signal_: Signal, request: Message) -> Message:
        """Export over gRPC, as a stock exporter does; returns the response."""
        with grpc.insecure_channel(self.grpc) as channel:
            call = channel.unary_unary(
                signal_.grpc_method,
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=signal_.response_type.FromString,
            )
            return cast(Message, call(request, timeout=30))

    def kill(self) -> None:
        """SIGKILL."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(_STOP_DEADLINE_S)

    def stop(self) -> int:
        """SIGTERM, so that it drains; returns its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(_STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ProcessorFailed(f"did not end within {_STOP_DEADLINE_S:g} s\n{self.output()[-3000:]}") from None


def policy(folder: Path, **sections: Any) -> Path:
    """A policy file in ``folder`` with short waits and free ports; ``sections`` replace the defaults."""
    document: dict[str, Any] = {
        "version": 1,
        "listen": {"grpc": "127.0.0.1:0", "http": "127.0.0.1:0", "admin": "127.0.0.1:0"},
        "journal": {"path": "./data"},
        "sampling": {
            "decision_wait": "300ms",
            "rules": [{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 0.0}],
        },
        "destinations": {"out": {"file": {"path": "./out.jsonl"}}},
        "telemetry": {"metrics_interval": None},
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "errorplane.yaml"
    path.write_text(yaml.safe_dump(document | sections, sort_keys=False))
    return path


@contextlib.contextmanager
def run_processor(
    path: Path, *, env: Mapping[str, str] | None = None, prefix: tuple[str, ...] = ()
) -> Iterator[RunningProcessor]:
    """Run the processor with this policy until the block ends; it is ready when the block starts.

    ``prefix`` is put before the command (strace, for instance). Stopped by SIGTERM at the end, killed if the block
    raises.
    """
    log = path.with_name("processor.log")
    log.unlink(missing_ok=True)
    command = [*prefix, sys.executable, "-m", "errorplane.cli", "processor", "--policy", str(path)]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def ready() -> re.Match[str] | None:
        if process.poll() is not None:
            raise ProcessorFailed(f"ended with {process.returncode}\n{log.read_text(errors='replace')[-3000:]}")
        return _READY.search(log.read_text(errors="replace"))

    running = RunningProcessor(process, {}, log)
    try:
        found = wait_until(ready, "the processor's start", _START_DEADLINE_S)
        running = RunningProcessor(process, dict(_ADDRESS.findall(found[1])), log)
        yield running
        if process.poll() is None:
            assert running.stop() == 0, running.output()[-3000:]
    finally:
        running.kill()


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The OTLP JSON objects of a file; [] while there is none."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def spans_in(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All spans of OTLP JSON objects."""
    return [
        span
        for line in lines
        for group in line.get("resourceSpans", ())
        for scope in group.get("scopeSpans", ())
        for span in scope.get("spans", ())
    ]


def logs_in(lines: list[dict[str, Any]], *, facts: bool = False) -> list[dict[str, Any]]:
    """All log records of OTLP JSON objects: the error facts, or everything else."""
    return [
        record
        for line in lines
        for group in line.get("resourceLogs", ())
        for scope in group.get("scopeLogs", ())
        for record in scope.get("logRecords", ())
        if (record.get("eventName") == "errorplane.error") is facts
    ]


def metrics_in(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All metrics of OTLP JSON objects."""
    return [
        metric
        for line in lines
        for group in line.get("resourceMetrics", ())
        for scope in group.get("scopeMetrics", ())
        for metric in scope.get("metrics", ())
    ]


def attribute_values(item: Mapping[str, Any]) -> dict[str, Any]:
    """Scalar attributes of a JSON item: key -> value."""
    return {pair["key"]: next(iter(pair["value"].values()), None) for pair in item.get("attributes", ())}
