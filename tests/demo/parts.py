"""A recorded run of the demo, copies of it to tamper with, and processes of the demo to look at."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from errorplane.demo._folder import Folder
from errorplane.demo._play import Played, Settings
from errorplane.demo._result import Result, evaluate
from errorplane.policy import load

DURATION_S = 3.0
DEADLINE_S = 100.0
Keep = Callable[[dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Recording:
    """A real run: what it was asked for, the folder that it wrote, and what it knew at its end."""

    settings: Settings
    folder: Folder
    played: Played

    def copy_to(self, root: Path) -> Recording:
        """The same run as if it had written into ``root``, which may hold other things."""
        shutil.copytree(self.folder.root, root, dirs_exist_ok=True)
        folder = Folder(root)
        text = folder.policy.read_text().replace(str(self.folder.root), str(root))
        folder.policy.write_text(text)
        return Recording(replace(self.settings, out=root), folder, replace(self.played, policy=load(folder.policy)))

    def evaluate(self) -> Result:
        """Verify it anew."""
        return evaluate(self.settings, self.folder, self.played)

    @property
    def archive(self) -> list[Path]:
        """The segments of the destination ``archive``."""
        return sorted((self.folder.destinations / "archive").rglob("*.jsonl"))

    @property
    def audit(self) -> Path:
        """The file of the destination ``audit``."""
        return self.folder.destinations / "audit.jsonl"


ITEMS = (
    ("resourceSpans", "scopeSpans", "spans"),
    ("resourceLogs", "scopeLogs", "logRecords"),
    ("resourceMetrics", "scopeMetrics", "metrics"),
)


def rewrite(path: Path, keep: Keep) -> int:
    """Drop the items of an OTLP JSON file for which ``keep`` is false; returns how many were dropped."""
    dropped = 0
    lines = []
    for line in path.read_text().splitlines():
        document = json.loads(line)
        for group, scopes, items in ITEMS:
            for resource in document.get(group, ()):
                for scope in resource.get(scopes, ()):
                    kept = [item for item in scope[items] if keep(item)]
                    dropped += len(scope[items]) - len(kept)
                    scope[items] = kept
        lines.append(json.dumps(document))
    path.write_text("\n".join(lines) + "\n")
    return dropped


def first_only(matches: Keep) -> Keep:
    """A ``keep`` that is false for the first item that matches, and true for all others."""
    found = False

    def keep(item: dict[str, Any]) -> bool:
        nonlocal found
        if found or not matches(item):
            return True
        found = True
        return False

    return keep


def demo(out: Path, *options: str) -> list[str]:
    """The command line of a short demo."""
    return [
        sys.executable,
        "-m",
        "errorplane.cli",
        "demo",
        "--out",
        str(out),
        "--duration",
        f"{DURATION_S:g}",
        *options,
    ]


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """An environment whose temporary folder is below ``folder``, so that its processes can be told from others."""
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    return {**os.environ, "TMPDIR": str(scratch), **changes}


def run_demo(folder: Path, *options: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a short demo in ``folder`` and wait for it; its files are in ``folder/out``."""
    return subprocess.run(
        demo(folder / "out", *options),
        cwd=folder,
        env=environment(folder, **(env or {})),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def processes_of(folder: Path) -> list[str]:
    """Command lines of the living processes that name ``folder`` or work in it."""
    return list(_processes(folder))


def _processes(folder: Path) -> Iterator[str]:
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            where = os.readlink(process / "cwd")
        except OSError:  # it has ended meanwhile
            continue
        if command and (str(folder) in command or where.startswith(str(folder))):
            yield command


def wait_until(what: str, ready: Callable[[], bool], deadline_s: float = 60.0) -> None:
    """Poll; fails at the deadline."""
    deadline = time.monotonic() + deadline_s
    while not ready():
        assert time.monotonic() < deadline, f"{what}: not within {deadline_s:g} s"
        time.sleep(0.05)
