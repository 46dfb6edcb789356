"""What every service of the shop starts from: its settings, its ledger, its wares and its logger."""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from errorplane.demo._shop._ledger import Ledger
from errorplane.demo._shop._wares import Wares


@dataclass(frozen=True, slots=True)
class Load:
    """How much the customers do: ``calls`` in all, ``rate`` a second; ``answers`` is where they write what they got."""

    calls: int
    rate: float
    seed: str
    answers: Path


@dataclass(frozen=True, slots=True)
class Shop:
    """One service: ``ports`` are those of all services, on loopback."""

    name: str
    ports: Mapping[str, int]
    load: Load
    ledger: Ledger
    wares: Wares
    log: logging.Logger

    @classmethod
    def open(cls, name: str, settings: Path) -> Shop:
        """Read the settings that the demo wrote: ``{ports, ledger, planted, answers, seed, calls, rate}``."""
        given = json.loads(settings.read_text(encoding="utf-8"))
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        # The access log has each request once more; the server's span has it already.
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        return cls(
            name=name,
            ports=given["ports"],
            load=Load(given["calls"], given["rate"], given["seed"], Path(given["answers"])),
            ledger=Ledger(Path(given["ledger"]), name),
            wares=Wares(Path(given["planted"]), f"{given['seed']}/{name}"),
            log=logging.getLogger(f"shop.{name}"),
        )

    @property
    def port(self) -> int:
        """Where this service listens."""
        return self.ports[self.name]

    def url(self, service: str, path: str) -> str:
        """The address of another service."""
        return f"http://127.0.0.1:{self.ports[service]}{path}"


def leave_on_term() -> None:
    """Make TERM an orderly end, so that the SDK's exit handlers send what they still hold."""

    def leave(number: int, frame: FrameType | None) -> None:
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
