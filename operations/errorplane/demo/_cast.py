"""The services of the shop as processes: who takes part, how each is started, and with which environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from errorplane.cli import CommandFailed

_INSTRUMENT = "opentelemetry-instrument"
_NODE_FOLDER = Path(".tools") / "node-shop"
_NODE_START_S = 10.0
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
MAILER = "legacy-mailer"


@dataclass(frozen=True, slots=True)
class Node:
    """A Node.js program and the folder of the packages that the fifth service needs."""

    program: Path
    packages: Path


def find_node() -> Node | str:
    """Node and the packages, or in one line why that service does not take part."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[3]):
        folder = root / _NODE_FOLDER
        if (folder / ".stamp").is_file():  # all of them are there
            program = folder / "node" if (folder / "node").exists() else shutil.which("node")
            return _checked(program, folder / "node_modules")
    return f"its packages are not in {_NODE_FOLDER}; in a checkout, `make node-shop` puts them there"


def _checked(program: Path | str | None, packages: Path) -> Node | str:
    if program is None:
        return "there is no node on the PATH"
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_NODE_START_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{program} does not start: {error}"
    found = re.fullmatch(r"v(\d+)\.(\d+)\.\d+\S*", done.stdout.strip())
    if found is None or not _is_new_enough(int(found[1]), int(found[2])):
        return f"{program} is {done.stdout.strip() or 'of no known version'}; it takes 18.19, or 20.6 or newer"
    return Node(Path(program), packages)


def _is_new_enough(major: int, minor: int) -> bool:
    """What the instrumentation for Node.js asks for: ^18.19 || >=20.6."""
    return (major == 18 and minor >= 19) or (major, minor) >= (20, 6)


def find_instrument() -> str:
    """``opentelemetry-instrument``, beside this Python or on the PATH; raises ``CommandFailed``."""
    script = Path(sys.executable).with_name(_INSTRUMENT)
    program = str(script) if script.exists() else shutil.which(_INSTRUMENT)
    if program is None:
        raise CommandFailed(f"{_INSTRUMENT} is missing: pip install 'errorplane[operations]'")
    return program


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
    kept = {name: value for name, value in environ.items() if not name.upper().startswith(_DROPPED)}
    return without_proxies(kept) | {"PYTHONUNBUFFERED": "1"}


def without_proxies(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The user's environment, in which requests to loopback go there: a policy may refer to any variable."""
    return {name: value for name, value in environ.items() if name.lower() not in _PROXIES}


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
        "ERRORPLANE_BAGGAGE_INBOUND": "user.email",  # the storefront writes it on its span, for redaction to find
    }
    if node is not None:
        variables |= {
            "NODE_PATH": str(node.packages),
            "OTEL_NODE_ENABLED_INSTRUMENTATIONS": "http",
            "OTEL_LOGS_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
        }
    return environment() | variables
