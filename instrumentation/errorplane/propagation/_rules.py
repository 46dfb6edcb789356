"""What may travel, and to whom: lists of keys and of hosts, everything else stays."""

from __future__ import annotations

import functools
import logging
import re
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from errorplane import settings

_log: Final = logging.getLogger("errorplane.propagation")
_ALL: Final = "*"
_NONE: Final = "none"
_PRIVATE: Final = "private"
_PRIVATE_SUFFIXES: Final = (".localhost", ".local", ".internal", ".svc", ".cluster.local")
# RFC 1918, RFC 4193 and loopback. Not link-local addresses: the metadata services of clouds answer there.
_PRIVATE_NETWORKS: Final = tuple(
    map(ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"))
)
_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_REMEMBERED: Final = 1024

Network = IPv4Network | IPv6Network


class Keys:
    """An allow-list of baggage keys: exact ones, `prefix*`, `*` for all; `none` or nothing for none."""

    def __init__(self, words: Iterable[str]) -> None:
        words = [word for word in words if word != _NONE]
        self._exact = frozenset(word for word in words if not word.endswith(_ALL))
        self._prefixes = tuple(word[:-1] for word in words if word.endswith(_ALL))

    def __contains__(self, key: str) -> bool:
        return key in self._exact or key.startswith(self._prefixes)


class Hosts:
    """An allow-list of hosts: names, `*.suffix`, addresses, networks, `private`, `*` for all; `none` or nothing for none.

    A host that is not known, None, is none of them unless all are allowed.
    """

    def __init__(self, words: Iterable[str]) -> None:
        words = [word for word in map(str.lower, words) if word != _NONE]
        self.all = _ALL in words
        self._private = _PRIVATE in words
        self._names: set[str] = set()
        self._suffixes: list[str] = list(_PRIVATE_SUFFIXES) if self._private else []
        self._networks: list[Network] = list(_PRIVATE_NETWORKS) if self._private else []
        for word in words:
            if word not in (_ALL, _PRIVATE):
                self._add(word)
        self._remembered = functools.lru_cache(_REMEMBERED)(self._look_up)

    def __contains__(self, host: str | None) -> bool:
        return self.all or (bool(host) and host is not None and self._remembered(host))

    def _add(self, word: str) -> None:
        if (network := _network(word)) is not None:
            self._networks.append(network)
        elif (name := _name(word.removeprefix("*.").rstrip("."))) is None:
            _log.warning(
                "%s: %r is no name, *.suffix, address or network and is passed over", settings.BAGGAGE_HOSTS, word
            )
        elif word.startswith("*."):
            self._suffixes.append(f".{name}")
        else:
            self._names.add(name)

    def _look_up(self, host: str) -> bool:
        host = host.strip("[]").lower().rstrip(".")
        address = _address(host.partition("%")[0] if ":" in host else host)
        if address is not None:
            return any(address in network for network in self._networks)
        name = _name(host)
        return name is not None and (
            name in self._names or name.endswith(tuple(self._suffixes)) or (self._private and "." not in name)
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """What one `attach` allows. After `detach` the parts that cannot be taken out ask `active` and do nothing."""

    outbound: Keys
    hosts: Hosts
    inbound: Keys
    mask: bool
    active: Callable[[], bool]

    @classmethod
    def of(cls, environ: Mapping[str, str], active: Callable[[], bool] = lambda: True) -> Rules:
        """The rules that the environment describes."""
        keys = settings.BAGGAGE_KEYS if settings.BAGGAGE_KEYS in environ else settings.BAGGAGE_SPAN_KEYS
        inbound = settings.BAGGAGE_INBOUND if settings.BAGGAGE_INBOUND in environ else settings.BAGGAGE_SPAN_KEYS
        return cls(
            Keys(settings.words(environ, keys)),
            Hosts(settings.words(environ, settings.BAGGAGE_HOSTS)),
            Keys(settings.words(environ, inbound)),
            settings.flag(environ, settings.BAGGAGE_MASK),
            active,
        )


def _network(word: str) -> Network | None:
    try:
        return ip_network(word.strip("[]"), strict=False)
    except ValueError:
        return None


def _address(name: str) -> IPv4Address | IPv6Address | None:
    """The address that a host is written as, in any of the forms that resolvers take: 134744072 is 8.8.8.8."""
    try:
        address = ip_address(name)
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(name)) if name[:1].isdigit() else None
        except (OSError, ValueError):
            return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _name(host: str) -> str | None:
    """A name in lower case as it is looked up: in ASCII (RFC 3490), which some clients hand on and others do not.

    None for what is no plain name. Clients disagree on the rest, so a name inside could be one outside to them: urllib
    takes `orders%2eexample.com` for `orders.example.com`, and a letter such as sharp s is one or two by the edition.
    """
    if not host.isascii():
        try:
            name = host.encode("idna")
            host = name.decode() if name.decode("idna") == host else ""
        except UnicodeError:
            return None
    return host if _NAME.fullmatch(host) else None
