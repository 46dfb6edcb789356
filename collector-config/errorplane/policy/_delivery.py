"""Sections ``destinations``, ``retention``, ``errors`` and ``telemetry``: where what is kept goes, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from errorplane.policy._lists import Many
from errorplane.policy._locations import Output
from errorplane.policy._measures import Duration
from errorplane.policy._network import Endpoint
from errorplane.policy._scalars import Choice, Number, Text, fail
from errorplane.policy._section import FilePath, Masked, Name, OneOf, Section, YesNo, section
from errorplane.policy._when import When

Protocol = Annotated[Literal["grpc", "http"], Choice()]
Compression = Annotated[Literal["gzip", "none"], Choice()]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], Choice()]
HeaderName = Annotated[str, Text("a header name", r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}", "name")]
Names = Annotated[tuple[Name, ...], Many()]


class FileTarget(Section):
    """OTLP JSON lines on this machine."""

    path: Annotated[str, Output()] = Field(
        description="A file, or a folder of segments by retention class and day. A folder ends with a slash or exists "
        "already.",
        examples=["./out/", "./out/audit.jsonl"],
    )
    encrypt: YesNo = Field(
        default=False, description="Encrypt the segments of a folder, with the key keys.segments.", examples=[True]
    )

    @property
    def location(self) -> Path:
        """The path without its final slash."""
        return Path(self.path)

    @property
    def is_folder(self) -> bool:
        """Whether segments are written below ``location``, not one file; looks at the disk."""
        return self.path.endswith("/") or self.location.is_dir()


class ClientTls(Section):
    """TLS towards a destination whose endpoint is https://."""

    ca: FilePath | None = Field(
        default=None, description="Authority, PEM, that signed the server's certificate.", examples=["./tls/ca.pem"]
    )
    cert: FilePath | None = Field(default=None, description="Client certificate, PEM.", examples=["./tls/client.pem"])
    key: FilePath | None = Field(default=None, description="Its private key, PEM.", examples=["./tls/client.key"])
    insecure_skip_verify: YesNo = Field(
        default=False, description="Do not look at the server's certificate. For trials only.", examples=[False]
    )

    @model_validator(mode="after")
    def _pair(self) -> ClientTls:
        if (self.cert is None) != (self.key is None):
            fail("one_of", "must have cert and key together")
        return self


class OtlpTarget(Section):
    """An OTLP server: a Collector gateway or a backend."""

    endpoint: Annotated[str, Endpoint()] = Field(
        description="Base URL; https:// means TLS. For http, /v1/traces and so on are added.",
        examples=["https://gateway:4317"],
    )
    protocol: Protocol = Field(default="grpc", description="OTLP/gRPC or OTLP/HTTP with protobuf.", examples=["grpc"])
    tls: ClientTls = section("TLS of an https:// endpoint.", [{"ca": "./tls/ca.pem"}])
    headers: Mapping[HeaderName, Masked] = Field(
        default_factory=dict,
        description="Headers of every request, such as credentials.",
        examples=[{"authorization": "Bearer ${env:BACKEND_TOKEN}"}],
    )
    timeout: Annotated[float, Duration("10ms", "10m")] = Field(
        default=10.0, description="How long one request may take.", examples=["10s"]
    )
    compression: Compression = Field(default="gzip", description="Compression of requests.", examples=["gzip"])


class Destination(OneOf):
    """Where kept telemetry and error facts go: exactly one of the kinds."""

    file: FileTarget | None = Field(default=None, description="Files on this machine.", examples=[{"path": "./out/"}])
    otlp: OtlpTarget | None = Field(
        default=None, description="An OTLP server.", examples=[{"endpoint": "https://gateway:4317"}]
    )


class RetentionClass(Section):
    """How long something is kept, and where."""

    days: Annotated[int, Number(1, 36_500, whole=True)] = Field(
        description="Days after which file segments are deleted; other destinations get it as a tag.", examples=[30]
    )
    destinations: Annotated[tuple[Name, ...], Many(filled=True)] | None = Field(
        default=None, description="Names of destinations; null means every destination.", examples=[["files"]]
    )


class RetentionRule(Section):
    """One rule of ``retention.rules``; the first that matches decides."""

    when: When = section("Conditions; without any, always.", [{"status": "error"}])
    retention_class: Name = Field(
        alias="class", description="Name of a class of retention.classes.", examples=["standard"]
    )


class Retention(Section):
    """Which class of retention something gets."""

    classes: Mapping[Name, RetentionClass] = section(
        "Classes by name.",
        [{"audit": {"days": 400, "destinations": ["files"]}, "default": {"days": 30}}],
        {"standard": {"days": 30}},
    )
    rules: Annotated[tuple[RetentionRule, ...], Many()] = Field(
        default=(),
        description="Rules; the first that matches decides. What none matches gets the class named default, or the "
        "only class.",
        examples=[[{"when": {"status": "error"}, "class": "standard"}]],
    )

    @property
    def fallback(self) -> str | None:
        """Class of what no rule matches: the one named ``default``, or the only one."""
        if "default" in self.classes:
            return "default"
        return next(iter(self.classes)) if len(self.classes) == 1 else None


class Facts(Section):
    """Error facts: one small record per error, taken before sampling."""

    destinations: Names | None = Field(
        default=None,
        description="Names of destinations; null means those of the error's retention class.",
        examples=[["files"]],
    )


class Errors(Section):
    """How errors are reported."""

    facts: Facts = section("Where error facts go.", [{"destinations": ["files"]}])
    max_per_second: Annotated[float, Number(0, 100_000, positive=True)] = Field(
        default=10.0,
        description="Facts a second for one fingerprint; above it, one fact a second carries the exact count.",
        examples=[10],
    )


class Telemetry(Section):
    """What the processor says about itself."""

    metrics_interval: Annotated[float, Duration("1s", "1h")] | None = Field(
        default=60.0,
        description="How often its own metrics are sent to the destinations; null: only on the admin page.",
        examples=["60s"],
    )
    log_level: LogLevel = Field(
        default="info", description="Least important log line that is written.", examples=["info"]
    )
