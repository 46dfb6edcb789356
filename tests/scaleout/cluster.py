"""Several real processors behind two real balancers, and a real OTLP server behind each processor."""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.scaleout.backend import Backend
from tests.support.collector_tools import CONFIGS, Collector, free_port, run_collector, wait_until
from tests.support.processor_tools import RunningProcessor, policy, run_processor

_NAME = "errorplane.test"
# What it may take to notice a change: a look-up each second, of a file that Go's resolver reads again after 5 s.
_NOTICE_S = 15.0
_SETTLE_S = 30.0
_BIND = 'mount --bind "$0" /etc/hosts && exec "$@"'
_UPDATES = re.compile(r"^otelcol_loadbalancer_num_backend_updates\S* (\d+)$", re.MULTILINE)
_EXPORTERS = 3  # one for each signal, and each looks up by itself


@dataclass(frozen=True)
class Interval:
    """A stretch of time, in monotonic seconds."""

    began: float
    ended: float

    def meets(self, other: Interval) -> bool:
        """Whether they have a moment in common."""
        return self.began < other.ended and self.ended > other.began

    def within(self, other: Interval) -> bool:
        """Whether it lies in the other one."""
        return self.began > other.began and self.ended < other.ended


@dataclass
class Cluster:
    """Processors "a", "b", ... on 127.0.0.2, 127.0.0.3, ..., each with a folder of its own, and two balancers.

    A processor gets its share once it is listed; started and listed are two things, as they are in a deployment.
    """

    folder: Path
    sections: Mapping[str, Any]  # of every processor's policy, beside where it listens and sends
    backend: Backend = field(default_factory=Backend)
    balancer_addresses: tuple[str, str] = field(
        default_factory=lambda: (f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
    )
    switches: list[Interval] = field(default_factory=list)  # from a change of the list to when both balancers knew
    outages: list[Interval] = field(default_factory=list)  # from a kill to the restart
    processors: dict[str, RunningProcessor] = field(default_factory=dict)
    balancers: dict[int, Collector] = field(default_factory=dict)
    _port: int = field(default_factory=free_port)
    _killed: dict[str | int, float] = field(default_factory=dict)
    _ends: dict[str | int, contextlib.ExitStack] = field(default_factory=dict)

    def address(self, name: str) -> str:
        """Where a processor listens, or would."""
        return f"127.0.0.{ord(name) - ord('a') + 2}:{self._port}"

    def start(self, name: str) -> None:
        """Start a processor, with the journal that it has."""
        path = self.folder / name / "errorplane.yaml"
        if not path.exists():
            listen = {"grpc": self.address(name), "http": None, "admin": "127.0.0.1:0"}
            out = {"backend": {"otlp": {"endpoint": self.backend.endpoint(name), "protocol": "grpc"}}}
            policy(path.parent, **{"listen": listen, "destinations": out, **self.sections})
        self._ends[name] = contextlib.ExitStack()
        self.processors[name] = self._ends[name].enter_context(run_processor(path))
        self._is_back(name)

    def stop(self, name: str) -> None:
        """SIGTERM to a processor: it decides, delivers and ends, or the test fails."""
        del self.processors[name]
        self._ends.pop(name).close()

    def kill(self, name: str) -> None:
        """SIGKILL to a processor."""
        self._killed[name] = time.monotonic()
        self.processors.pop(name).kill()
        self._ends.pop(name).close()

    def start_balancer(self, number: int) -> None:
        """Start one of the two balancers; when this returns, it knows the processors that are listed."""
        env = {
            "ERRORPLANE_PROCESSORS": _NAME,
            "ERRORPLANE_PROCESSORS_PORT": str(self._port),
            "ERRORPLANE_PROCESSORS_INTERVAL": "1s",
            "ERRORPLANE_BALANCER_GRPC": self.balancer_addresses[number],
        }
        prefix = ("unshare", "--map-root-user", "--mount", "sh", "-ec", _BIND, str(self._hosts))
        running = run_collector(CONFIGS / "balancer.yaml", self.folder / f"balancer-{number}", env, prefix=prefix)
        self._ends[number] = contextlib.ExitStack()
        self.balancers[number] = self._ends[number].enter_context(running)
        self._wait_for_updates(number, _EXPORTERS)
        self._is_back(number)

    def kill_balancer(self, number: int) -> None:
        """SIGKILL to a balancer."""
        self._killed[number] = time.monotonic()
        self.balancers.pop(number).kill()
        self._ends.pop(number).close()

    def list_processors(self, *names: str) -> None:
        """Change what the balancers' name stands for, and wait until those that run have noticed."""
        began = time.monotonic()
        expected = {number: self._updates(number) + _EXPORTERS for number in self.balancers}
        lines = ["127.0.0.1 localhost", *(f"{self.address(name).partition(':')[0]} {_NAME}" for name in names)]
        self.folder.mkdir(parents=True, exist_ok=True)
        self._hosts.write_text("\n".join(lines) + "\n")  # in place, since it is mounted
        for number, count in expected.items():
            self._wait_for_updates(number, count)
        if self.balancers:
            self.switches.append(Interval(began, time.monotonic()))

    def settle(self) -> None:
        """Wait until the processors have decided and delivered everything."""
        for name, processor in self.processors.items():
            _settle(name, processor)

    def close(self) -> None:
        """Kill what still runs."""
        for name in tuple(self.processors):
            self.kill(name)
        for number in tuple(self.balancers):
            self.kill_balancer(number)
        self.backend.close()

    @property
    def _hosts(self) -> Path:
        return self.folder / "hosts"

    def _is_back(self, name: str | int) -> None:
        if name in self._killed:
            self.outages.append(Interval(self._killed.pop(name), time.monotonic()))

    def _wait_for_updates(self, number: int, count: int) -> None:
        collector = self.balancers[number]
        what = f"balancer {number} to know its processors"
        wait_until(lambda: self._updates(number) == count, what, _NOTICE_S, lambda: collector.output()[-2000:])

    def _updates(self, number: int) -> int:
        """How often the exporters of a balancer have taken up another list."""
        url = f"http://{self.balancers[number].address('METRICS_PORT')}/metrics"
        with urllib.request.urlopen(url, timeout=5) as response:
            return sum(map(int, _UPDATES.findall(response.read().decode())))


def _settle(name: str, processor: RunningProcessor) -> None:
    stats = processor.stats
    wait_until(lambda: stats()["traces"]["undecided"] == 0, f"the verdicts of {name}", _SETTLE_S)
    wait_until(lambda: stats()["journal"]["bytes"] == 0, f"the deliveries of {name}", _SETTLE_S)


def can_mount() -> bool:
    """Whether a process of ours may have an `/etc/hosts` of its own."""
    done = subprocess.run(["unshare", "--map-root-user", "--mount", "true"], capture_output=True, check=False)
    return done.returncode == 0
