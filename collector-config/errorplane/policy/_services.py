"""Sections ``services`` and ``severity``: whose error it is, and how bad."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from errorplane.policy._lists import Many
from errorplane.policy._scalars import Number
from errorplane.policy._section import Plain, Section, section
from errorplane.policy._vocabulary import Severity
from errorplane.policy._when import When

Tier = Annotated[int, Number(1, 4, whole=True)]


class Service(Section):
    """What is known about one service; its name is the resource attribute ``service.name``."""

    team: Plain | None = Field(default=None, description="Team that owns the service.", examples=["payments"])
    tier: Tier | None = Field(
        default=None, description="Importance, 1 (highest) to 4; without it, default_tier counts.", examples=[1]
    )
    component: Plain | None = Field(
        default=None, description="Component, where the application names none.", examples=["checkout"]
    )
    zone: Plain | None = Field(
        default=None, description="Fault zone: region, cluster or data centre.", examples=["eu-west-1"]
    )
    depends_on: Annotated[tuple[Plain, ...], Many()] = Field(
        default=(), description="Names of the services that this one calls.", examples=[["ledger", "inventory"]]
    )


class SeverityRule(Section):
    """One rule of ``severity.rules``; the first that matches wins."""

    when: When = section("Conditions; without any, always.", [{"status": "error"}])
    severity: Severity = Field(description="Severity of the errors that match.", examples=["P1"])


class SeverityPolicy(Section):
    """How bad an error is."""

    default: Severity = Field(default="P3", description="Severity where no rule matches.", examples=["P3"])
    rules: Annotated[tuple[SeverityRule, ...], Many()] = Field(
        default=(),
        description="Rules; the first that matches wins.",
        examples=[[{"when": {"kind": "timeout"}, "severity": "P2"}]],
    )
