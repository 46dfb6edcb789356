"""The services of the shop as processes: who takes part, how each is started, and with which environment."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from errorplane.cli import CommandFailed

_INSTRUMENT = "opentelemetry-instrument"
_NODE_FOLDER = Path(".tools") / "node-shop"
_DROPPED = ("OTEL_", "ERRORPLANE_")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy", "grpc_proxy", "no_proxy"}


@dataclass(frozen=True, slots=True)
class Role:
    """One service: ``protocol`` is what its OTLP exporters speak, ``resource`` what it says about itself."""

    name: str
    protocol: str
    resource: str = "deployment.environment.name=demo"


PYTHON_ROLES = (
    Role("payments", "grpc"),
    Role("checkout", "grpc"),
    Role("inventory", "http/protobuf"),
    Role("storefront", "http/protobuf"),
)
NODE_ROLE = Role("recommendations", "http/protobuf")


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js program and the folder of the packages that the fifth service needs."""

    program: Path
    packages: Path


def find_node() -> Node | str:
    """Node and the packages, or in one line why that service does not take part."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[3]):
        folder = root / _NODE_FOLDER
        if (folder / "node_modules" / "@opentelemetry" / "auto-instrumentations-node").is_dir():
            program = folder / "node" if (folder / "node").exists() else shutil.which("node")
            return "no node on the PATH" if program is None else Node(Path(program), folder / "node_modules")
    return f"its packages are not in {_NODE_FOLDER}: run `make node-shop`"


def python_command(role: Role, settings: Path) -> list[str]:
    """The command that starts a Python service without a line of telemetry code in it."""
    script = Path(sys.executable).with_name(_INSTRUMENT)
    program = str(script) if script.exists() else shutil.which(_INSTRUMENT)
    if program is None:
        raise CommandFailed(f"{_INSTRUMENT} is missing: pip install 'errorplane[operations]'")
    return [program, *plain_command(role.name, settings)]


def plain_command(name: str, settings: Path) -> list[str]:
    """The command of a Python program of the shop, without any SDK."""
    return [sys.executable, "-m", "errorplane.demo._shop", name, str(settings)]


def node_command(node: Node, settings: Path) -> list[str]:
    """The command of the service in another language, instrumented likewise."""
    script = files("errorplane.demo").joinpath("node", "recommendations.cjs")
    return [
        str(node.program),
        "--require",
        "@opentelemetry/auto-instrumentations-node/register",
        str(script),
        str(settings),
    ]


def environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The user's environment without what would send the shop's telemetry, or its requests, elsewhere."""
    return {
        name: value
        for name, value in environ.items()
        if not name.upper().startswith(_DROPPED) and name.lower() not in _PROXIES
    } | {"PYTHONUNBUFFERED": "1"}


def telemetry_environment(role: Role, grpc: str, http: str, node: Node | None = None) -> dict[str, str]:
    """What the SDKs read: short delays, so that the demo is short, and nothing that a user would not write."""
    endpoint = grpc if role.protocol == "grpc" else http
    variables = {
        "OTEL_SERVICE_NAME": role.name,
        "OTEL_RESOURCE_ATTRIBUTES": role.resource,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoint}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": role.protocol,
        "OTEL_EXPORTER_OTLP_INSECURE": "true",
        "OTEL_BSP_SCHEDULE_DELAY": "300",
        "OTEL_BLRP_SCHEDULE_DELAY": "300",
        "OTEL_METRIC_EXPORT_INTERVAL": "2000",
        "OTEL_PYTHON_DISTRO": "errorplane",
        "OTEL_PYTHON_EXCLUDED_URLS": "healthz",
    }
    if node is not None:
        variables |= {
            "NODE_PATH": str(node.packages),
            "OTEL_NODE_ENABLED_INSTRUMENTATIONS": "http",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
        }
    return environment() | variables
