"""Section ``metrics``: what is counted exactly before sampling, and how many series that may take."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from errorplane.policy._lists import Many
from errorplane.policy._measures import Duration, Size
from errorplane.policy._scalars import Choice, Number, fail
from errorplane.policy._section import Section, YesNo, section

Histogram = Annotated[Literal["exponential", "explicit"], Choice()]
_Bound = Annotated[float, Duration("1us", "30d")]
# OpenTelemetry semantic conventions, http.server.request.duration: the buckets advised for it, in seconds.
_ADVISED = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class LabelBudget(Section):
    """How many values of one label have series of their own."""

    values: Annotated[int, Number(1, 100_000, whole=True)] = Field(
        default=200,
        description="Different values; others are counted together in overflow series.",
        examples=[200],
    )
    bytes: Annotated[int, Size("64B", "64MiB")] = Field(
        default=64 << 10, description="Bytes of these values together.", examples=["64KiB"]
    )


class MetricLabels(Section):
    """The budget of each label whose values come from applications."""

    service: LabelBudget = section("Of service.name.", [{"values": 200}])
    deployment: LabelBudget = section("Of deployment.environment.name.", [{"values": 20}])
    operation: LabelBudget = section("Of errorplane.operation.", [{"values": 500, "bytes": "64KiB"}])
    error_type: LabelBudget = section("Of error.type.", [{"values": 200}])
    fingerprint: LabelBudget = section(
        "Of errorplane.error.fingerprint; the most frequent ones of late have series.", [{"values": 100}]
    )


class Metrics(Section):
    """Exact counts of errors, requests and durations, whatever sampling keeps."""

    enabled: YesNo = Field(default=True, description="Count at all.", examples=[False])
    histogram: Histogram = Field(
        default="exponential",
        description="Buckets of durations: exponential, each 9 % wider than the one before, or explicit.",
        examples=["explicit"],
    )
    buckets: Annotated[tuple[_Bound, ...], Many(filled=True)] = Field(
        default=_ADVISED,
        description="With explicit: upper bounds of the buckets, rising. By default those that the semantic conventions "
        "advise for requests.",
        examples=[["10ms", "100ms", "1s"]],
    )
    max_series: Annotated[int, Number(10, 100_000, whole=True)] = Field(
        default=2000, description="Series of each metric, the overflow series included.", examples=[2000]
    )
    labels: MetricLabels = section(
        "Budgets of labels, so that no value from outside can fill the memory.", [{"operation": {"values": 100}}]
    )
    exemplars: YesNo = Field(
        default=True, description="Point from the series at traces that were kept.", examples=[False]
    )

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if any(low >= high for low, high in zip(self.buckets, self.buckets[1:], strict=False)):
            fail("order", "buckets must rise from one to the next")
        return self
