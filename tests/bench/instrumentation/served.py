"""Real applications behind real servers, all contenders up at the same time and asked in turn."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench.instrumentation.agent import Agent, sink, stalled
from tests.bench.instrumentation.contenders import BESIDE, SERVED, Contender
from tests.bench.instrumentation.load import Measured, Misanswered, at_rate, flat_out, outcomes
from tests.bench.instrumentation.results import FLAT_OUT, SENT, STALLED, STEADY, Case
from tests.bench.process import Broken, Contestant
from tests.bench.results import Run
from tests.support.collector_tools import free_port, wait_until

_APPS = "tests.bench.instrumentation.apps"
SERVERS: Mapping[str, Callable[[int], Sequence[str]]] = {
    "FastAPI": lambda port: [
        *(
            sys.executable,
            "-m",
            "uvicorn",
            f"{_APPS}.fastapi_shop:app",
            "--port",
            str(port),
            "--no-access-log",
            "--log-level",
            "warning",
        ),
        *("--http", "httptools", "--loop", "asyncio"),
    ],
    "Flask": lambda port: [
        *(sys.executable, "-m", "gunicorn", f"{_APPS}.flask_shop:app", "--bind", f"127.0.0.1:{port}", "--workers", "1"),
        *("--worker-class", "gthread", "--threads", "4", "--keep-alive", "60", "--log-level", "warning"),
    ],
}
ERRORS = (0.0, 0.01, 0.5)
STALLED_ERRORS = 0.01
_SENT, _WARM_UP_RATE = 40, 50.0
_CONNECTIONS = 8
_START_S, _SENT_S = 60.0, 30.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: requests a second, seconds and rounds of each case, and of each that is flat out."""

    rate: float
    seconds: float
    rounds: int
    flat_out_s: float
    flat_out_rounds: int


@dataclass(frozen=True, slots=True)
class _Server:
    """One contender serving; ``use`` says what CPU time it has used."""

    who: Contender
    app: str
    port: int
    process: Contestant
    log: Path

    def measure(self, load: Callable[[int], Measured]) -> dict[str, float]:
        """The figures of a load on it; raises Broken."""
        before = self.process.use().cpu_s
        try:
            measured = load(self.port)
        except (Misanswered, OSError, TimeoutError) as error:
            raise Broken(f"{error or type(error).__name__}; its log ends in {self._last()!r}") from error
        cpu_s = self.process.use().cpu_s - before
        return {**measured.figures(), "cpu_us": cpu_s / len(measured.latencies) * 1e6}

    def is_up(self) -> bool:
        """Whether it answers; raises Broken if it has ended."""
        try:
            self.process.check()
        except Broken as broken:
            raise Broken(f"{broken}: {self._last()}") from None
        try:
            at_rate(self.port, 1.0, [False])
        except (Misanswered, OSError, TimeoutError):
            return False
        return True

    def _last(self) -> str:
        return self.log.read_text(errors="replace")[-1000:]


def served(size: Size, say: Callable[[str], None], apps: Collection[str] = tuple(SERVERS)) -> Iterator[Run[Case]]:
    """All that is measured of applications; ``say`` hears of each case before it is measured.

    Where there are two cores, the servers have one and everything else the others.
    """
    cores = sorted(os.sched_getaffinity(0))
    theirs, ours = cores[:1], cores[1:] or cores
    for app in apps:
        with sink(ours) as agent, _servers(app, agent.url, theirs) as servers, _on(ours):
            agent.settled()
            yield from _each(servers, [Case(SENT, "", app)], 1, partial(_sent, agent), say)
            steady = [Case(STEADY, "", app, errors) for errors in ERRORS]
            yield from _each(servers, steady, size.rounds, partial(_steady, size), say)
            fast = [Case(FLAT_OUT, "", app, errors) for errors in ERRORS]
            yield from _each(servers, fast, size.flat_out_rounds, partial(_flat_out, size), say)
        with stalled() as url, _servers(app, url, theirs) as servers, _on(ours):
            cases = [Case(STALLED, "", app, STALLED_ERRORS)]
            yield from _each(servers, cases, size.rounds, partial(_steady, size), say)


@contextlib.contextmanager
def _on(cores: Collection[int]) -> Iterator[None]:
    """This process, which makes the load, on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _each(
    servers: Sequence[_Server],
    cases: Sequence[Case],
    rounds: int,
    measure: Callable[[_Server, Case, int], dict[str, float]],
    say: Callable[[str], None],
) -> Iterator[Run[Case]]:
    """Every round of every case on every server in turn, forwards in one round and backwards in the next."""
    for number in range(1, rounds + 1):
        for case in cases:
            for server in servers[:: 1 if number % 2 else -1]:
                its = Case(case.phase, server.who.name, case.app, case.errors)
                say(f"round {number}: {its.text()}")
                try:
                    yield Run(its, number, measure(server, case, number))
                except Broken as broken:
                    yield Run(its, number, broken=str(broken))


def _steady(size: Size, server: _Server, case: Case, number: int) -> dict[str, float]:
    assert case.errors is not None
    fails = outcomes(round(size.rate * size.seconds), case.errors, seed=number)
    return server.measure(lambda port: at_rate(port, size.rate, fails))


def _flat_out(size: Size, server: _Server, case: Case, number: int) -> dict[str, float]:
    assert case.errors is not None
    fails = outcomes(1000, case.errors, seed=number)
    return server.measure(lambda port: flat_out(port, _CONNECTIONS, size.flat_out_s, fails))


def _sent(agent: Agent, server: _Server, _case: Case, _number: int) -> dict[str, float]:
    """What comes to the agent of a request that fails; nothing would be measured of an application that sends nothing."""
    before = agent.received()
    server.measure(lambda port: at_rate(port, _WARM_UP_RATE, [True] * _SENT))
    try:
        wait_until(lambda: agent.received().events > before.events, "the first exception at the agent", _SENT_S)
    except AssertionError as error:
        raise Broken(str(error)) from None
    after = agent.settled()
    return {name: (getattr(after, name) - getattr(before, name)) / _SENT for name in ("spans", "events", "bytes")}


@contextlib.contextmanager
def _servers(app: str, agent_url: str, cores: Collection[int]) -> Iterator[list[_Server]]:
    """One server for each contender, all of them up and warm."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [_start(who, app, agent_url, folder, stack) for who in SERVED]
        for server in servers:
            wait_until(server.is_up, f"{server.who.title} serving {app}", _START_S)
            server.process.pin(cores)  # only now: they start on all of them
        yield servers


def _start(who: Contender, app: str, agent_url: str, folder: Path, stack: contextlib.ExitStack) -> _Server:
    port, log = free_port(), folder / f"{who.name}.log"
    env = who.environment(
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        OTEL_EXPORTER_OTLP_ENDPOINT=agent_url,
        OTEL_BSP_SCHEDULE_DELAY="1000",
        **({"BENCH_SENTRY": "1"} if who is BESIDE else {}),
    )
    process = Contestant(who.command(*SERVERS[app](port)), stack.enter_context(log.open("wb")), env)
    stack.callback(process.kill)
    return _Server(who, app, port, process, log)
