"""What travels with a request beside its trace: read from and written to headers of every kind in one place.

HTTP headers, WSGI environments, ASGI's pairs of bytes, gRPC metadata and the headers of AMQP, Kafka and Celery messages.
A field that other parts want to send along, such as a deadline, registers itself here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Generic, TypeVar, cast

T = TypeVar("T")
_WSGI: Final = "wsgi.version"


@dataclass(frozen=True, slots=True)
class CarrierField(Generic[T]):
    """One value that travels: under the names of its headers, in lower case; the first is the one that is written.

    `parse` makes the value of what a stranger sent, None of what cannot be used; `format` does the reverse. `current` is
    the value to send from here, None for nothing; `bind` puts a received one into force for the length of a `with`.
    """

    name: str
    headers: tuple[str, ...]
    parse: Callable[[str], T | None]
    format: Callable[[T], str]
    current: Callable[[], T | None]
    bind: Callable[[T], AbstractContextManager[object]]


_fields: Final[list[CarrierField[Any]]] = []
_names: Final[set[str]] = set()  # of all headers of all fields


def register(field: CarrierField[Any]) -> Callable[[], None]:
    """Let a field travel; returns what takes it back. Raises ValueError for a name or header that is taken."""
    if any(field.name == other.name or set(field.headers) & set(other.headers) for other in _fields):
        raise ValueError(f"{field.name}: another field has this name or one of {', '.join(field.headers)}")
    _fields.append(field)
    _names.update(field.headers)

    def back() -> None:
        _fields.remove(field)
        _names.difference_update(field.headers)

    return back


def read_headers(carrier: object, names: Collection[str]) -> dict[str, str]:
    """The first value of each of these headers, named in lower case, whatever the carrier's form and spelling."""
    wanted, in_wsgi = _spellings(frozenset(names))
    if isinstance(carrier, dict) and _WSGI in carrier:
        return {name: value for key, name in in_wsgi.items() if isinstance(value := carrier.get(key), str)}
    found: dict[str, str] = {}
    for pair in _pairs(carrier):
        try:  # before any check: this is done for every header of every request
            name = wanted.get(pair[0].lower())
            if name is not None and name not in found and (text := _text(pair[1])) is not None:
                found[name] = text
        except (AttributeError, LookupError, TypeError):
            continue  # no pair, or one that has no name
    return found


@functools.lru_cache(64)
def _spellings(names: frozenset[str]) -> tuple[Mapping[str | bytes, str], Mapping[str, str]]:
    """The names in lower case, as text and as bytes, and those of WSGI's environment; each with the name it is of."""
    wanted: dict[str | bytes, str] = {name: name for name in names}
    wanted |= {name.encode("latin-1"): name for name in names}
    return wanted, {f"HTTP_{name.upper().replace('-', '_')}": name for name in names}


def write_headers(carrier: object, headers: Mapping[str, str]) -> None:
    """Put headers into a carrier that can be changed, in place of those of the same names.

    A list gets pairs of the types that are in it already; text, if it is empty.
    """
    if isinstance(carrier, list):
        carrier[:] = [pair for pair in carrier if _lower(pair[0]) not in headers]
        binary = tuple(isinstance(part, bytes) for part in carrier[0][:2]) if carrier else (False, False)
        carrier += [_encoded(pair, binary) for pair in headers.items()]
        return
    remove_headers(carrier, headers)
    for name, value in headers.items():
        cast(MutableMapping[str, str], carrier)[name] = value


def remove_headers(carrier: object, names: Collection[str]) -> None:
    """Take headers out of a carrier that can be changed, however they are spelled."""
    if isinstance(carrier, list):
        carrier[:] = [pair for pair in carrier if _lower(pair[0]) not in names]
        return
    for key in {key for key, _ in _pairs(carrier) if _lower(key) in names}:
        del cast(MutableMapping[Any, Any], carrier)[key]


def extract(carrier: object) -> dict[str, Any]:
    """The values of all registered fields that a carrier holds in a usable form, by the field's name."""
    headers = read_headers(carrier, _names)
    found: dict[str, Any] = {}
    for field in _fields if headers else ():
        for header in field.headers:
            if header in headers and (value := field.parse(headers[header])) is not None:
                found[field.name] = value
                break
    return found


def outgoing() -> dict[str, str]:
    """The headers to send from here: one for each registered field that has a value."""
    return {field.headers[0]: field.format(value) for field in _fields if (value := field.current()) is not None}


class received:
    """Put the values that a carrier holds into force for the code inside the `with`; yields them by the field's name."""

    __slots__ = ("_entered", "_values")

    def __init__(self, carrier: object) -> None:
        self._values = extract(carrier)
        self._entered: list[AbstractContextManager[object]] = []

    def __enter__(self) -> Mapping[str, Any]:
        for field in _fields if self._values else ():
            if field.name in self._values:
                entered = field.bind(self._values[field.name])
                entered.__enter__()
                self._entered.append(entered)
        return self._values

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        while self._entered:
            self._entered.pop().__exit__(kind, error, traceback)


def _pairs(carrier: object) -> Iterable[Any]:
    if not isinstance(carrier, list | tuple):
        items = getattr(carrier, "items", None)
        carrier = items() if callable(items) else carrier
    return carrier if isinstance(carrier, Iterable) else ()


def _text(value: object) -> str | None:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return _text(value[0]) if value else None
    return value if isinstance(value, str) else None


def _lower(key: object) -> str | None:
    text = key.decode("latin-1") if isinstance(key, bytes) else key
    return text.lower() if isinstance(text, str) else None


def _encoded(pair: tuple[str, str], binary: tuple[bool, ...]) -> tuple[str | bytes, str | bytes]:
    key, value = (part.encode("latin-1") if wanted else part for part, wanted in zip(pair, binary, strict=True))
    return key, value
