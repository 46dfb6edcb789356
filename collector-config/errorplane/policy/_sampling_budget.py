"""``budget`` of a sampling rule: samples of each error, and an exact count of the rest."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from errorplane.policy._measures import Duration
from errorplane.policy._scalars import Number
from errorplane.policy._section import Section


class SamplingBudget(Section):
    """Samples of each error, by fingerprint: the first ever, then some a window; the rest is counted exactly."""

    samples: Annotated[int, Number(1, 1_000_000, whole=True)] = Field(
        default=10, description="Traces kept a window for one fingerprint, at most.", examples=[10]
    )
    window: Annotated[float, Duration("1s", "30d")] = Field(
        default=3600.0, description="How long samples last, from a fingerprint's first one on.", examples=["1h"]
    )
    decay: Annotated[float, Number(0, 1)] = Field(
        default=0.5,
        description="What a window that was not enough leaves for the next one, as a share of its samples: never "
        "less than one. Each window that was enough undoes it once. 1: every window has the same.",
        examples=[0.5],
    )
    max_fingerprints: Annotated[int, Number(4, 1_000_000, whole=True)] = Field(
        default=10_000,
        description="Fingerprints told apart by this rule. A quarter of the places is for new ones, and as many first "
        "samples are kept a window: more new ones than that wait, those that recur for the shortest time.",
        examples=[10_000],
    )
