"""One run, from the first process to the last: start everything, make the customers come, let it all drain."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errorplane.cli import CommandFailed
from errorplane.demo import _cast, _collectors
from errorplane.demo._accounts import at_rest, idle
from errorplane.demo._folder import Folder
from errorplane.demo._http import answers
from errorplane.demo._journal import JournalWatch
from errorplane.demo._policy import write_policy
from errorplane.demo._ports import free_ports
from errorplane.demo._processor import RunningProcessor, start_processor, stop_processor
from errorplane.demo._progress import Progress
from errorplane.demo._shop._legacy_mailer import LETTERS
from errorplane.demo._stage import Actor, PortTaken, Stage
from errorplane.policy import Policy

RATE = 10.0
# A run is over within two minutes, whatever hangs; what is left of them is for the comparison and for the cleaning up.
_LONGEST_RUN_S = 105.0
_ATTEMPTS = 2
_START_S = 40.0
_STOP_S = 15.0
_EXTRA_S = 60.0
_DRAIN_S = 40.0
_REPORT_EVERY_S = 3.0
_BALANCE_S = 5.0
_BALANCE_EVERY_S = 0.1
# Longer than payments waits for its slow bank after checkout has hung up, so that its span has ended too.
_LAST_WORK_S = 1.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked for: ``duration_s`` is how long customers come."""

    policy: Path | None
    out: Path
    collector: bool
    duration_s: float
    seed: str


@dataclass(frozen=True, slots=True)
class Played:
    """What a run leaves behind; the lists hold the lines that the shop and its customers wrote."""

    policy: Policy
    gateway: str | None
    stats: Mapping[str, Any]
    metrics: str
    journal: frozenset[bytes]
    ledger: list[dict[str, Any]]
    planted: list[dict[str, str]]
    answers: list[dict[str, Any]]
    services: tuple[str, ...]


def play(settings: Settings, folder: Folder, scratch: Path, progress: Progress) -> Played:
    """Run everything; raises ``CommandFailed`` when something does not start, dies or hangs.

    When another program takes one of the ports before it is used, everything is started once more, with others.
    """
    until = time.monotonic() + _LONGEST_RUN_S
    for attempt in range(_ATTEMPTS):
        home = scratch / f"attempt-{attempt}"
        (home / "stage").mkdir(parents=True)
        try:
            with Stage(home / "stage", until - time.monotonic()) as stage:
                return _Play(settings, folder, home, progress, stage).run()
        except PortTaken as error:
            if attempt == _ATTEMPTS - 1:
                raise
            progress.say(f"another program took a port of {error.name}: starting again with other ports")
            folder.empty()
    raise AssertionError  # the last attempt returns or raises


class _Play:
    """The steps of one run, in order."""

    def __init__(self, settings: Settings, folder: Folder, scratch: Path, progress: Progress, stage: Stage) -> None:
        self._settings = settings
        self._folder = folder
        self._scratch = scratch
        self._progress = progress
        self._stage = stage
        self._tools = _collectors.find_tools() if settings.collector else None
        self._instrument = _cast.find_instrument()
        node = _cast.find_node()
        self._node = node if isinstance(node, _cast.Node) else None
        if isinstance(node, str):
            progress.say(f"recommendations (Node.js) takes no part: {node}")
        self._roles = (*_cast.PYTHON_ROLES, *([_cast.NODE_ROLE] if self._node else []))
        names = [role.name for role in self._roles]
        collectors = _collectors.PORTS + _collectors.GATEWAY_PORTS if settings.collector else ()
        self._ports = free_ports([*names, *collectors])
        self._printed = scratch / "printed"
        self._printed.mkdir()
        self._said = time.monotonic()

    def run(self) -> Played:
        gateway = self._start_gateway()
        policy = write_policy(self._settings.policy, self._folder, gateway)
        processor = start_processor(self._stage, self._folder)
        self._progress.say(f"the processor takes OTLP at {processor.grpc} and {processor.http}")
        agent = self._start_agent(processor)
        services = self._open_shop(processor)
        with JournalWatch(policy, self._scratch) as watch:
            self._let_customers_come(self._start_mailer())
            self._stage.stop(services, _STOP_S)
            self._progress.say("the shop has closed")
            if agent is not None:
                self._stop_agent(agent)
            self._stage.wait("everything is decided and delivered", lambda: idle(processor.stats()), _DRAIN_S)
        if watch.problem is not None:
            raise CommandFailed(f"the journal could not be looked into: {watch.problem}")
        stats, metrics = self._last_counts(processor), processor.metrics()
        stop_processor(self._stage, processor)
        self._progress.say("the processor has decided and delivered everything, and ended")
        self._folder.stats.write_text(json.dumps(stats, indent=2) + "\n")
        self._folder.metrics.write_text(metrics)
        if gateway is not None:
            self._stage.stop([actor for actor in self._stage.actors if actor.name == "gateway"], _STOP_S)
        return Played(
            policy=policy,
            gateway=gateway,
            stats=stats,
            metrics=metrics,
            journal=frozenset(watch.records),
            ledger=_lines(self._folder.ledger),
            planted=_lines(self._scratch / "planted.jsonl"),
            answers=_lines(self._scratch / "answers.jsonl"),
            services=tuple(role.name for role in self._roles),
        )

    def _last_counts(self, processor: RunningProcessor) -> Mapping[str, Any]:
        """The counters when they add up; those of the deadline if they never do, so that the report can say that.

        A page is no snapshot, and what is acknowledged may not be taken in yet: counts that are too low would hide a
        loss. So the page counts that follows one on which all is decided and delivered.
        """
        deadline = time.monotonic() + _BALANCE_S
        before, stats = processor.stats(), processor.stats()
        while not (at_rest(before) and at_rest(stats)) and time.monotonic() < deadline:
            time.sleep(_BALANCE_EVERY_S)
            before, stats = stats, processor.stats()
        return stats

    def _start_gateway(self) -> str | None:
        if self._tools is None:
            return None
        _collectors.start_gateway(self._stage, self._tools, self._folder, self._ports)
        address = f"127.0.0.1:{self._ports['gateway grpc']}"
        self._progress.say(f"the gateway Collector takes OTLP at {address}")
        return address

    def _start_agent(self, processor: RunningProcessor) -> Actor | None:
        if self._tools is None:
            return None
        agent = _collectors.start_agent(
            self._stage, self._tools, self._folder, self._printed, processor.grpc, self._ports
        )
        self._progress.say(f"the agent Collector takes OTLP at 127.0.0.1:{self._ports['agent grpc']}")
        return agent

    def _stop_agent(self, agent: Actor) -> None:
        """Let it end once it has read the printed lines to their end: what it has not read then, it never reads."""
        metrics = f"127.0.0.1:{self._ports['agent metrics']}"
        self._stage.wait(
            "the agent has read all that the mailer printed",
            lambda: _collectors.printed_entries(metrics) >= LETTERS,
            _DRAIN_S,
        )
        self._stage.stop([agent], _STOP_S)

    def _open_shop(self, processor: RunningProcessor) -> list[Actor]:
        grpc, http = processor.grpc, processor.http
        if self._tools is not None:
            grpc, http = (f"127.0.0.1:{self._ports[name]}" for name in ("agent grpc", "agent http"))
        settings = self._write_settings()
        services = []
        for role in self._roles:
            node = self._node if role is _cast.NODE_ROLE else None
            command = (
                [self._instrument, *_cast.plain_command(role.name, settings)]
                if node is None
                else _cast.node_command(node, settings)
            )
            env = _cast.telemetry_environment(role, grpc, http, node)
            services.append(self._stage.start(role.name, command, env, self._scratch / f"{role.name}.log"))
        for role in self._roles:
            address = f"127.0.0.1:{self._ports[role.name]}"
            self._stage.wait(f"{role.name} answers", lambda at=address: answers(at, "/healthz"), _START_S)  # type: ignore[misc]  # bound at definition
        self._progress.say(f"the shop is open: {', '.join(role.name for role in self._roles)}")
        return services

    def _write_settings(self) -> Path:
        path = self._scratch / "shop.json"
        document = {
            "ports": {role.name: self._ports[role.name] for role in self._roles},
            "ledger": str(self._folder.ledger.absolute()),
            "planted": str(self._scratch / "planted.jsonl"),
            "answers": str(self._scratch / "answers.jsonl"),
            "seed": self._settings.seed,
            "calls": max(1, round(self._settings.duration_s * RATE)),
            "rate": RATE,
        }
        path.write_text(json.dumps(document))
        return path

    def _start_mailer(self) -> list[Actor]:
        """The program that only prints takes part when an agent follows its file."""
        if self._tools is None:
            return []
        command = _cast.plain_command(_cast.MAILER, self._scratch / "shop.json")
        return [self._stage.start(_cast.MAILER, command, _cast.environment(), self._printed / f"{_cast.MAILER}.log")]

    def _let_customers_come(self, mailer: list[Actor]) -> None:
        command = _cast.plain_command("client", self._scratch / "shop.json")
        client = self._stage.start("client", command, _cast.environment(), self._scratch / "client.log")
        ending = [client, *mailer]
        self._stage.wait(
            "the customers have gone",
            lambda: self._have_ended(ending),
            self._settings.duration_s + _EXTRA_S,
            *ending,
        )
        for actor in ending:
            if actor.process.returncode != 0:
                raise CommandFailed(f"{actor.name} failed:\n{actor.tail()}")
        self._stage.stop(ending, _STOP_S)
        last = time.monotonic() + _LAST_WORK_S
        self._stage.wait("the last payment is over", lambda: time.monotonic() > last, 2 * _LAST_WORK_S)

    def _have_ended(self, actors: list[Actor]) -> bool:
        """Whether all have; says now and then how far they are."""
        over = not any(actor.running for actor in actors)
        if over or time.monotonic() > self._said + _REPORT_EVERY_S:
            self._said = time.monotonic()
            self._say_counts()
        return over

    def _say_counts(self) -> None:
        answered, raised = len(_lines(self._scratch / "answers.jsonl")), len(_lines(self._folder.ledger))
        self._progress.say(f"{answered} requests answered, {raised} errors raised")


def _lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
