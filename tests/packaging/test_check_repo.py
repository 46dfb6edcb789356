"""Each rule of scripts/check-repo can fail, and this checkout keeps them all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Spelled in two parts, so that this file does not silence anything itself.
IGNORE = "# type: " + "ignore"
NOQA = "# no" + "qa"
LOCK = f"rich==15.0.0 \\\n    --hash=sha256:{'a' * 64}\n"
PROJECT = '[project]\nname = "errorplane"\ndependencies = ["rich>=13"]\n'


def check(folder: Path) -> tuple[int, list[str]]:
    """Exit code and breaches of the script on a folder."""
    result = subprocess.run(
        [sys.executable, ROOT / "scripts" / "check-repo", folder],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.returncode, result.stdout.splitlines()[:-1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small git checkout that keeps every rule."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True, timeout=60)
    write(tmp_path, "requirements.lock", LOCK)
    write(tmp_path, "pyproject.toml", PROJECT)
    write(tmp_path, "processors/errorplane/otlp/__init__.py", f"x = 1  {IGNORE}[misc]  # the reason is this\n")
    write(tmp_path, "processors/errorplane/otlp/py.typed", "")
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    """Write one file and the folders above it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_checkout_that_keeps_the_rules_passes(checkout: Path) -> None:
    """The small checkout of these tests has no breach, so each case below fails by its own change only."""
    assert check(checkout) == (0, [])


@pytest.mark.parametrize(
    ("name", "text", "breach"),
    [
        ("a.py", "x = 1\n" * 801, "a.py:801: 801 lines"),
        ("scripts/run", "#!/usr/bin/env python3\n" + "x = 1\n" * 800, "scripts/run:801: 801 lines"),
        ("a.pyc", "", "a.pyc: bytecode"),
        ("__pycache__/a.txt", "", "__pycache__/a.txt: bytecode"),
        ("a.py", f"x = 1  {IGNORE}[misc]\n", "a.py:1: `type: ignore` gives no reason"),
        ("a.py", f"x = 1  {IGNORE}  # the reason\n", "a.py:1: `type: ignore` silences everything"),
        ("a.py", f"x = 1  {NOQA}: E501\n", "a.py:1: `noqa` gives no reason"),
        ("a.py", f"x = 1  {NOQA}\n", "a.py:1: `noqa` silences everything"),
        ("processors/errorplane/loose.py", "", "processors/errorplane/loose.py: a loose file"),
        ("processors/errorplane/__init__.py", "", "processors/errorplane/__init__.py: a loose file"),
        ("operations/errorplane/cli/__init__.py", "", "operations/errorplane/cli: has no py.typed"),
        ("operations/errorplane/otlp/__init__.py", "", "processors/errorplane/otlp: is in operations too"),
        ("requirements.lock", "--index-url https://example.test\n" + LOCK, "requirements.lock: names a host"),
        ("requirements.lock", "rich==15.0.0\n", "requirements.lock: rich has no hash"),
        ("pyproject.toml", PROJECT.replace("rich", "flask"), "requirements.lock: flask is missing"),
    ],
)
def test_each_breach_is_found(checkout: Path, name: str, text: str, breach: str) -> None:
    """Every rule can fail, and names the file."""
    write(checkout, name, text)
    code, breaches = check(checkout)
    assert code == 1
    assert [line for line in breaches if line.startswith(breach)]


def test_words_in_strings_silence_nothing(checkout: Path) -> None:
    """Only comments count: a string that speaks of silencing is no breach."""
    write(checkout, "a.py", f'x = "{NOQA}"\n')
    assert check(checkout) == (0, [])
