"""``make bench``: errorplane beside the real Collector, one after the other in one run, on the same traffic.

Prints tables and goals; ``--page docs/benchmarks.md`` also writes the page, its figures and its plot, from longer runs.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import grpc
from tests.bench.conditions import Usage, machine
from tests.bench.contenders import COLLECTOR, CONTENDERS, FLOOR, Contender
from tests.bench.load import EXPORTERS, Exporter
from tests.bench.page import page, tables, trial
from tests.bench.phases import Figures, Plan, full_speed, killed, overloaded, straight
from tests.bench.plot import plot
from tests.bench.process import Broken
from tests.bench.results import FULL_SPEED, KEEPS, KILLED, OVERLOADED, STRAIGHT, Case, Results, Run


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. ``recorded`` spans are replayed until there are ``spans``."""

    spans: int
    recorded: int
    wait_s: float
    rounds: int
    overload_rounds: int
    overload_s: float


QUICK = Size(30_000, 10_000, 3.0, 1, 1, 2.0)
USUAL = Size(100_000, 25_000, 4.0, 3, 1, 4.0)
PAGE = Size(300_000, 50_000, 10.0, 3, 3, 4.0)
_CASES = len(CONTENDERS) * (len(KEEPS) + 1) + 2


class Bench:
    """Measures every case in turn, and says on the standard error where it is."""

    def __init__(self, plan: Plan, size: Size, conditions: dict[str, object]) -> None:
        self._plan, self._size = plan, size
        self.results = Results(conditions)
        self._steps = size.rounds * _CASES + size.overload_rounds * len(CONTENDERS) * len(EXPORTERS)
        self._started = time.monotonic()

    def run(self) -> Results:
        """All rounds; a contender that breaks is noted, and the others go on."""
        for number in range(1, self._size.rounds + 1):
            for case, measure in self._cases(number):
                self._say(number, case)
                self.results.runs.append(_run(case, number, measure))
        return self.results

    def _cases(self, number: int) -> Iterator[tuple[Case, Callable[[], Figures]]]:
        plan = self._plan
        yield Case(STRAIGHT, "sink"), partial(straight, plan)
        yield Case(FULL_SPEED, FLOOR.name), partial(full_speed, FLOOR, plan, 1.0)
        for keep in KEEPS:
            for who in CONTENDERS:
                yield Case(FULL_SPEED, who.name, keep), partial(full_speed, who, plan, keep)
        for who in CONTENDERS:
            yield Case(KILLED, who.name), partial(killed, who, plan)
        for exporter in EXPORTERS if number <= self._size.overload_rounds else ():
            for who in CONTENDERS:
                yield Case(OVERLOADED, who.name, exporter=exporter.name), partial(self._overload, who, exporter)

    def _overload(self, who: Contender, exporter: Exporter) -> Figures:
        """At three times the median of its speed so far; raises Broken."""
        speed = self.results.spread(Case(FULL_SPEED, who.name, KEEPS[0]), "spans_per_s")
        if speed is None:
            raise Broken("has never run at full speed, so there is no three times as much")
        return overloaded(who, self._plan, speed.median, exporter)

    def _say(self, number: int, case: Case) -> None:
        minutes = (time.monotonic() - self._started) / 60
        step = f"[{len(self.results.runs) + 1}/{self._steps}, {minutes:.1f} min]"
        print(step, f"round {number}:", case.text(), file=sys.stderr, flush=True)


def _run(case: Case, number: int, measure: Callable[[], Figures]) -> Run[Case]:
    try:
        return Run(case, number, measure())
    except (Broken, OSError, grpc.RpcError) as error:
        why = f"refused a request for good: {error.code().name}" if isinstance(error, grpc.RpcError) else str(error)
        print(f"bench: {case.text()}: {why}", file=sys.stderr, flush=True)
        return Run(case, number, broken=why)


def measured(size: Size, senders: int) -> Results:
    """All figures, with their conditions."""
    before = Usage.now()
    print(f"recording {size.recorded:,} spans ...", file=sys.stderr, flush=True)
    plan = Plan.make(size.spans, size.recorded, size.wait_s, senders, size.overload_s)
    conditions = {
        "date": datetime.date.today().isoformat(),
        **machine(plan.folder),
        "spans": size.spans,
        "rounds": size.rounds,
        "overload_rounds": min(size.rounds, size.overload_rounds),
        "wait_s": size.wait_s,
        "overload_s": size.overload_s,
        "senders": senders,
        "traffic": plan.recording.facts(),
    }
    results = Bench(plan, size, conditions).run()
    after = Usage.now()
    results.conditions |= {"minutes": (after.at - before.at) / 60, "others_share": after.others_share(before)}
    return results


def write(results: Results, path: Path) -> None:
    """The page, and beside it its figures and its plot."""
    results.write(path.with_suffix(".json"))
    render(path)


def render(path: Path) -> None:
    """The page and the plot anew out of the figures beside it."""
    results = Results.read(path.with_suffix(".json"))
    path.with_suffix(".svg").write_text(plot(results))
    path.write_text(page(results, path.with_suffix(".svg").name))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of small runs: some minutes")
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="longer runs, and write FILE (.md), FILE.json, FILE.svg"
    )
    parser.add_argument("--render", type=Path, metavar="FILE", help="measure nothing, write FILE anew from its .json")
    parser.add_argument("--spans", type=int, help="spans in each run at full speed")
    parser.add_argument("--rounds", type=int, help="rounds of everything")
    parser.add_argument("--wait", type=float, help="decision wait in seconds")
    parser.add_argument("--overload-rounds", type=int, help="rounds of overload, at most those of everything")
    parser.add_argument("--overload-seconds", type=float, help="how long three times as much is offered")
    parser.add_argument("--senders", type=int, default=16, help="requests under way at full speed (default: 16)")
    return parser.parse_args()


def _size(args: argparse.Namespace) -> Size:
    base = QUICK if args.quick else USUAL if args.page is None else PAGE
    return Size(
        args.spans or base.spans,
        base.recorded,
        args.wait or base.wait_s,
        args.rounds or base.rounds,
        args.overload_rounds or base.overload_rounds,
        args.overload_seconds or base.overload_s,
    )


def main() -> int:
    """Measure, print, and write what was asked for."""
    args = _arguments()
    if args.render is not None:
        render(args.render)
        return 0
    if not COLLECTOR.exists():
        raise SystemExit("bench: .tools/otelcol is missing: run `make collector`")
    results = measured(_size(args), args.senders)
    print(tables(results))
    for reason in trial(results):
        print(f"bench: say little about what is possible: {reason}", file=sys.stderr)
    if args.page is not None:
        write(results, args.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
