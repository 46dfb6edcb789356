"""Tokens turned back, for those who have the keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from errorplane.keys import Key, Opener, SealError
from errorplane.redaction.actions._compile import COMMON_DOMAIN, NUL, SEALED_LABEL
from errorplane.redaction.actions._forms import ADDRESS, HMAC, KID, SEALED, TOKEN, from_base64url, to_text
from errorplane.redaction.actions._keyed import TokenKey
from errorplane.redaction.actions._plan import Effective

_MARK = re.compile(rf"_(?P<kid>{KID})_(?=[a-z2-7])")


class RevealError(Exception):
    """A token that cannot be turned back; says why, and holds nothing of a value."""


@dataclass(frozen=True, slots=True)
class Revealed:
    """A token and what it stands for. ``domain`` is empty for what was sealed to a public key."""

    token: str
    entity: str
    kid: str
    domain: str
    value: str = field(repr=False)


class Place(NamedTuple):
    """Where a token stands in a text."""

    start: int
    end: int
    revealed: Revealed


class _Known(NamedTuple):
    domain: str
    key: TokenKey


def domains_of(effective: Effective) -> frozenset[str]:
    """Every domain in which a policy makes tokens, and the common one."""
    actions = (action for actions in effective.values() for action in actions.values())
    return frozenset({COMMON_DOMAIN, *(action.domain for action in actions if action.domain is not None)})


class Revealer:
    """Turns back the tokens of these domains under these keys, and what was sealed to the public key of ``opener``."""

    def __init__(self, domains: Iterable[str], keys: Iterable[Key], opener: Opener | None = None) -> None:
        made = ((domain, TokenKey.derive(key, domain)) for key in keys for domain in sorted(domains))
        self._known: Mapping[str, _Known] = {key.id: _Known(domain, key) for domain, key in made}
        self._opener = opener

    def one(self, token: str) -> Revealed:
        """What one token stands for. Raises ``RevealError``."""
        if HMAC.fullmatch(token):
            raise RevealError("is a keyed hash: nobody turns it back")
        if ADDRESS.fullmatch(token):
            raise RevealError("is an address encrypted to be compared: it is not turned back")
        sealed = SEALED.fullmatch(token)
        if sealed is not None:
            return self._sealed(sealed)
        whole = TOKEN.fullmatch(token)
        if whole is None:
            raise RevealError("is no token: one looks like tok_<entity>_<kid>_<payload> or enc_<kid>_<payload>")
        known = self._known.get(whole["kid"])
        if known is None:
            raise RevealError(
                f"was made with a key, or in a domain, that this policy does not name (kid {whole['kid']}): add the key "
                "to keys.retired_tokens, or name the domain with --domain"
            )
        for place in self._at(token, 0, whole.start("kid") - 1, known):
            if (place.start, place.end) == (0, len(token)):
                return place.revealed
        raise RevealError("is damaged: it is not as it was made")

    def places(self, text: str) -> Iterator[Place]:
        """Every token in a text that can be turned back, in order; the others are passed over."""
        found = sorted((*self._tokens(text), *self._all_sealed(text)), key=_start)
        done = 0
        for place in found:
            if place.start >= done:
                yield place
                done = place.end

    def _tokens(self, text: str) -> Iterator[Place]:
        done = 0
        for mark in _MARK.finditer(text):
            known = self._known.get(mark["kid"])
            if known is None or mark.start() < done:
                continue
            for place in self._at(text, done, mark.start(), known):
                done = place.end
                yield place

    def _at(self, text: str, floor: int, at: int, known: _Known) -> Iterator[Place]:
        opened = known.key.find(text, floor, at)
        if opened is not None:
            token = text[opened.start : opened.end]
            revealed = Revealed(token, opened.entity, known.key.id, known.domain, opened.value)
            yield Place(opened.start, opened.end, revealed)

    def _all_sealed(self, text: str) -> Iterator[Place]:
        for match in SEALED.finditer(text) if self._opener is not None else ():
            try:
                yield Place(match.start(), match.end(), self._sealed(match))
            except RevealError:
                continue

    def _sealed(self, match: re.Match[str]) -> Revealed:
        opener = self._opener
        if opener is None:
            raise RevealError("is sealed to a public key: name the file of the private one with --private-key")
        if match["kid"] != opener.id:
            raise RevealError(f"is sealed to another key ({match['kid']}) than that of --private-key ({opener.id})")
        try:
            entity, _, value = opener.open(from_base64url(match["payload"]), SEALED_LABEL).partition(NUL)
        except (SealError, ValueError):
            raise RevealError("is damaged: it is not as it was made") from None
        return Revealed(match[0], entity.decode(), opener.id, "", _readable(value))


def _readable(value: bytes) -> str:
    try:
        return to_text(value)
    except ValueError:
        return value.decode("utf-8", "surrogateescape")


def _start(place: Place) -> int:
    return place.start
