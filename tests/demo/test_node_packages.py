"""`make demo` installs the Node.js service's packages if that is quickly done, and goes on without them if not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "install-node-packages"
FOLDER = ROOT / "operations" / "errorplane" / "demo" / "node"

pytestmark = pytest.mark.e2e


def install(target: Path, path: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script as `make demo` does."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), "--optional", str(FOLDER), str(target)],
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def programs(folder: Path, **scripts: str) -> str:
    """A PATH with these shell scripts only."""
    folder.mkdir()
    for name, text in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return str(folder)


@pytest.mark.parametrize("scripts", [{}, {"node": "echo v16.20.0", "npm": "exit 9"}, {"node": "echo v22.1.0"}])
def test_without_a_node_that_will_do_it_goes_on(scripts: dict[str, str], tmp_path: Path) -> None:
    """No Node.js, an old one, or one without npm: that is said, nothing is installed, and the status is 0."""
    done = install(tmp_path / "target", programs(tmp_path / "bin", **scripts))
    assert done.returncode == 0, done.stderr
    assert "this machine has no Node.js 18 with npm" in done.stderr
    assert "going on without them" in done.stderr
    assert not (tmp_path / "target" / ".stamp").exists()


def test_what_npm_cannot_do_is_said(tmp_path: Path) -> None:
    """When npm fails, its first line is shown, and what an earlier installation left counts as nothing."""
    target = tmp_path / "target"
    target.mkdir()
    (target / ".stamp").write_text("of an older lock file")
    scripts = {"node": "echo v22.1.0", "npm": "echo 'npm error code ENOTFOUND' >&2; echo 'npm error more' >&2; exit 1"}
    done = install(target, programs(tmp_path / "bin", **scripts))
    assert done.returncode == 0
    assert "npm error code ENOTFOUND" in done.stderr
    assert "more" not in done.stderr
    assert not (target / ".stamp").exists()


def test_it_installs_from_the_lock_file_once(tmp_path: Path) -> None:
    """npm is called with the committed lock file, and not again while that stays the same."""
    log, target = tmp_path / "calls", tmp_path / "target"
    scripts = {"node": "echo v22.1.0", "npm": f'echo "$@" >> {log}; mkdir -p node_modules'}
    path = programs(tmp_path / "bin", **scripts)
    shutil.copy(shutil.which("mkdir") or "/bin/mkdir", Path(path) / "mkdir")
    for _ in range(2):
        done = install(target, path)
        assert done.returncode == 0, done.stderr
    (call,) = log.read_text().splitlines()
    assert call.startswith("ci --ignore-scripts")
    assert (target / "package-lock.json").read_bytes() == (FOLDER / "package-lock.json").read_bytes()
    assert (target / "node").resolve() == Path(path) / "node"
    assert (target / ".stamp").exists()
