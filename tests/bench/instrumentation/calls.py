"""Single calls and imports: every contender a process of its own, all taking turns, so that all see the same machine."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from tests.bench.instrumentation.cases import CALLS
from tests.bench.instrumentation.contenders import OURS, ROOT, SENTRY, STOCK, Contender
from tests.bench.instrumentation.results import CALL, IMPORT, Case
from tests.bench.instrumentation.worker import Worker
from tests.bench.results import Run

_DEADLINE_S = 60.0
_SDK = "import opentelemetry.sdk.trace, opentelemetry.sdk._logs, opentelemetry.sdk.metrics"
_INSTRUMENTED = (
    "import opentelemetry.distro, opentelemetry.sdk._configuration, "
    "opentelemetry.instrumentation.auto_instrumentation, opentelemetry.instrumentation.logging"
)
_ATTACH = "from errorplane.hooks import attach; attach(environ={})"
IMPORTS = (
    ("errorplane over the SDK", OURS, _SDK, _ATTACH),
    ("errorplane over what opentelemetry-instrument loads", OURS, f"{_SDK}; {_INSTRUMENTED}", _ATTACH),
    ("sentry-sdk", SENTRY, "pass", "import sentry_sdk; sentry_sdk.init('http://public@127.0.0.1:9/1')"),
)
_IMPORT = """\
import json, time
def now(): return time.process_time(), time.perf_counter()
start = now()
{before}
between = now()
{imported}
end = now()
print(json.dumps([[b - a for a, b in zip(x, y)] for x, y in ((start, between), (between, end))]))
"""


def calls(
    contenders: Sequence[Contender], rounds: int, cases: Sequence[str] | None = None, share: float = 1.0
) -> Iterator[Run[Case]]:
    """Microseconds of CPU of one call of each case, a run for each round and contender; ``share`` of the usual batches.

    The first contender of a round changes, and so does the direction: whoever comes first finds other caches.
    """
    chosen = [call for call in CALLS if cases is None or call.name in cases]
    with ExitStack() as stack:
        workers = {who.name: Worker(who) for who in contenders}
        for worker in workers.values():
            stack.callback(worker.close)
        for number in range(rounds + 1):
            figures: dict[str, dict[str, float]] = {name: {} for name in workers}
            order = list(workers.items())[:: -1 if number % 2 else 1]
            for call in chosen:
                for name, worker in order:
                    figures[name][call.name] = worker.measure(call.name, max(1, round(call.times * share)))
            if number:  # the first round warms up
                yield from (Run(Case(CALL, name), number, each) for name, each in figures.items())


def imports(rounds: int) -> Iterator[Run[Case]]:
    """Milliseconds, in fresh processes, of what comes before and of the import with what sets it up, by turns."""
    for number in range(rounds + 1):
        for title, _, before, imported in IMPORTS:
            took = _import_ms(before, imported)
            if number:  # the first round compiles
                yield Run(Case(IMPORT, title), number, took)


def _import_ms(before: str, imported: str) -> dict[str, float]:
    program = _IMPORT.format(before=before, imported=imported)
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command, cwd=ROOT, env=STOCK.environment(), capture_output=True, text=True, timeout=_DEADLINE_S, check=False
    )
    if done.returncode:
        raise SystemExit(f"bench: {imported!r} failed:\n{done.stderr[-2000:]}")
    (before_cpu, before_wall), (cpu, wall) = json.loads(done.stdout)
    return {
        "before_ms": before_cpu * 1000,
        "before_wall_ms": before_wall * 1000,
        "cpu_ms": cpu * 1000,
        "wall_ms": wall * 1000,
    }
