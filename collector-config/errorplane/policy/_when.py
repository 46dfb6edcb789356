"""``when``: the conditions of a rule. Plain data; the pipeline compiles them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from errorplane.policy._lists import Many
from errorplane.policy._measures import Duration
from errorplane.policy._scalars import Choice
from errorplane.policy._section import Plain, Section
from errorplane.policy._vocabulary import Category, DataClass, Kind, Severity

Status = Annotated[Literal["error", "ok"], Choice()]
SignalWord = Annotated[Literal["trace", "log"], Choice()]


class When(Section):
    """Conditions of a rule. All that are given must hold; of a list, one element must. Without any, always."""

    status: Status | None = Field(
        default=None, description="error: something in it failed; ok: nothing did.", examples=["error"]
    )
    duration_over: Annotated[float, Duration("0s", "30d")] | None = Field(
        default=None, description="The trace took longer than this.", examples=["5s"]
    )
    service: Annotated[tuple[Plain, ...], Many(single=True)] | None = Field(
        default=None,
        description="It touches this service, or one of these.",
        examples=["checkout", ["checkout", "ledger"]],
    )
    signal: SignalWord | None = Field(default=None, description="Only traces, or only log records.", examples=["log"])
    kind: Annotated[tuple[Kind, ...], Many(single=True)] | None = Field(
        default=None, description="It holds an error of this kind, or of one of these.", examples=["timeout"]
    )
    category: Annotated[tuple[Category, ...], Many(single=True)] | None = Field(
        default=None, description="It holds an error of this category, or of one of these.", examples=["persistent"]
    )
    severity: Annotated[tuple[Severity, ...], Many(single=True)] | None = Field(
        default=None, description="It holds an error of this severity, or of one of these.", examples=[["P1", "P2"]]
    )
    data_class: Annotated[tuple[DataClass, ...], Many(single=True)] | None = Field(
        default=None,
        description="Something of this class, or of one of these, was hidden in it. Not in severity rules.",
        examples=["payment", ["payment", "secret"]],
    )

    @property
    def unconditional(self) -> bool:
        """Whether everything matches."""
        return not self.model_dump(exclude_none=True)

    def covers(self, other: When) -> bool:
        """Whether everything that ``other`` matches is matched by this, as far as the conditions alone tell."""
        if self.status not in (None, other.status) or self.signal not in (None, other.signal):
            return False
        limit = other.duration_over
        if self.duration_over is not None and (limit is None or limit < self.duration_over):
            return False
        pairs = (
            (self.service, other.service),
            (self.kind, other.kind),
            (self.category, other.category),
            (self.severity, other.severity),
            (self.data_class, other.data_class),
        )
        return all(mine is None or (theirs is not None and set(theirs) <= set(mine)) for mine, theirs in pairs)
