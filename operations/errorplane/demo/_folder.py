"""The folder that a run writes into: what is in it, and how it is emptied for the next run."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from errorplane.cli import CommandFailed

_MARK = ".errorplane-demo"


@dataclass(frozen=True, slots=True)
class Folder:
    """Names below ``root``. Nothing here holds raw telemetry: that stays in a private temporary folder."""

    root: Path

    @property
    def policy(self) -> Path:
        """The policy in force."""
        return self.root / "errorplane.yaml"

    @property
    def destinations(self) -> Path:
        """What the policy's file destinations wrote."""
        return self.root / "destinations"

    @property
    def gateway(self) -> Path:
        """What the gateway Collector wrote."""
        return self.root / "gateway"

    @property
    def journal(self) -> Path:
        """The processor's journal and keys."""
        return self.root / "journal"

    @property
    def logs(self) -> Path:
        """The logs of the processor and of the Collectors."""
        return self.root / "logs"

    @property
    def ledger(self) -> Path:
        """The shop's own count of its errors."""
        return self.root / "ledger.jsonl"

    @property
    def metrics(self) -> Path:
        """The processor's last Prometheus page."""
        return self.root / "metrics.txt"

    @property
    def stats(self) -> Path:
        """The processor's last counters."""
        return self.root / "stats.json"

    def prepare(self) -> None:
        """Remove what the last run made and create the folders; other people's files are left alone.

        Raises ``CommandFailed`` when something of ours is in the way that no run of the demo made.
        """
        own = (self.policy, self.destinations, self.gateway, self.journal, self.logs)
        files = (self.ledger, self.metrics, self.stats)
        mark = self.root / _MARK
        found = [path.name for path in (*own, *files) if path.exists() or path.is_symlink()]
        if found and not mark.is_file():
            raise CommandFailed(
                f"{self.root} holds {', '.join(found)}, not made by an earlier demo: name another folder with --out"
            )
        for path in (*own, *files):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for path in (self.destinations, self.journal, self.logs):
            path.mkdir(parents=True, mode=0o700)
        mark.write_text("Made by `errorplane demo`, which empties this folder before its next run.\n")
