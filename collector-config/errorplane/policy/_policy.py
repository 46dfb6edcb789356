"""The whole policy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr

from errorplane.policy._delivery import Destination, Errors, Retention, Telemetry
from errorplane.policy._keys import Keys, KeySource
from errorplane.policy._metrics import Metrics
from errorplane.policy._receiving import Journal, Listen
from errorplane.policy._redaction import Redaction
from errorplane.policy._sampling import Sampling
from errorplane.policy._scalars import Choice
from errorplane.policy._section import Name, Plain, Section, section
from errorplane.policy._services import Service, SeverityPolicy, Tier

Version = Annotated[Literal[1], Choice()]


class Policy(Section):
    """``errorplane.yaml``, read and checked.

    Built by ``load``. Built by hand (tests), each section is checked by itself, references between sections are
    not, and relative paths stay relative to the working directory.
    """

    version: Version = Field(description="Version of this format.", examples=[1])
    listen: Listen = section("Where telemetry comes in.", [{"grpc": "127.0.0.1:4317", "http": None}])
    journal: Journal = section(
        "Where telemetry waits, encrypted, for its verdict and its destinations.", [{"path": "/var/lib/errorplane"}]
    )
    keys: Keys = section(
        "Keys of what is written to disk, and of tokens.", [{"journal": {"env": "ERRORPLANE_JOURNAL_KEY"}}]
    )
    redaction: Redaction = section(
        "What is hidden before anything is written or sent.", [{"allow": ["support@example.com"]}]
    )
    services: Mapping[Plain, Service] = Field(
        default_factory=dict,
        description="Services by the name in service.name.",
        examples=[{"checkout": {"team": "payments", "tier": 1, "depends_on": ["ledger"]}}],
    )
    default_tier: Tier = Field(default=3, description="Tier of services that name none.", examples=[3])
    severity: SeverityPolicy = section(
        "How bad an error is.", [{"default": "P3", "rules": [{"when": {"kind": "timeout"}, "severity": "P2"}]}]
    )
    sampling: Sampling = section(
        "Which traces and log records are kept.",
        [{"rules": [{"name": "errors", "when": {"status": "error"}}, {"name": "rest", "keep": 0.01}]}],
    )
    destinations: Mapping[Name, Destination] = section(
        "Where goes what is kept, by name.",
        [{"traces": {"otlp": {"endpoint": "https://gateway:4317"}}}],
        {"files": {"file": {"path": "./out/"}}},
    )
    retention: Retention = section(
        "How long something is kept, and in which destinations.", [{"classes": {"standard": {"days": 30}}}]
    )
    errors: Errors = section("How errors are reported.", [{"facts": {"destinations": ["files"]}}])
    metrics: Metrics = section(
        "What is counted exactly, before sampling.", [{"labels": {"operation": {"values": 100}}}]
    )
    telemetry: Telemetry = section("What the processor says about itself.", [{"metrics_interval": None}])

    _folder: Path | None = PrivateAttr(None)

    def model_post_init(self, context: Any, /) -> None:
        self._folder = context["folder"] if context else None

    @property
    def revision(self) -> str:
        """12 hex digits that name the effective policy: the same whatever the order of keys, the comments, the
        folder that holds it and the values of its secrets.
        """
        effective = _relative(self.model_dump(mode="json"), self._folder)
        return hashlib.sha256(json.dumps(effective, sort_keys=True).encode()).hexdigest()[:12]

    def key_source(self, purpose: str) -> KeySource:
        """Where the key for ``journal``, ``segments`` or ``tokens`` comes from, the default filled in."""
        sources = {"journal": self.keys.journal, "segments": self.keys.segments, "tokens": self.keys.tokens}
        return sources[purpose] or KeySource(file=self.journal.path / f"{purpose}.key")

    def destinations_of(self, retention_class: str) -> tuple[str, ...]:
        """Names of the destinations of a class, in the order of the policy."""
        named = self.retention.classes[retention_class].destinations
        return tuple(name for name in self.destinations if named is None or name in named)

    def tier_of(self, service: str) -> int:
        """Tier of a service, described or not."""
        found = self.services.get(service)
        return self.default_tier if found is None or found.tier is None else found.tier


def _relative(value: Any, folder: Path | None) -> Any:
    """``value`` with every path below ``folder`` written relative to it."""
    if isinstance(value, dict):
        return {key: _relative(one, folder) for key, one in value.items()}
    if isinstance(value, list):
        return [_relative(one, folder) for one in value]
    above = f"{folder}/".replace("//", "/")
    if isinstance(value, str) and folder is not None and value.startswith(above):
        return "./" + value.removeprefix(above)
    return value
