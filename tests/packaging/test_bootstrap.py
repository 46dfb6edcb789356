"""scripts/bootstrap says what is missing instead of failing somewhere in the middle."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def bootstrap(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the script in ``folder`` with a shell script in the place of Python."""
    (folder / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "bootstrap", folder / "scripts")
    shutil.copy(ROOT / "requirements.lock", folder)
    interpreter = folder / "python-of-the-test"
    interpreter.write_text(f"#!/bin/sh\n{python}\n")
    interpreter.chmod(0o755)
    return subprocess.run(
        [folder / "scripts" / "bootstrap"],
        env={**os.environ, "PYTHON": str(interpreter)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_python_that_is_too_old_is_refused(tmp_path: Path) -> None:
    """Without a Python of 3.11 or newer the message names the version that is needed."""
    result = bootstrap(tmp_path, "exit 1")
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed" in result.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_python_without_venv_is_named_with_its_package(tmp_path: Path) -> None:
    """Debian's python3 without python3-venv: the message names the package to install."""
    result = bootstrap(tmp_path, f'case "$2" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"')
    assert result.returncode == 1
    assert "python3-venv" in result.stderr
    assert not (tmp_path / ".venv").exists()
