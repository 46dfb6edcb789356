"""What errorplane costs an application: beside the stock SDK, ``opentelemetry-instrument`` and sentry-sdk, in one run.

Prints tables and goals; ``--page docs/benchmarks-instrumentation.md`` also writes the page and its figures, from longer
runs (a quarter of an hour, on a machine that does nothing else).
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from tests.bench.conditions import Usage, machine
from tests.bench.instrumentation.calls import calls, imports
from tests.bench.instrumentation.contenders import CALLED, SAMPLED
from tests.bench.instrumentation.page import page, tables, trial
from tests.bench.instrumentation.results import CALL, IMPORT, Case, Results
from tests.bench.instrumentation.served import Size as Served
from tests.bench.instrumentation.served import served
from tests.bench.results import Run

_PACKAGES = (
    "opentelemetry-sdk",
    "opentelemetry-instrumentation",
    "sentry-sdk",
    "fastapi",
    "uvicorn",
    "flask",
    "gunicorn",
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured; ``batch`` is the share of the usual number of calls in a batch."""

    call_rounds: int
    batch: float
    import_rounds: int
    served: Served


QUICK = Size(3, 0.25, 1, Served(40.0, 0.5, 1, 0.3, 1))
USUAL = Size(9, 1.0, 5, Served(100.0, 2.0, 3, 1.0, 2))
PAGE = Size(21, 1.0, 11, Served(150.0, 4.0, 7, 1.5, 3))


def measured(size: Size) -> Results:
    """All figures, with their conditions."""
    before, started = Usage.now(), time.monotonic()
    conditions = {
        "date": datetime.date.today().isoformat(),
        **machine(Path.cwd()),
        "versions": {name: version(name) for name in _PACKAGES},
        "call_rounds": size.call_rounds,
        "import_rounds": size.import_rounds,
        **asdict(size.served),
    }

    def say(what: str) -> None:
        print(f"[{(time.monotonic() - started) / 60:.1f} min] {what}", file=sys.stderr, flush=True)

    results = Results(conditions, [])
    for run in _runs(size, say):
        if run.broken:
            print(f"bench: {run.case.text()}: {run.broken}", file=sys.stderr, flush=True)
        results.runs.append(run)
    after = Usage.now()
    results.conditions |= {"minutes": (after.at - before.at) / 60, "others_share": after.others_share(before)}
    return results


def _runs(size: Size, say: Callable[[str], None]) -> Iterator[Run[Case]]:
    say(f"{CALL}s, {size.call_rounds} rounds")
    yield from calls((*CALLED, *SAMPLED), size.call_rounds, share=size.batch)
    say(f"{IMPORT}s, {size.import_rounds} rounds")
    yield from imports(size.import_rounds)
    yield from served(size.served, say)


def render(path: Path) -> None:
    """The page anew out of the figures beside it."""
    path.write_text(page(Results.read(path.with_suffix(".json"))))


def main() -> int:
    """Measure, print, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few and small rounds: a minute")
    parser.add_argument("--page", type=Path, metavar="FILE", help="longer runs, and write FILE (.md) and FILE.json")
    parser.add_argument("--render", type=Path, metavar="FILE", help="measure nothing, write FILE anew from its .json")
    args = parser.parse_args()
    if args.render is not None:
        render(args.render)
        return 0
    results = measured(QUICK if args.quick else USUAL if args.page is None else PAGE)
    print(tables(results))
    for reason in trial(results):
        print(f"bench: say little about what is possible: {reason}", file=sys.stderr)
    if args.page is not None:
        results.write(args.page.with_suffix(".json"))
        render(args.page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
