"""One action of a policy as a function: from a finding and the text that it covers to what stands in its place.

Each changes nothing when it is called with its own result, and hides the whole value where it cannot do what it was
told: an address that is none, a date without a year.
"""

from __future__ import annotations

import datetime
import ipaddress
import time
from collections.abc import Callable
from pathlib import Path

from errorplane.detectors import Finding, Transform, hide_most, keep_domain, replacement
from errorplane.keys import Sealer
from errorplane.policy import Action
from errorplane.redaction.actions import _generalise as generalise
from errorplane.redaction.actions._forms import base64url, is_output, to_bytes
from errorplane.redaction.actions._keyed import Keyring
from errorplane.redaction.actions._normalise import address_of, normalise

COMMON_DOMAIN = "all"
SEALED_LABEL = b"value"
"""What values are sealed for; what is sealed is the entity, a NUL and the value."""
NUL = b"\x00"


class Compiler:
    """Makes functions of actions. ``clock`` is Unix time in seconds; ``region`` as for ``normalise``.

    Raises ``KeyUnavailable`` and ``SealError`` for keys that cannot be had.
    """

    def __init__(self, keyring: Keyring, clock: Callable[[], float] = time.time, region: str | None = None) -> None:
        self._keyring = keyring
        self._clock = clock
        self._region = region

    def __call__(self, action: Action) -> Transform:
        """The function of one action."""
        domain = action.domain or COMMON_DOMAIN
        match action.do:
            case "replace":
                return _replace
            case "drop":
                return _drop
            case "keep":
                return _keep
            case "mask":
                return lambda _, value: hide_most(value, action.first, action.last, action.char)
            case "keep_domain":
                return _keep_domain
            case "token":
                return self._token(domain)
            case "hmac":
                return self._hmac(domain)
            case "ip_prefix":
                return self._keyed_prefix(domain) if action.keyed else _cut_prefix(action.v4, action.v6)
            case "generalise":
                return self._generalise(str(action.to))
            case "encrypt":
                return _encrypt(Sealer.load(Path(str(action.to))))

    def _token(self, domain: str) -> Transform:
        key, region = self._keyring.tokens(domain), self._region
        return lambda finding, value: (
            value if is_output(value) else key.token(finding.entity, normalise(finding.entity, value, region))
        )

    def _hmac(self, domain: str) -> Transform:
        key, region = self._keyring.hashes(domain), self._region
        return lambda finding, value: (
            value if is_output(value) else key.hash(finding.entity, normalise(finding.entity, value, region))
        )

    def _keyed_prefix(self, domain: str) -> Transform:
        cipher = self._keyring.addresses(domain)

        def keyed(finding: Finding, value: str) -> str:
            if is_output(value):
                return value
            try:
                return f"pfx_{cipher.id}_{cipher.encrypt(address_of(normalise(finding.entity, value)))}"
            except ValueError:
                return replacement(finding.entity)

        return keyed

    def _generalise(self, aim: str) -> Transform:
        def general(finding: Finding, value: str) -> str:
            less = self._less_exact(aim, finding.entity, value)
            return replacement(finding.entity) if less is None else less

        return general

    def _less_exact(self, aim: str, entity: str, value: str) -> str | None:
        match aim:
            case "year":
                now = datetime.datetime.fromtimestamp(self._clock(), datetime.UTC)
                oldest = generalise.oldest_year(now.year) if "BIRTH" in entity else None
                return generalise.year(value, oldest=oldest)
            case "zip3":
                return generalise.zip3(value)
            case "age":
                return generalise.age(value)
            case "geo":
                return generalise.geo(value)
            case _:
                raise ValueError(f"nothing is generalised to {aim}")


def _replace(finding: Finding, value: str) -> str:
    return replacement(finding.entity)


def _drop(finding: Finding, value: str) -> str:
    return ""


def _keep(finding: Finding, value: str) -> str:
    return value


def _keep_domain(finding: Finding, value: str) -> str:
    return keep_domain(finding.entity, normalise("EMAIL_ADDRESS", value))


def _cut_prefix(v4: int, v6: int) -> Transform:
    """The network of an address, as its first address: ``203.0.113.0``."""

    def cut(finding: Finding, value: str) -> str:
        try:
            address = address_of(normalise("IP_ADDRESS", value))
        except ValueError:
            return replacement(finding.entity)
        bits = v4 if isinstance(address, ipaddress.IPv4Address) else v6
        return str(ipaddress.ip_network((address, bits), strict=False).network_address)

    return cut


def _encrypt(sealer: Sealer) -> Transform:
    return lambda finding, value: value if is_output(value) else _sealed(sealer, finding.entity, to_bytes(value))


def seal_to(path: Path, entity: str) -> Callable[[bytes], str]:
    """What turns bytes into ``enc_<kid>_<base64url>``, named as ``entity``. Raises ``SealError``."""
    sealer = Sealer.load(path)
    return lambda data: _sealed(sealer, entity, data)


def _sealed(sealer: Sealer, entity: str, data: bytes) -> str:
    return f"enc_{sealer.id}_{base64url(sealer.seal(entity.encode() + NUL + data, SEALED_LABEL))}"
