"""The pages of the documentation and the fenced blocks in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
_BLOCK = re.compile(r'^( *)```(\w+)(?: title="([^"\n]+)")?\n(.*?)^ *```$', re.MULTILINE | re.DOTALL)
_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
_ENDPOINT = re.compile(r'"http://127\.0\.0\.1:\d+"')


@dataclass(frozen=True)
class Block:
    """A fenced block: where it stands, its language, its file name if it has a title, its text without indentation."""

    where: str
    language: str
    title: str
    text: str

    @property
    def is_policy(self) -> bool:
        """Whether it is a whole `errorplane.yaml`."""
        return self.language == "yaml" and any(line == "version: 1" for line in self.text.splitlines())


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    for number, match in enumerate(_BLOCK.finditer(page.read_text()), 1):
        indent, language, title, text = match.groups()
        plain = "".join(line.removeprefix(indent) for line in text.splitlines(keepends=True))
        yield Block(f"{page.relative_to(ROOT)}#{number}", language, title or "", plain)


def all_blocks(*languages: str) -> list[Block]:
    """All blocks of these languages."""
    return [block for page in PAGES for block in blocks(page) if block.language in languages]


def commands(page: Path) -> list[str]:
    """The command lines of a page, in order."""
    found = [block.text.splitlines() for block in blocks(page) if block.language == "sh"]
    return [line for lines in found for line in lines if line.strip() and not line.startswith("#")]


def words_of(command: str) -> list[str]:
    """The words of a command line, without the variables that stand before it and without a comment."""
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    return words


def here(policy: str, backend: str) -> str:
    """The policy, listening on free ports and sending to this backend."""
    lines = [
        _ADDRESS.sub("127.0.0.1:0", line) if line.startswith("listen:") else _ENDPOINT.sub(f'"{backend}"', line)
        for line in policy.splitlines()
    ]
    if not any(line.startswith("listen:") for line in lines):
        lines.append("listen: {grpc: 127.0.0.1:0, http: null, admin: null}")
    return "\n".join(lines) + "\n"
