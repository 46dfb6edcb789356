"""``when`` of a sampling rule: what the Collector's tail_sampling decides on, and what is known about errors.

No section holds itself: alternatives hold exclusions, exclusions hold plain conditions. That is enough for every
combination (a disjunction of conjunctions), and reads from the top to the bottom.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from errorplane.policy._lists import Many
from errorplane.policy._measures import Duration
from errorplane.policy._redaction import Pattern
from errorplane.policy._scalars import Choice, Number, Text, fail
from errorplane.policy._section import Plain, Section, YesNo
from errorplane.policy._services import Tier
from errorplane.policy._when import When

SpanStatus = Annotated[Literal["unset", "ok", "error"], Choice()]
# W3C Trace Context level 2, section 3.3.1.3.1: key of a list-member.
_TraceStateKey = Annotated[
    str, Text("a key of tracestate: small letters, digits, _ - * / and @", r"[a-z0-9][a-z0-9_\-*/@]{0,255}", "key")
]
_Fingerprint = Annotated[
    str, Text("a fingerprint such as v1:0123456789abcdef", r"v[0-9]{1,4}:[!-~]{1,76}", "fingerprint")
]
_AttributeKey = Annotated[str, Text("a key of at most 256 characters", r"[^\n]{1,256}", "key")]
_Amount = Annotated[float, Number(-1e15, 1e15)]
_Count = Annotated[int, Number(1, 1_000_000_000, whole=True)]


class AttributeTest(Section):
    """What the value of an attribute has to be. Without a test, the attribute has to be there."""

    values: Annotated[tuple[Plain, ...], Many(single=True)] | None = Field(
        default=None, description="A text that is one of these.", examples=["acme", ["acme", "initech"]]
    )
    regex: Annotated[tuple[Pattern, ...], Many(single=True)] | None = Field(
        default=None,
        description="A text in which one of these RE2 expressions finds something; anchor with ^ and $.",
        examples=["^/checkout/"],
    )
    min: _Amount | None = Field(default=None, description="A number of at least this.", examples=[500])
    max: _Amount | None = Field(default=None, description="A number of at most this.", examples=[599])
    is_: YesNo | None = Field(default=None, alias="is", description="A boolean that is this.", examples=[True])

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = (self.values, self.regex, self.is_, self.min if self.max is None else self.max)
        if sum(kind is not None for kind in kinds) > 1:
            fail("one_of", "must have one kind of test: values, regex, is, or min and max")
        if self.min is not None and self.max is not None and self.min > self.max:
            fail("value", "never matches: min is above max")
        return self


class SpanCount(Section):
    """How many spans a trace has."""

    min: _Count = Field(default=1, description="At least so many.", examples=[100])
    max: _Count | None = Field(default=None, description="At most so many.", examples=[500])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.max is not None and self.min > self.max:
            fail("value", "never matches: min is above max")
        return self


class SamplingConditions(When):
    """Plain conditions of a sampling rule: those of every rule, and these."""

    duration_under: Annotated[float, Duration("1us", "30d")] | None = Field(
        default=None, description="The trace took less than this.", examples=["1s"]
    )
    spans: SpanCount | None = Field(
        default=None, description="The trace has so many spans; a log record has none.", examples=[{"min": 100}]
    )
    attributes: Mapping[_AttributeKey, AttributeTest] | None = Field(
        default=None,
        description="By key: an attribute of a span or log record in it, or of its resource, passes the test. All that "
        "are given must be found, though not on one span. Values are seen as redaction left them.",
        examples=[{"http.response.status_code": {"min": 500}, "tenant": {"values": ["acme"]}}],
    )
    span_status: Annotated[tuple[SpanStatus, ...], Many(single=True)] | None = Field(
        default=None,
        description="A span has this status code, or one of these, whereas status is about the trace as a whole.",
        examples=["unset"],
    )
    trace_state: Mapping[_TraceStateKey, Annotated[tuple[Plain, ...], Many(single=True)]] | None = Field(
        default=None,
        description="By key: a span's tracestate has this value, or one of these.",
        examples=[{"vendor": ["gold", "silver"]}],
    )
    sampled_flag: YesNo | None = Field(
        default=None, description="Whether a span carries the sampled flag of W3C trace context.", examples=[True]
    )
    fingerprint: Annotated[tuple[_Fingerprint, ...], Many(single=True)] | None = Field(
        default=None,
        description="It holds an error with this fingerprint, or with one of these.",
        examples=["v1:0123456789abcdef"],
    )
    tier: Annotated[tuple[Tier, ...], Many(single=True)] | None = Field(
        default=None, description="It touches a service of this tier, or of one of these.", examples=[1, [1, 2]]
    )
    new_deployment: Annotated[float, Duration("1s", "7d")] | None = Field(
        default=None,
        description="It touches a service whose version was first seen less than this ago, after another one.",
        examples=["30m"],
    )

    def covers(self, other: When) -> bool:
        """Whether everything that ``other`` matches is matched by this, as far as the conditions alone tell."""
        own = (name for name in type(self).model_fields if name not in When.model_fields)
        return super().covers(other) and all(
            getattr(self, name) is None or getattr(self, name) == getattr(other, name, None) for name in own
        )

    def parts(self) -> Iterator[SamplingConditions]:
        """This and all conditions within it."""
        yield self


class SamplingAlternative(SamplingConditions):
    """Conditions, and what must not hold."""

    not_: SamplingConditions | None = Field(
        default=None,
        alias="not",
        description="Must not hold: conditions as above; it is enough that one of them does not.",
        examples=[{"service": "healthcheck"}],
    )

    def parts(self) -> Iterator[SamplingConditions]:
        """This and all conditions within it."""
        yield self
        if self.not_ is not None:
            yield self.not_


class SamplingWhen(SamplingAlternative):
    """Conditions of a sampling rule. All that are given must hold; of a list, one element must. Without any, always."""

    any_of: Annotated[tuple[SamplingAlternative, ...], Many(filled=True)] | None = Field(
        default=None,
        description="Of these alternatives, each with conditions as above, one must hold.",
        examples=[[{"duration_over": "2s"}, {"tier": 1, "span_status": "error"}]],
    )

    def parts(self) -> Iterator[SamplingConditions]:
        """This and all conditions within it."""
        yield from super().parts()
        for alternative in self.any_of or ():
            yield from alternative.parts()
