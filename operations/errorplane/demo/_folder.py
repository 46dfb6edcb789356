"""The folder that a run writes into: what is in it, and how it is emptied for the next run."""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
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
    def queue(self) -> Path:
        """The gateway Collector's queue."""
        return self.root / "gateway-queue"

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

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder for one run: what the last one made is removed, other people's files are left alone.

        Raises ``CommandFailed`` when something of ours is in the way that no run of the demo made, when another run
        holds the folder, or when it cannot be written.
        """
        with contextlib.ExitStack() as held:
            try:
                self.root.mkdir(parents=True, exist_ok=True)
                self._refuse_what_is_not_ours()
                mark = held.enter_context((self.root / _MARK).open("a"))
                fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
                mark.truncate(0)
                mark.write("Made by `errorplane demo`, which removes what it made before its next run.\n")
                mark.flush()
                self.empty()
            except BlockingIOError:
                raise CommandFailed(f"another demo is writing into {self.root}: name another folder") from None
            except OSError as error:
                raise CommandFailed(f"{self.root}: {error.strerror}: name another folder with --out") from error
            yield

    def _refuse_what_is_not_ours(self) -> None:
        found = [path.name for path in self._own if path.is_symlink() or path.exists()]
        if found and not (self.root / _MARK).is_file():
            raise CommandFailed(
                f"{self.root} holds {', '.join(found)}, not made by an earlier demo: name another folder with --out"
            )

    @property
    def _own(self) -> tuple[Path, ...]:
        folders = (self.destinations, self.gateway, self.queue, self.journal, self.logs)
        return (*folders, self.policy, self.ledger, self.metrics, self.stats)

    def empty(self) -> None:
        """Remove what a run made, and make the folders for the next one; only while it is claimed."""
        for path in self._own:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        for path in (self.destinations, self.journal, self.logs):
            path.mkdir(mode=0o700)
