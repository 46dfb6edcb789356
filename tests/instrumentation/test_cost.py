"""The hooks are cheap: measured by the benchmark itself, with limits far from what it shows."""

from __future__ import annotations

import statistics

from tests.bench.instrumentation.calls import calls
from tests.bench.instrumentation.cases import FIRST, SPAN, THREE
from tests.bench.instrumentation.contenders import OURS, STOCK
from tests.bench.instrumentation.results import CALL, Case, Results

LIMITS = {SPAN: 0.5, "log line": 0.75, FIRST.format(10): 0.5, THREE: -0.2, "logged exception": 0.5}
"""How much more than the stock SDK, as a share of its cost."""


ATTEMPTS = 3


def test_the_hooks_cost_a_fraction_of_the_sdk() -> None:
    """Recording an exception is dear because of its stack trace, which the hooks format no second time.

    On a busy machine a measurement may be off: one of three has to be within the limits.
    """
    beyond = [_beyond_limits()]
    while beyond[-1] and len(beyond) < ATTEMPTS:
        beyond.append(_beyond_limits())
    assert {} in beyond, beyond


def _beyond_limits() -> dict[str, float]:
    results = Results({}, list(calls((STOCK, OURS), rounds=5, cases=tuple(LIMITS))))
    ours, stock = Case(CALL, OURS.name), Case(CALL, STOCK.name)
    found = {name: statistics.median(results.ratios(ours, stock, name)) - 1 for name in LIMITS}
    return {name: share for name, share in found.items() if share > LIMITS[name]}
