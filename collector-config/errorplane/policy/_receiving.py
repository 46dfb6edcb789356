"""Sections ``listen`` and ``journal``: where telemetry comes in and where it waits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from errorplane.policy._measures import Duration, Size
from errorplane.policy._network import Address
from errorplane.policy._scalars import Number
from errorplane.policy._section import FilePath, Masked, Section, YesNo

ListenAddress = Annotated[str, Address()]


class ServerTls(Section):
    """Certificate that the receivers show, and the authority of the client certificates that they ask for."""

    cert: FilePath = Field(description="Certificate chain, PEM.", examples=["./tls/server.pem"])
    key: FilePath = Field(description="Private key of the certificate, PEM.", examples=["./tls/server.key"])
    client_ca: FilePath | None = Field(
        default=None,
        description="Authority, PEM, that must have signed the client's certificate; without it no certificate is "
        "asked for.",
        examples=["./tls/clients.pem"],
    )


class Listen(Section):
    """Where the processor takes OTLP from applications and Collectors."""

    grpc: ListenAddress | None = Field(
        default="127.0.0.1:4317",
        description="OTLP/gRPC address; null switches it off. Port 0 takes any free port.",
        examples=["127.0.0.1:4317", "127.0.0.1:0"],
    )
    http: ListenAddress | None = Field(
        default="127.0.0.1:4318", description="OTLP/HTTP address; null switches it off.", examples=["127.0.0.1:4318"]
    )
    admin: ListenAddress | None = Field(
        default="127.0.0.1:4319",
        description="Address of /healthz, /readyz, /metrics and /stats; null switches it off. Never uses TLS.",
        examples=["127.0.0.1:4319"],
    )
    tls: ServerTls | None = Field(
        default=None,
        description="TLS of the OTLP addresses.",
        examples=[{"cert": "./tls/server.pem", "key": "./tls/server.key"}],
    )
    token: Masked | None = Field(
        default=None,
        description="Bearer token that every OTLP request must carry in its authorization header.",
        examples=["${env:ERRORPLANE_TOKEN}"],
    )
    plaintext: YesNo = Field(
        default=False,
        description="Allow addresses beyond loopback without TLS, the admin address included.",
        examples=[True],
    )
    max_request_bytes: Annotated[int, Size("1KiB", "1GiB")] = Field(
        default=32 << 20, description="Largest request, compressed and decompressed.", examples=["32MiB"]
    )
    max_concurrent: Annotated[int, Number(1, 10_000, whole=True)] = Field(
        default=64, description="Requests worked on at once; more are told to come again.", examples=[64]
    )


class Journal(Section):
    """The encrypted store on disk in which telemetry waits for its verdict and for its destinations."""

    path: FilePath = Field(
        default=Path("./data"),
        validate_default=True,
        description="Folder of the journal. One processor per folder.",
        examples=["/var/lib/errorplane"],
    )
    max_bytes: Annotated[int, Size("16MiB", "16TiB")] = Field(
        default=4 << 30, description="Room on disk; senders are told to wait when it is full.", examples=["4GiB"]
    )
    commit_wait: Annotated[float, Duration("0s", "1s")] = Field(
        default=0.002, description="How long a commit waits for more requests to share one sync.", examples=["2ms"]
    )
    remember: Annotated[float, Duration("1s", "30d")] = Field(
        default=3600.0,
        description="How long the verdict on a trace is remembered: late items follow it, and `errorplane why` tells it. "
        "While verdicts fill more than half of a quarter of max_bytes, for less.",
        examples=["24h"],
    )
