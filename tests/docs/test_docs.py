"""The documentation says what is true: snippets run, links lead somewhere, generated pages are current."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from errorplane.cli import build_parser
from errorplane.policy import load

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def blocks(*languages: str) -> Iterator[tuple[str, str]]:
    """Fenced blocks of these languages in all pages: where it stands, and its text without indentation."""
    for page in PAGES:
        for number, match in enumerate(_BLOCK.finditer(page.read_text()), 1):
            indent, language, text = match.groups()
            if language in languages:
                plain = "\n".join(line.removeprefix(indent) for line in text.splitlines())
                yield f"{page.relative_to(ROOT)}#{number}", plain


@pytest.mark.parametrize(("where", "text"), list(blocks("yaml")))
def test_policies_in_the_documentation_are_valid(
    where: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every YAML block that is a policy loads."""
    if not text.lstrip().startswith("version: 1"):
        return
    monkeypatch.setenv("ERRORPLANE_JOURNAL_KEY", "00" * 32)
    path = tmp_path / "errorplane.yaml"
    path.write_text(text)
    assert load(path).version == 1, where


@pytest.mark.parametrize(("where", "text"), list(blocks("python")))
def test_python_in_the_documentation_runs(where: str, text: str, tmp_path: Path) -> None:
    """Every Python block runs by itself, without an error."""
    done = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{where}\n{done.stderr}"


@pytest.mark.parametrize(("where", "text"), list(blocks("sh", "console")))
def test_commands_in_the_documentation_exist(where: str, text: str) -> None:
    """Every `errorplane` command line parses, and every `make` target is there."""
    targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for line in text.splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if words[:1] == ["errorplane"]:
            build_parser().parse_args([word for word in words[1:] if word != "&"])
        elif words[:1] == ["make"]:
            assert set(word for word in words[1:] if "=" not in word) <= set(targets), where


def test_links_lead_to_files() -> None:
    """Every relative link in the documentation names a file of the project."""
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in PAGES
        for target in _LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_the_reference_is_current() -> None:
    """The generated pages are those that the code would write now."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate-docs"), "--check"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
