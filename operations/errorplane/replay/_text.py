"""The figures of a replay as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_KINDS = (
    ("traces", "traces"),
    ("logs without trace", "logs_without_trace"),
    ("errors", "errors"),
    ("fingerprints", "fingerprints"),
)


def as_text(document: Mapping[str, Any]) -> Iterator[str]:
    """Lines: what was kept of all, by rule, by destination; beside each the other policy's figure, if there is one."""
    old = document.get("against")
    yield from _table(("", "all", "kept", "share", *_beside(old, "kept before")), list(_overall(document, old)))
    yield ""
    yield from _table(
        ("rule", "traces", "kept", "errors", "kept", "bytes kept", *_beside(old, "bytes before")),
        list(_rules(document, old)),
    )
    yield ""
    yield from _table(
        ("destination", "items", "errors", "bytes", *_beside(old, "bytes before")), list(_destinations(document, old))
    )
    yield ""
    beside = "" if old is None else f" (before: {old['count_error']:.2%})"
    yield f"totals estimated from what is kept are wrong by {document['count_error']:.2%}{beside}"
    if document["refused_items"]:
        yield f"{document['refused_items']:,} items could not be taken"


def _beside(old: Mapping[str, Any] | None, name: str) -> tuple[str, ...]:
    return () if old is None else (name,)


def _overall(document: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[tuple[str, ...]]:
    for label, name in _KINDS:
        total, kept = document[name], document[f"{name}_kept"]
        if total:
            yield label, f"{total:,}", f"{kept:,}", _share(kept, total), *_kept_before(old, f"{name}_kept")
    total, kept = document["bytes_in"], document["bytes_kept"]
    yield "bytes", f"{total:,}", f"{kept:,}", _share(kept, total), *_kept_before(old, "bytes_kept")


def _rules(document: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[tuple[str, ...]]:
    theirs = {} if old is None else old["by_rule"]
    for name in sorted({*document["by_rule"], *theirs}):
        rule = document["by_rule"].get(name, {})
        counts = ("traces", "traces_kept", "errors", "errors_kept", "bytes_kept")
        before = () if old is None else (f"{theirs.get(name, {}).get('bytes_kept', 0):,}",)
        yield name, *(f"{rule.get(count, 0):,}" for count in counts), *before


def _destinations(document: Mapping[str, Any], old: Mapping[str, Any] | None) -> Iterator[tuple[str, ...]]:
    theirs = {} if old is None else old["by_destination"]
    for name in sorted({*document["by_destination"], *theirs}):
        one = document["by_destination"].get(name, {})
        before = () if old is None else (f"{theirs.get(name, {}).get('bytes', 0):,}",)
        yield name, *(f"{one.get(count, 0):,}" for count in ("items", "errors", "bytes")), *before


def _kept_before(old: Mapping[str, Any] | None, name: str) -> tuple[str, ...]:
    return () if old is None else (f"{old[name]:,}",)


def _share(kept: int, total: int) -> str:
    return f"{kept / total:.2%}" if total else "-"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they need to be: the first one to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        yield "  ".join((row[0].ljust(widths[0]), *cells)).rstrip()
