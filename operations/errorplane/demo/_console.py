"""The few shapes that the report is made of: headings, tables without frames, and lines without trailing blanks."""

from __future__ import annotations

import io
import os
import shutil
import sys
from typing import TextIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table

PIPED_WIDTH = 100
_NARROWEST = 64  # below, tables would break in the middle of words; a terminal that is narrower breaks the lines itself

_WIDEST = 120  # beyond, the eye loses the line


class Page:
    """What is put on it is printed at the end, all at once. Text may hold rich's markup; what comes from elsewhere
    must be escaped.
    """

    def __init__(self, stream: TextIO | None = None, width: int | None = None) -> None:
        """``width`` in characters; by default the terminal's, or where there is none 100 or the variable COLUMNS."""
        self._stream = stream or sys.stdout
        terminal = self._stream.isatty()
        if width is None:
            fallback = (PIPED_WIDTH, 0)
            width = shutil.get_terminal_size(fallback).columns if terminal else _columns(os.environ.get("COLUMNS", ""))
        self._plain = not terminal
        # In a pipe, lines must not end in the blanks of a table's last column; in a terminal nobody sees them.
        self._console = Console(
            file=_Buffer(self._stream) if self._plain else self._stream,
            width=min(max(width, _NARROWEST), _WIDEST),
            highlight=False,
            emoji=False,
            color_system="auto" if terminal else None,
        )

    @property
    def width(self) -> int:
        """Characters in a line, 64 to 120."""
        return self._console.width

    def heading(self, title: str, summary: str = "") -> None:
        """A line across the page that begins with the title, and a summary below it."""
        self._console.print()
        self._console.rule(f"[bold]{title}[/]", align="left", style="dim")
        if summary:
            self.line(summary)

    def line(self, text: str = "", style: str = "") -> None:
        """A paragraph, broken at the width of the page."""
        self._console.print(Padding(text, (0, 2)) if text else "", style=style)

    def whole(self, text: str, style: str = "") -> None:
        """A line that is never broken, since somebody will copy it."""
        self._console.print(f"  {text}", style=style, soft_wrap=True)

    def put(self, shape: RenderableType) -> None:
        """A table or a tree."""
        self._console.print(Padding(shape, (0, 0, 0, 2)))

    def end(self) -> None:
        """Print it."""
        if self._plain:
            lines = self._console.file.getvalue().split("\n")  # type: ignore[attr-defined]  # it is our buffer
            self._stream.write("\n".join(line.rstrip() for line in lines))
        self._stream.flush()


def _columns(text: str) -> int:
    return int(text) if text.isdecimal() and int(text) > 0 else PIPED_WIDTH


class _Buffer(io.StringIO):
    """Takes the text for a stream, and says what that stream can encode, so that rich knows what it may draw."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._encoding = stream.encoding or "utf-8"

    @property
    def encoding(self) -> str:  # type: ignore[override]  # read-only there, and None
        """That of the stream."""
        return self._encoding


def table(*columns: str) -> Table:
    """A table without frame; a column whose name starts with ``#`` holds numbers."""
    made = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for column in columns:
        number = column.startswith("#")
        made.add_column(
            column.removeprefix("#"), justify="right" if number else "left", overflow="fold", no_wrap=number
        )
    return made


def number(count: int) -> str:
    """A count; none at all is a dash."""
    return str(count) if count else "-"
