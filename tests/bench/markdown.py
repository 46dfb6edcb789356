"""Tables of the pages of benchmarks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.bench.results import Spread


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def cell(spread: Spread | None, form: str) -> str:
    """Median and spread in this form; ``-`` where nothing was measured."""
    return "-" if spread is None else spread.text(form).replace("%", " %")
