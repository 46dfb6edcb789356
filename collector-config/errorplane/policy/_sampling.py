"""Section ``sampling``: which traces and log records are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from errorplane.policy._lists import Many
from errorplane.policy._measures import Duration, Size
from errorplane.policy._sampling_budget import DailyBytes, SamplingBudget
from errorplane.policy._sampling_when import SamplingWhen
from errorplane.policy._scalars import Choice, Number, fail
from errorplane.policy._section import Name, Section, section

SamplingAction = Annotated[Literal["keep", "drop"], Choice()]
Match = Annotated[Literal["first", "all"], Choice()]
_Rate = Annotated[float, Number(0, 1_000_000_000, positive=True)]
_ONLY_WHEN_KEPT = (
    "keep",
    "traces_per_second",
    "spans_per_second",
    "bytes_per_second",
    "burst",
    "share_of",
    "share",
    "budget",
)
_LIMITS = ("traces_per_second", "spans_per_second", "bytes_per_second", "share_of")


class SamplingRule(Section):
    """One rule of ``sampling.rules``."""

    name: Name = Field(description="Name of the rule: the reason of its verdicts.", examples=["errors"])
    when: SamplingWhen = section("Conditions; without any, always.", [{"status": "error"}])
    action: SamplingAction = Field(
        default="keep",
        description="keep: what matches is kept, within the limits below. drop: what matches is dropped.",
        examples=["drop"],
    )
    keep: Annotated[float, Number(0, 1)] = Field(
        default=1.0, description="Share that is kept, 0 to 1.", examples=[0.01]
    )
    traces_per_second: Annotated[float, Number(0, 1_000_000, positive=True)] | None = Field(
        default=None, description="At most so many a second are kept by this rule.", examples=[50]
    )
    spans_per_second: _Rate | None = Field(
        default=None,
        description="At most so many spans a second are kept by this rule; a log record counts as one.",
        examples=[1000],
    )
    bytes_per_second: Annotated[int, Size("1B", "1TiB")] | None = Field(
        default=None, description="At most so many bytes of items a second are kept by this rule.", examples=["1MiB"]
    )
    burst: Annotated[int, Size("1B", "1TiB")] | None = Field(
        default=None,
        description="With bytes_per_second: bytes that may come at once; by default twice its value.",
        examples=["4MiB"],
    )
    share_of: Name | None = Field(
        default=None,
        description="Name of the one of sampling.totals from which this rule has a share.",
        examples=["healthy"],
    )
    share: Annotated[float, Number(0, 1, positive=True)] | None = Field(
        default=None,
        description="With share_of: its share, 0 to 1; by default an equal one with the others that name none.",
        examples=[0.25],
    )

    budget: SamplingBudget | None = Field(
        default=None,
        description="Of each error so many samples are kept, the rest is counted. With keep below 1 that share is kept "
        "besides. Healthy traces are not concerned.",
        examples=[{"samples": 10, "window": "1h"}],
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        written = self.model_fields_set
        if self.action == "drop" and (extra := [name for name in _ONLY_WHEN_KEPT if name in written]):
            fail("one_of", f"drops what it matches, so it cannot have {' and '.join(extra)}: take that out, or action")
        if self.budget is not None and (limits := [name for name in _LIMITS if getattr(self, name) is not None]):
            fail("one_of", f"has a budget, which is a limit of its own, so it cannot have {' and '.join(limits)}")
        if self.burst is not None and self.bytes_per_second is None:
            fail("one_of", "has burst without bytes_per_second: write both, or neither")
        if self.share is not None and self.share_of is None:
            fail("one_of", "has share without share_of: name one of sampling.totals there")
        return self


class SamplingTotal(Section):
    """A rate that several rules share."""

    spans_per_second: _Rate = Field(
        description="At most so many spans a second are kept by all its rules together.", examples=[1000]
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
    root_wait: Annotated[float, Duration("0s", "1h")] | None = Field(
        default=None,
        description="How long it is still waited for once its root span has ended, if that is sooner; null: as long as "
        "without it. SDKs send every 5 s by default, so less than 6 s decides without what other services still hold.",
        examples=["6s"],
    )
    max_spans_per_trace: Annotated[int, Number(1, 100_000_000, whole=True)] = Field(
        default=10_000,
        description="A trace that has so many spans is decided at once; of a kept one, what comes later is cut down to "
        "errors and the spans that lead to them or to spans kept before.",
        examples=[10_000],
    )
    rescue_window: Annotated[float, Duration("0s", "7d")] = Field(
        default=600.0,
        description="How long dropped traces stay in the journal, as far as it has room: an error that comes late "
        "brings its trace back whole. 0s: not at all.",
        examples=["10m"],
    )
    max_traces: Annotated[int, Number(1, 100_000_000, whole=True)] = Field(
        default=200_000,
        description="Undecided traces held at once; at the bound those that are due soonest are decided early.",
        examples=[200_000],
    )
    match: Match = Field(
        default="first",
        description="first: the first rule that matches decides. all: every rule is asked; one that drops drops, else "
        "one that keeps keeps.",
        examples=["all"],
    )
    totals: Mapping[Name, SamplingTotal] = Field(
        default_factory=dict,
        description="Rates that rules share, by name. Of rules that share one, the first that matches decides.",
        examples=[{"healthy": {"spans_per_second": 1000}}],
    )
    daily_bytes: DailyBytes = section("Budgets of bytes a day, by destination.", [{"destinations": {"files": "50GiB"}}])
    rules: Annotated[tuple[SamplingRule, ...], Many()] = section(
        "Rules, in the order in which they are asked. What none matches is dropped with the reason no_rule.",
        [[{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 0.01}]],
        _DEFAULT_RULES,
    )
