"""The two Collectors on both sides of the processor, from the configurations that a person would deploy."""

from __future__ import annotations

import http.client
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from errorplane.cli import CommandFailed
from errorplane.demo._cast import environment
from errorplane.demo._folder import Folder
from errorplane.demo._http import answers, get
from errorplane.demo._stage import Actor, Stage

PORTS = ("agent grpc", "agent http", "agent health", "agent metrics")
GATEWAY_PORTS = ("gateway grpc", "gateway http", "gateway health", "gateway metrics")
_START_S = 20.0
_ENTRIES = re.compile(
    rb'^otelcol_receiver_accepted_log_records\w*\{[^}]*receiver="file_log"[^}]*\} (\S+)$', re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Tools:
    """The built Collector and the folder of the configurations."""

    otelcol: Path
    configs: Path


def find_tools() -> Tools:
    """The Collector and its configurations, in the working directory or beside the sources; else says what to do."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[3]):
        tools = Tools(root / ".tools" / "otelcol", root / "collector-config")
        if (tools.configs / "agent.yaml").is_file():
            if not os.access(tools.otelcol, os.X_OK):
                raise CommandFailed(f"{tools.otelcol} is missing: run `make collector` (minutes the first time)")
            return tools
    raise CommandFailed(
        "--collector needs a checkout of errorplane: neither here nor beside the sources is there a "
        "collector-config/agent.yaml"
    )


def start_gateway(stage: Stage, tools: Tools, folder: Folder, ports: Mapping[str, int]) -> Actor:
    """The Collector behind the processor, which writes what was kept to ``folder.gateway``."""
    return _start(
        stage,
        tools,
        "gateway",
        folder,
        ports,
        ERRORPLANE_GATEWAY_OUT=str(folder.gateway.absolute()),
        ERRORPLANE_GATEWAY_QUEUE=str(folder.queue.absolute()),
    )


def start_agent(
    stage: Stage, tools: Tools, folder: Folder, printed: Path, processor: str, ports: Mapping[str, int]
) -> Actor:
    """The Collector beside the applications; it follows the log files in ``printed`` and sends to ``processor``."""
    return _start(
        stage,
        tools,
        "agent",
        folder,
        ports,
        ERRORPLANE_ENDPOINT=processor,
        ERRORPLANE_AGENT_LOGS=f"{printed}/*.log",
        ERRORPLANE_AGENT_LOGS_FROM="beginning",
        ERRORPLANE_AGENT_HOST_INTERVAL="5s",
    )


def printed_entries(metrics: str) -> int:
    """How many entries of log files the agent has read, by its Prometheus page at the address ``metrics``."""
    try:
        _, page = get(metrics, "/metrics")
    except (OSError, http.client.HTTPException):
        return 0
    return sum(int(float(count)) for count in _ENTRIES.findall(page))


def _start(stage: Stage, tools: Tools, name: str, folder: Folder, ports: Mapping[str, int], **settings: str) -> Actor:
    health = f"127.0.0.1:{ports[f'{name} health']}"
    prefix = f"ERRORPLANE_{name.upper()}"
    addresses = {
        f"{prefix}_GRPC": f"127.0.0.1:{ports[f'{name} grpc']}",
        f"{prefix}_HTTP": f"127.0.0.1:{ports[f'{name} http']}",
        f"{prefix}_HEALTH": health,
        f"{prefix}_METRICS_PORT": str(ports[f"{name} metrics"]),
    }
    command = [str(tools.otelcol), "--config", str(tools.configs / f"{name}.yaml")]
    actor = stage.start(name, command, environment() | addresses | settings, folder.logs / f"{name}.log")
    stage.wait(f"the {name} is healthy", lambda: answers(health, "/"), _START_S)
    return actor
