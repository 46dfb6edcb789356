"""Looks for what the shop planted in everything that the pipeline wrote or said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

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
    wanted = [(each, forms(each.value)) for each in planted]
    leaks = []
    for where, text in _written(
        outputs
    ):  # the bytes as they are: the other forms are looked for in what they decode to
        leaks += [Leak(each, where) for each, (literal, *_) in wanted if literal in text]
    for where, text in _read(folder, outputs, journal):
        leaks += [Leak(each, where) for each, found in wanted if any(form in text for form in found)]
    return list(dict.fromkeys(leaks))


def forms(value: str) -> tuple[bytes, ...]:
    """The string as it is, as a URL writes it, and without the separators of a number.

    >>> [form.decode() for form in forms("a b@c")]
    ['a b@c', 'a%20b%40c', 'a+b%40c']
    >>> [form.decode() for form in forms("4539 1488")]
    ['4539 1488', '4539%201488', '4539+1488', '45391488']
    """
    found = {value: None, quote(value, safe=""): None, quote_plus(value): None, quote(value, safe="+:"): None}
    found |= {_lower_escapes(form): None for form in found}
    if re.fullmatch(r"[A-Z]{0,2}[\d -]{9,}", value):
        found[re.sub("[ -]", "", value)] = None
    return tuple(form.encode() for form in found)


def _lower_escapes(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), text)


def _written(outputs: Mapping[str, Output]) -> Iterator[tuple[str, bytes]]:
    for name, output in outputs.items():
        yield f"destination {name}", b"\n".join(output.raw)


def _read(folder: Folder, outputs: Mapping[str, Output], journal: Iterable[bytes]) -> Iterator[tuple[str, bytes]]:
    for name, output in outputs.items():
        # An escape of JSON must not hide anything.
        yield f"destination {name}", "\0".join(output.strings).encode(errors="surrogatepass")
    yield "the journal, decrypted", b"\0".join(journal)
    delivered = {path for output in outputs.values() for path in output.files}
    for path in sorted(folder.root.rglob("*")):
        if path.is_file() and path not in delivered:
            yield str(path.relative_to(folder.root)), path.read_bytes()
