"""Budgets of ``sampling``: samples of each error for a rule, bytes a day for a destination."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from errorplane.policy._measures import Duration, Size
from errorplane.policy._scalars import Number
from errorplane.policy._section import FilePath, Name, Section


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


class DailyBytes(Section):
    """Bytes a day for destinations: so much less of the healthy data is kept that each budget lasts until midnight UTC."""

    destinations: Mapping[Name, Annotated[int, Size("1MiB", "1048576TiB")]] = Field(
        default_factory=dict,
        description="Budgets by destination. Errors come out of them first, and are kept even beyond.",
        examples=[{"files": "50GiB"}],
    )
    least: Annotated[float, Number(0, 1, positive=True)] = Field(
        default=0.001,
        description="Share of the healthy data that is kept even where a budget is used up.",
        examples=[0.001],
    )
    shared: FilePath | None = Field(
        default=None,
        description="File that processors share which send to the same destinations; null: this one is alone, and "
        "the file is in journal.path.",
        examples=["/mnt/shared/errorplane-days.json"],
    )
