"""Looks for what the shop planted in everything that the pipeline wrote or said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from errorplane.demo._folder import Folder
from errorplane.demo._output import Output


@dataclass(frozen=True, slots=True)
class Planted:
    """One literal string, what it is, and where in its telemetry the shop put it."""

    entity: str
    value: str
    place: str


@dataclass(frozen=True, slots=True)
class Leak:
    """A planted string and the place where it was found again."""

    planted: Planted
    found_in: str


def find_leaks(
    planted: Iterable[Planted], folder: Folder, outputs: Mapping[str, Output], journal: Iterable[bytes]
) -> list[Leak]:
    """Every planted string in every place where it must not be, once for each place."""
    wanted = [(each, each.value.encode()) for each in planted]
    places = {where: b"\0".join(parts) for where, parts in _places(folder, outputs, journal)}
    return [Leak(each, where) for where, text in places.items() for each, value in wanted if value in text]


def _places(
    folder: Folder, outputs: Mapping[str, Output], journal: Iterable[bytes]
) -> Iterator[tuple[str, Iterable[bytes]]]:
    for name, output in outputs.items():
        yield f"destination {name}", output.raw
        # Once more as decoded strings: an escape of JSON must not hide anything.
        yield f"destination {name}, decoded", (text.encode() for text in output.strings)
    yield "journal, decrypted", journal
    for path in _own_files(folder):
        yield str(path.relative_to(folder.root)), [path.read_bytes()]


def _own_files(folder: Folder) -> list[Path]:
    return [*sorted(folder.logs.iterdir()), folder.metrics, folder.stats, folder.ledger]
