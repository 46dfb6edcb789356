"""Under what conditions a run took place: the machine, the versions, and how much of it others used meanwhile."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.bench.contenders import COLLECTOR, ROOT

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds by now: of the whole machine, and of this program with all that it has started and waited for."""

    at: float
    machine_s: float
    own_s: float

    @classmethod
    def now(cls) -> Usage:
        """As of now."""
        user, nice, system = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:4])
        who = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
        own_s = sum(each.ru_utime + each.ru_stime for each in who)
        return cls(time.monotonic(), (user + nice + system) / _TICKS, own_s)

    def others_share(self, since: Usage) -> float:
        """What other programs have used of all cores since then."""
        others_s = (self.machine_s - since.machine_s) - (self.own_s - since.own_s)
        return max(0.0, others_s / (self.at - since.at) / _cores())


def machine(folder: Path) -> dict[str, object]:
    """Cores, processor, memory, system and versions; the file system is that of ``folder``."""
    return {
        "cores": _cores(),
        "cpu": _field("/proc/cpuinfo", "model name") or platform.machine(),
        "memory_gb": int((_field("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) / 1e6,
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "disk": _said("stat", "--file-system", "--format=%T", str(folder)),
        "errorplane": version("errorplane"),
        "revision": _said("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"),
        "collector": _said(str(COLLECTOR), "--version"),
        "load_before": os.getloadavg()[0],
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _field(file: str, name: str) -> str | None:
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _said(*command: str) -> str:
    """What a command prints; ``unknown`` where it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
