"""The hooks are cheap: measured by the benchmark itself, with limits far from what it shows."""

from __future__ import annotations

import statistics

from tests.bench.instrumentation import CASES, run

LIMITS = {
    "span": 0.5,
    "log record": 0.75,
    "exception in a span": 0.5,
    "exception in three nested spans": -0.2,
    "logged exception": 0.5,
}
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
    results = run(rounds=5)
    found = {
        name: statistics.median(ours - theirs for theirs, ours in zip(stock, attached, strict=True))
        / statistics.median(stock)
        for (name, *_), (stock, attached) in zip(CASES, results, strict=True)
    }
    return {name: share for name, share in found.items() if share > LIMITS.get(name, share)}
