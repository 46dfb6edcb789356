"""The headers of one request, now that it is known to whom it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry import propagate

from errorplane.context import outgoing, read_headers, remove_headers, write_headers
from errorplane.hooks import GUARD
from errorplane.propagation._gate import BAGGAGE_HEADER, allowed_entries, destination, is_baggage
from errorplane.propagation._rules import Rules

Headers = Mapping[str, str]
HostOf = Callable[[], str | None]
"""How to find the host, which is done within the guard; None where it is not known."""
_NO_HEADERS: Final[Headers] = {}


def headers_for(rules: Rules, host_of: HostOf, carried: object) -> Headers | None:
    """What to send to a host beside the headers that are there: the correlation id and other fields, and baggage, with
    what of it is among `carried` already. None where the host may have none of it."""
    host = host_of()
    if host not in rules.hosts:
        return None
    injected: dict[str, str] = {}
    with destination(host or ""):
        propagate.inject(injected)
    found = {name: value for name, value in injected.items() if is_baggage(name)}
    sent = outgoing()
    present = read_headers(carried, {BAGGAGE_HEADER, *sent})
    if entries := allowed_entries(present.get(BAGGAGE_HEADER, ""), rules):
        found[BAGGAGE_HEADER] = _joined(entries, found.get(BAGGAGE_HEADER, ""))
    return found | {name: value for name, value in sent.items() if name not in present}


def apply(rules: Rules, host_of: HostOf, carrier: Any) -> Headers:
    """Put them into a carrier that can be changed, or take all baggage out of it; returns what was put in."""
    headers = GUARD.run("headers_for", headers_for, rules, host_of, carrier)
    if not headers or BAGGAGE_HEADER not in headers:
        remove_headers(carrier, _baggage_in(carrier))
    if headers:
        write_headers(carrier, headers)
    return headers or _NO_HEADERS


@contextmanager
def applied(rules: Rules, host_of: HostOf, carrier_of: Callable[[], Any]) -> Iterator[None]:
    """Headers in a carrier while a request is sent, and not after: a redirect would take them along, to another host.
    Baggage that the code has put in itself is back then, for a request that is sent again."""
    own: dict[str, str] = {}

    def put() -> Headers:
        carrier = carrier_of()
        own.update(read_headers(carrier, _baggage_in(carrier)))
        return apply(rules, host_of, carrier)

    def take_back() -> None:
        carrier = carrier_of()
        remove_headers(carrier, headers or ())
        write_headers(carrier, own)

    headers = GUARD.run("propagate", put)
    try:
        yield
    finally:
        if headers or own:
            GUARD.run("propagate", take_back)


def extended(rules: Rules, host_of: HostOf, metadata: tuple[Any, ...]) -> tuple[Any, ...]:
    """Pairs of a carrier that cannot be changed, with the headers for a host, or without any baggage."""
    pairs = [pair for pair in metadata if not is_baggage(str(pair[0]))]
    headers = GUARD.run("headers_for", headers_for, rules, host_of, metadata)
    return (*pairs, *headers.items()) if headers else tuple(pairs)


def _joined(present: str, added: str) -> str:
    """Entries of both, those that are present first; of a key that is in both, the present one."""
    keys = {entry.partition("=")[0].strip() for entry in present.split(",")}
    new = (entry for entry in added.split(",") if entry and entry.partition("=")[0].strip() not in keys)
    return ",".join((present, *new))


def _baggage_in(carrier: Any) -> set[str]:
    items = carrier.items() if hasattr(carrier, "items") else carrier
    names = (key.decode("latin-1") if isinstance(key, bytes) else str(key) for key, *_ in items)
    return {name.lower() for name in names if is_baggage(name)}
