"""What is done to a contender: full speed, ``kill -9``, three times as much as it takes. Each returns its figures."""

from __future__ import annotations

import contextlib
import random
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.bench.contenders import ROOT, Contender, Job
from tests.bench.load import Exporter, Line, Overload, Sent, at_full_speed
from tests.bench.offer import Delivered, Offer
from tests.bench.process import Broken, Contestant
from tests.bench.recording import Recording
from tests.bench.sink import Arrived, Sink
from tests.support.collector_tools import free_port

Figures = Mapping[str, float]
_WARM_UP_SPANS = 1000
_IDLE_CPU = 0.15
"""Of a core: below that a contender that sends nothing has nothing left to send."""
_SETTLE_S = 240.0
OVERLOAD = 3


@dataclass(frozen=True)
class Plan:
    """Sizes of the runs: spans, the decision wait, requests under way, seconds of overload.

    Journals are in ``folder``; who has sent nothing for ``quiet_s`` and has nothing to do has sent everything.
    """

    recording: Recording
    warm_up: Recording
    spans: int
    wait_s: float
    senders: int
    overload_s: float
    folder: Path
    quiet_s: float

    @classmethod
    def make(
        cls, spans: int, recorded: int, wait_s: float, senders: int, overload_s: float, quiet_s: float = 3.0
    ) -> Plan:
        """Record the traffic; the folder is on the disk of the checkout, not in memory."""
        folder = ROOT / ".tools" / "bench"
        folder.mkdir(parents=True, exist_ok=True)
        recording, warm_up = Recording.make(recorded, seed=1), Recording.make(_WARM_UP_SPANS, seed=2)
        return cls(recording, warm_up, spans, wait_s, senders, overload_s, folder, quiet_s)


class Run:
    """A contender that runs, warm, with a sink of its own."""

    def __init__(self, contender: Contender, job: Job, sink: Sink, log: IO[bytes]) -> None:
        self.contender, self.job, self.sink, self._log = contender, job, sink, log
        self._closed = contextlib.ExitStack()
        self.more_errors = 0
        """Errors of the warm-up."""

    def start(self) -> None:
        """Start it, again if it was killed, and wait until it listens; raises Broken."""
        self.process = Contestant(self.contender.command(self.job), self._log)
        self._closed.callback(self.process.kill)
        self.line = Line(self.job.port, self.process.check)
        self._closed.callback(self.line.close)
        try:
            self.line.wait()
        except TimeoutError as error:
            raise Broken(str(error)) from None

    def settle(self, least_s: float, quiet_s: float) -> None:
        """Wait until all is sent: nothing new for some seconds, ``least_s`` from now at the soonest, and hardly any work."""
        started = time.monotonic()
        while True:
            time.sleep(0.25)
            self.process.check()
            now, (_, last) = time.monotonic(), self.sink.progress()
            if now > started + _SETTLE_S:
                raise Broken(f"still sends after {_SETTLE_S:g} s")
            is_quiet = now > max(started + least_s, last) + quiet_s
            if is_quiet and self._cpu_s(now - quiet_s) < _IDLE_CPU * quiet_s:
                return

    def _cpu_s(self, since: float) -> float:
        uses = [use.cpu_s for use in self.process.uses if use.at >= since]
        return uses[-1] - uses[0] if uses else 0.0

    def counted_errors(self) -> float:
        """What its metrics say, without the warm-up."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.job.admin}/metrics", timeout=30) as page:
            lines = page.read().decode().splitlines()
        series = [line for line in lines if line.startswith("errorplane_service_errors_total")]
        return sum(float(line.rpartition(" ")[2]) for line in series) - self.more_errors

    def arrived(self, offer: Offer) -> Delivered:
        """What has come of an offer."""
        arrived: Sequence[Arrived] = self.sink.take(offer.private if self.contender.redacts else ())
        return Delivered(offer, arrived)

    def close(self) -> None:
        """Kill it."""
        self._closed.close()


@contextlib.contextmanager
def running(contender: Contender, plan: Plan, keep: float) -> Iterator[Run]:
    """A contender until the block ends, watched; it has taken 1,000 spans before, which are decided meanwhile."""
    with contextlib.ExitStack() as stack:
        sink = Sink()
        stack.callback(sink.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=plan.folder)))
        job = Job(folder, free_port(), free_port(), sink.port, plan.wait_s, keep)
        run = Run(contender, job, sink, stack.enter_context((folder / "log").open("ab")))
        stack.callback(run.close)
        run.start()
        warm_up = Offer(plan.warm_up, 1, random.getrandbits(64))
        at_full_speed(run.line, warm_up.bodies, plan.senders)
        run.more_errors = len(warm_up.errors)
        stack.enter_context(run.process.watched())
        yield run


def full_speed(contender: Contender, plan: Plan, keep: float) -> Figures:
    """As fast as it takes it; waits until all is decided and sent. CPU counts until then."""
    offer = Offer(plan.recording, plan.spans, random.getrandbits(64))
    with running(contender, plan, keep) as run:
        generator = time.process_time()
        sent = at_full_speed(run.line, offer.bodies, plan.senders)
        generator = time.process_time() - generator
        last = max(one.acknowledged or 0.0 for one in sent)
        if contender.sends:
            run.settle(plan.wait_s, plan.quiet_s)
        else:
            time.sleep(1.0)  # until it has been looked at once more
        uses = run.process.uses
        end = max(run.sink.progress()[1], last) + 0.5
        used = next((use for use in uses if use.at >= end), uses[-1]).cpu_s - uses[0].cpu_s
        figures = {
            "cpu_us": used / offer.spans * 1e6,
            "spans_per_s": offer.spans / (last - min(one.at for one in sent)),
            "peak_mb": max(use.memory for use in uses) / 1e6,
            "bytes_per_span": (max(use.memory for use in uses) - uses[0].memory)
            / _most_buffered(offer, sent, plan.wait_s),
            "generator_us": generator / offer.spans * 1e6,
        }
        if contender.sends:
            figures |= _delivered(run, offer, sent)
    return figures


def _delivered(run: Run, offer: Offer, sent: Sequence[Sent]) -> Figures:
    come = run.arrived(offer)
    delays = come.delays_s(sent)
    if not delays:
        raise Broken("has sent no whole trace")
    figures = {
        "p50_s": delays[len(delays) // 2],
        "p99_s": delays[len(delays) * 99 // 100],
        "healthy": offer.traces - len(offer.errors),
        "healthy_kept": come.healthy_share(),
        "error_recall": come.recall(),
        "cut_traces": come.cut_traces(),
        "duplicates": come.duplicates,
        "raw": come.raw,
    }
    if run.contender.counts:
        figures |= {"errors": len(offer.errors), "counted_errors": run.counted_errors()}
    return figures


def killed(contender: Contender, plan: Plan) -> Figures:
    """``kill -9`` of all its processes while spans come in, restart; everything is to be kept."""
    offer = Offer(plan.recording, 1, random.getrandbits(64))
    stop = threading.Event()
    with running(contender, plan, keep=1.0) as run:
        seen: list[int] = []

        def kill_at_half(number: int) -> None:
            seen.append(number)
            if len(seen) == len(offer.bodies) // 2:
                stop.set()
                run.process.kill()

        sent = at_full_speed(run.line, offer.bodies, plan.senders, stop, kill_at_half)
        restarted = time.monotonic()
        run.start()
        ready_s = time.monotonic() - restarted
        with run.process.watched():
            run.settle(plan.wait_s + 2.0, plan.quiet_s)
        acknowledged = offer.keys(number for number, one in enumerate(sent) if one.acknowledged is not None)
        come = run.arrived(offer)
    return {
        "acknowledged": len(acknowledged),
        "lost": come.lost(acknowledged),
        "duplicates": come.duplicates,
        "ready_s": ready_s,
    }


def overloaded(contender: Contender, plan: Plan, spans_per_s: float, exporter: Exporter) -> Figures:
    """Three times as much as it takes at full speed, for some seconds; 1 % of healthy traces kept."""
    rate = OVERLOAD * spans_per_s
    offer = Offer(plan.recording, rate * plan.overload_s, random.getrandbits(64))
    interval_s = offer.spans / len(offer.bodies) / rate
    with running(contender, plan, keep=0.01) as run:
        load = Overload(run.line, offer.bodies, interval_s, exporter, random.getrandbits(64))
        started = time.monotonic()
        sent = load.run()
        took = max([one.acknowledged for one in sent if one.acknowledged is not None], default=started) - started
        run.settle(plan.wait_s, plan.quiet_s)
        taken = offer.keys(number for number, one in enumerate(sent) if one.acknowledged is not None)
        come = run.arrived(offer)
        figures = {
            "offered": offer.spans,
            "offered_s": interval_s * len(offer.bodies),
            "errors": come.errors_taken(taken),
            "taken": len(taken) / offer.spans,
            "taken_per_s": len(taken) / took if took else 0.0,
            "error_recall": come.recall(),
            "error_recall_of_taken": come.recall(taken),
            "fault_recall": come.fault_recall(),
            "duplicates": come.duplicates,
            "lag_s": load.lag_s,
            "peak_mb": max(use.memory for use in run.process.uses) / 1e6,
        }
        if contender.counts:
            figures["counted_errors"] = run.counted_errors()
    return figures


def _most_buffered(offer: Offer, sent: Sequence[Sent], wait_s: float) -> float:
    """Spans acknowledged within any one decision wait: so many are undecided at once, at most."""
    times = sorted(one.acknowledged for one in sent if one.acknowledged is not None)
    most = first = 0
    for last, at in enumerate(times):
        while times[first] < at - wait_s:
            first += 1
        most = max(most, last - first + 1)
    return most * offer.spans / len(offer.bodies)


def straight(plan: Plan) -> Figures:
    """The load generator straight to the sink: how fast the two are without a contender between them."""
    offer = Offer(plan.recording, plan.spans, random.getrandbits(64))
    sink = Sink()
    try:
        line = Line(sink.port, lambda: None)
        line.wait()
        sent = at_full_speed(line, offer.bodies, plan.senders)
        line.close()
    finally:
        sink.close()
    took = max(one.acknowledged or 0.0 for one in sent) - min(one.at for one in sent)
    return {"spans_per_s": offer.spans / took}
