"""Run the built Collector and telemetrygen as real processes, with free ports, deadlines and a sure end.

Every wait here ends: at its deadline it raises an error that quotes the last lines of the process's log.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".tools"
CONFIGS = ROOT / "collector-config"
# What a listening address may be called in a configuration: ERRORPLANE_<ROLE>_<PORT>, for instance _GATEWAY_GRPC.
_PORT_VARIABLE = re.compile(r"\$\{env:(ERRORPLANE_[A-Z]+_((?:[A-Z]+_)?(?:GRPC|HTTP|HEALTH|METRICS_PORT)))\b")
_START_DEADLINE_S = 30.0
_END_DEADLINE_S = 30.0


class MissingTool(AssertionError):
    """A binary that `make collector` builds is not there."""


class CollectorFailed(AssertionError):
    """A process ended early, did not become healthy or did not end in time."""


def tool(name: str) -> Path:
    """The built binary ``name`` ("otelcol" or "telemetrygen"). Raises MissingTool: a test must fail, not skip."""
    path = TOOLS / name
    if not os.access(path, os.X_OK):
        raise MissingTool(f"{path} is missing: run `make collector`")
    return path


def free_port() -> int:
    """A port of loopback that nobody listens on, below the range from which the kernel picks for connections."""
    for _ in range(200):
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise CollectorFailed("no free port between 20000 and 32000")


def wait_until(
    check: Callable[[], T | None], what: str, deadline_s: float = 30.0, explain: Callable[[], str] = str
) -> T:
    """Call ``check`` until it answers something true and return that. Raises AssertionError at the deadline."""
    deadline = time.monotonic() + deadline_s
    while True:
        answer = check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {deadline_s:.0f} s. {explain()}")
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Collector:
    """A running Collector. ``ports`` are keyed by the end of their variables: GRPC, HTTP, BACK_GRPC, HEALTH, ..."""

    process: subprocess.Popen[bytes]
    ports: Mapping[str, int]
    log: Path

    def address(self, port: str = "GRPC") -> str:
        """``127.0.0.1:PORT`` of one of the ports."""
        return f"127.0.0.1:{self.ports[port]}"

    def output(self) -> str:
        """Everything that the process has printed so far."""
        return self.log.read_text(errors="replace")

    def healthy(self) -> bool:
        """Whether the health check says yes now."""
        try:
            with urllib.request.urlopen(f"http://{self.address('HEALTH')}/", timeout=2) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            return False

    def stop(self) -> int:
        """SIGTERM, so that it drains; the exit code. Raises CollectorFailed if it does not end in time."""
        self.process.terminate()
        try:
            return self.process.wait(_END_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise CollectorFailed(f"the Collector did not end within {_END_DEADLINE_S:.0f} s\n{self._tail()}") from None

    def kill(self) -> None:
        """SIGKILL: it has no chance to drain."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(_END_DEADLINE_S)

    def _wait_healthy(self) -> None:
        def ready() -> bool:
            if self.process.poll() is not None:
                raise CollectorFailed(f"the Collector ended with {self.process.returncode}\n{self._tail()}")
            return self.healthy()

        wait_until(ready, "the Collector's health check", _START_DEADLINE_S, self._tail)

    def _tail(self) -> str:
        return "\n".join(self.output().splitlines()[-30:])


@contextlib.contextmanager
def run_collector(
    config: Path, folder: Path, env: Mapping[str, str] | None = None, *, prefix: Sequence[str] = ()
) -> Iterator[Collector]:
    """Run ``config`` in ``folder`` until the block ends; it is healthy when the block starts.

    ``prefix`` is put before the command and has to end in an ``exec`` of it.

    Every listening address that the configuration reads from the environment gets a free port, unless ``env`` sets it.
    Relative paths in the configuration are relative to ``folder``. The process is stopped by SIGTERM (drained) at the
    end, or killed if the block raises. Raises MissingTool, CollectorFailed; ValueError where ``config`` has no health
    check at a variable named ERRORPLANE_<ROLE>_HEALTH.
    """
    given = dict(env or {})
    ports: dict[str, int] = {}
    for variable, port in sorted(set(_PORT_VARIABLE.findall(config.read_text()))):
        value = given.setdefault(variable, _fresh_address(port))
        ports[port] = int(value.rpartition(":")[2])
    if "HEALTH" not in ports:
        raise ValueError(f"{config} has no health check whose address is a variable ERRORPLANE_<ROLE>_HEALTH")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{config.stem}-{ports['HEALTH']}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*prefix, tool("otelcol"), "--config", config],
            cwd=folder,
            env={**_plain_environment(), **given},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    collector = Collector(process, ports, log)
    try:
        collector._wait_healthy()
        yield collector
        if process.poll() is None:
            collector.stop()
    finally:
        collector.kill()


def _fresh_address(port: str) -> str:
    return str(free_port()) if port == "METRICS_PORT" else f"127.0.0.1:{free_port()}"


def _plain_environment() -> dict[str, str]:
    """The caller's environment without what would steer telemetry."""
    return {
        k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "ERRORPLANE_")) and "proxy" not in k.lower()
    }


def validate(config: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """``otelcol validate``; exit code 0 and no output means valid."""
    return subprocess.run(
        [tool("otelcol"), "validate", "--config", config],
        env={**_plain_environment(), **(env or {})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def generate(signal_name: str, address: str, *options: str, count: int = 10, deadline_s: float = 60.0) -> None:
    """Send ``count`` traces, metrics or logs with telemetrygen by OTLP/gRPC; raises CollectorFailed if it fails."""
    command: Sequence[str | Path] = [
        tool("telemetrygen"),
        signal_name,
        "--otlp-insecure",
        f"--otlp-endpoint={address}",
        f"--{signal_name}={count}",
        "--rate=0",
        *options,
    ]
    done = subprocess.run(
        command, env=_plain_environment(), capture_output=True, text=True, timeout=deadline_s, check=False
    )
    if done.returncode != 0:
        raise CollectorFailed(f"telemetrygen ended with {done.returncode}\n{done.stderr[-3000:]}")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The OTLP JSON objects of a file exporter's file, one for each whole line; [] where there is no file yet."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1] if line.strip()]


@dataclass(frozen=True, slots=True)
class Item:
    """A span, a metric or a log record out of a file, with the attributes of its resource."""

    signal: str
    body: dict[str, Any]
    resource: Mapping[str, Any]

    @property
    def attributes(self) -> dict[str, Any]:
        """The item's own attributes as plain values."""
        return plain(self.body.get("attributes", ()))


_SHAPES = (
    ("traces", "resourceSpans", "scopeSpans", "spans"),
    ("metrics", "resourceMetrics", "scopeMetrics", "metrics"),
    ("logs", "resourceLogs", "scopeLogs", "logRecords"),
)


def read_items(path: Path, signal_name: str | None = None) -> list[Item]:
    """All items of a file (or of every file of a folder), of one signal or of all."""
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    return [
        Item(name, item, plain(group.get("resource", {}).get("attributes", ())))
        for file in files
        for line in read_lines(file)
        for name, resources, scopes, items in _SHAPES
        if signal_name in (None, name)
        for group in line.get(resources, ())
        for scope in group.get(scopes, ())
        for item in scope.get(items, ())
    ]


def plain(attributes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """OTLP JSON attributes as a dictionary: strings, booleans, integers, floats; other kinds as they are."""
    values: dict[str, Any] = {}
    for pair in attributes:
        ((kind, value),) = pair["value"].items() or [("stringValue", "")]
        values[pair["key"]] = int(value) if kind == "intValue" else value
    return values
