"""Section ``sampling``: which traces and log records are kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from errorplane.policy._lists import Many
from errorplane.policy._measures import Duration
from errorplane.policy._scalars import Number
from errorplane.policy._section import Name, Section, section
from errorplane.policy._when import When


class SamplingRule(Section):
    """One rule of ``sampling.rules``; the first that matches decides."""

    name: Name = Field(description="Name of the rule: the reason of its verdicts.", examples=["errors"])
    when: When = section("Conditions; without any, always.", [{"status": "error"}])
    keep: Annotated[float, Number(0, 1)] = Field(
        default=1.0, description="Share that is kept, 0 to 1.", examples=[0.01]
    )
    traces_per_second: Annotated[float, Number(0, 1_000_000, positive=True)] | None = Field(
        default=None, description="At most so many a second are kept by this rule.", examples=[50]
    )


_DEFAULT_RULES = (
    {"name": "errors", "when": {"status": "error"}, "keep": 1.0},
    {"name": "slow", "when": {"duration_over": "5s"}, "keep": 1.0},
    {"name": "rest", "keep": 0.1},
)


class Sampling(Section):
    """Which traces are kept. Error facts are taken before, so they are exact whatever is kept."""

    decision_wait: Annotated[float, Duration("1ms", "1h")] = Field(
        default=10.0, description="How long a trace is waited for after its first span.", examples=["10s"]
    )
    max_traces: Annotated[int, Number(1, 100_000_000, whole=True)] = Field(
        default=200_000,
        description="Undecided traces held at once; at the bound the oldest is decided early.",
        examples=[200_000],
    )
    rules: Annotated[tuple[SamplingRule, ...], Many()] = section(
        "Rules; the first that matches decides. What none matches is dropped with the reason no_rule.",
        [[{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 0.01}]],
        _DEFAULT_RULES,
    )
