"""The processor as a process: its addresses, its counters, its orderly end."""

from __future__ import annotations

import http.client
import json
import re
import sys
from dataclasses import dataclass
from typing import Any, cast

from errorplane.cli import CommandFailed
from errorplane.demo._cast import without_proxies
from errorplane.demo._folder import Folder
from errorplane.demo._http import get
from errorplane.demo._stage import Actor, Stage

_START_S = 30.0
_STOP_S = 40.0
_READY = re.compile(r"errorplane processor ready: (.*)")
_ADDRESS = re.compile(r"(OTLP/gRPC|OTLP/HTTP|admin) ([^\s,]+)")


@dataclass(frozen=True, slots=True)
class RunningProcessor:
    """A processor that takes requests at ``grpc`` and ``http``."""

    actor: Actor
    grpc: str
    http: str
    admin: str

    def stats(self) -> dict[str, Any]:
        """Its counters; raises ``CommandFailed``."""
        return cast(dict[str, Any], json.loads(self._page("/stats")))

    def metrics(self) -> str:
        """Its Prometheus page; raises ``CommandFailed``."""
        return self._page("/metrics").decode()

    def _page(self, path: str) -> bytes:
        try:
            status, body = get(self.admin, path)
        except (OSError, http.client.HTTPException) as error:
            raise CommandFailed(f"the processor's admin page {path}: {error}\n{self.actor.tail()}") from error
        if status != 200:
            raise CommandFailed(f"the processor's admin page {path}: status {status}")
        return body


def start_processor(stage: Stage, folder: Folder) -> RunningProcessor:
    """Start it with the policy of the run and wait until it takes requests."""
    command = [sys.executable, "-m", "errorplane.cli", "processor", "--policy", str(folder.policy.absolute())]
    actor = stage.start("processor", command, without_proxies(), folder.logs / "processor.log")
    stage.wait("the processor is ready", lambda: _ready(actor) is not None, _START_S)
    addresses = dict(_ADDRESS.findall(_ready(actor) or ""))
    return RunningProcessor(actor, addresses["OTLP/gRPC"], addresses["OTLP/HTTP"], addresses["admin"])


def stop_processor(stage: Stage, processor: RunningProcessor) -> None:
    """Let it drain and end."""
    stage.stop([processor.actor], _STOP_S)
    status = processor.actor.process.returncode
    if status != 0:
        raise CommandFailed(f"the processor ended with status {status}:\n{processor.actor.tail()}")


def _ready(actor: Actor) -> str | None:
    found = _READY.search(actor.log.read_text(encoding="utf-8", errors="replace"))
    return None if found is None else found[1]
