"""Places on the earth: geo URIs (RFC 5870), ISO 6709, degrees, and decimal degrees that are called latitude or such."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import Gates, lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.context._topics import gates
from errorplane.detectors.identifiers._contextual import after_words, bounded, every
from errorplane.detectors.text._escapes import ESCAPED

_LAT, _LON = r"[+-]?(?:90|[0-8]?[0-9])", r"[+-]?(?:180|1[0-7][0-9]|[0-9]{1,2})"
_GEO_URI = lazy(rf"(?<![0-9a-z])geo:(?P<place>{_LAT}(?:\.[0-9]{{1,12}})?,{_LON}(?:\.[0-9]{{1,12}})?)(?![0-9])")
_ISO_6709 = lazy(
    r"(?<![0-9a-z+-])[+-][0-9]{2}(?:[0-9]{2}){0,2}\.[0-9]{2,10}[+-][0-9]{3}(?:[0-9]{2}){0,2}\.[0-9]{2,10}(?![0-9.])"
)
_DEGREES = lazy(
    r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,8})?\u00b0 ?(?:[0-9]{1,2}(?:\.[0-9]{1,6})?['\u2032\u2019] ?"
    r"(?:[0-9]{1,2}(?:\.[0-9]{1,6})?(?:[\"\u2033\u201d]|'') ?)?)?[nsew](?![a-z])"
)
_ONE = bounded(rf"{_LON}\.[0-9]{{3,15}}")
_TWO = bounded(
    r"[+-]?[0-9]{1,3}\.[0-9]{2,15}[,;]? {0,2}[+-]?[0-9]{1,3}\.[0-9]{2,15}|"
    r"[+-]?[0-9]{1,3}\.[0-9]{2,15}[ns]?[,; ]{1,3}[+-]?[0-9]{1,3}\.[0-9]{2,15}[ew]?"
)
_LATITUDE, _BOTH = frozenset(("latitude",)), frozenset(("latitude", "lat", "lon"))
_COORDINATES = frozenset(("coordinates",))
_NEAR = 16


def _find(subject: Subject) -> Iterable[Finding]:
    said = subject.context().topics
    if said or "geo:" in subject.low or not subject.text.isascii():
        return _find_places(subject, said)
    return _iso_6709(subject) if "+" in subject.low or b"d-ddd.d" in subject.shape else ()


def _find_places(subject: Subject, said: frozenset[str]) -> Iterator[Finding]:
    low = subject.low
    for match in _GEO_URI.finditer(low) if "geo:" in low else ():
        yield _found(*match.span("place"), 1.0, "geo URI")
    for match in _DEGREES.finditer(low) if "\u00b0" in low else ():
        yield _found(*match.span(), 0.9, "degrees of latitude or longitude")
    yield from _iso_6709(subject)
    # A lat alone is more often a latency.
    names = _BOTH if "lat" in said and "lon" in said else _LATITUDE
    if not said.isdisjoint(names):
        for start, end in after_words(subject, names, _ONE, every, _NEAR):
            yield _found(start, end, 0.8, "decimal degrees after a word or under a key that says so")
    if not said.isdisjoint(_COORDINATES):
        for start, end in after_words(subject, _COORDINATES, _TWO, _on_earth, _NEAR):
            yield _found(start, end, 0.8, "two decimal degrees after a word or under a key that says so")


def _iso_6709(subject: Subject) -> Iterator[Finding]:
    for match in _ISO_6709.finditer(subject.low):
        yield _found(*match.span(), 0.95, "form of ISO 6709")


def _on_earth(pair: str) -> bool:
    return all(abs(float(degrees)) <= 180 for degrees in re.findall(r"[+-]?[0-9]+\.[0-9]+", pair))


def _found(start: int, end: int, score: float, reason: str) -> Finding:
    return Finding("LOCATION", start, end, score, reason)


_PLUS_OR_MINUS = rb"(?:[+-]|" + ESCAPED + rb"2[bB])"
COORDINATES = Detector(
    "LOCATION",
    Gates(
        lambda: (
            rb"(?i)geo(?::|" + ESCAPED + rb"3a)(?:[+-]|" + ESCAPED + rb"2b)?[0-9]",
            _PLUS_OR_MINUS + rb"[0-9]{2,6}\.[0-9]{2,10}" + _PLUS_OR_MINUS + rb"[0-9]{3}",
            rb"[0-9]\xc2\xb0",
            *gates("latitude", "coordinates"),
            *(gates("lat")),
        )
    ),
    _find,
)
