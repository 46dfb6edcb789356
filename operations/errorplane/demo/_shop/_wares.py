"""Personal data and secrets that look real and belong to nobody: made from a seed, each value only once."""

from __future__ import annotations

import base64
import json
import os
import random
import string
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

_FIRST = ("anna", "bilal", "chen", "dora", "emre", "fatou", "goran", "hana", "ines", "jonas", "kofi", "lena")
_LAST = ("berger", "castillo", "diallo", "eriksen", "fischer", "garcia", "haddad", "ito", "jensen", "kaplan")
_DOMAINS = ("post.example.org", "mail.example.net", "example.com")
# Leading digits and length of issued card ranges: Visa, Mastercard, American Express, Discover.
_CARDS = (("4539", 16), ("5412", 16), ("2221", 16), ("3782", 15), ("6011", 16))
_BASE62 = string.ascii_letters + string.digits


class Wares:
    """Makes values and writes each one down in ``path``, with where it goes, so that the run can look for leaks."""

    def __init__(self, path: Path, seed: str) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._made: set[str] = set()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def email(self, place: str) -> str:
        """An e-mail address."""
        return self._plant("EMAIL_ADDRESS", place)

    def card(self, place: str) -> str:
        """A payment card number with a right check digit, in one of the ways people write it."""
        return self._plant("CREDIT_CARD", place)

    def iban(self, place: str) -> str:
        """A German IBAN with right check digits."""
        return self._plant("IBAN_CODE", place)

    def ssn(self, place: str) -> str:
        """A US social security number."""
        return self._plant("US_SSN", place)

    def phone(self, place: str) -> str:
        """A phone number."""
        return self._plant("PHONE_NUMBER", place)

    def address(self, place: str) -> str:
        """A public IP address, of version 4 or 6."""
        return self._plant("IP_ADDRESS", place)

    def bearer(self, place: str) -> str:
        """The token of an ``Authorization: Bearer`` header, without those words."""
        return self._plant("BEARER_TOKEN", place)

    def jwt(self, place: str) -> str:
        """A signed JSON web token."""
        return self._plant("JWT", place)

    def aws_key(self, place: str) -> str:
        """The id of an AWS access key."""
        return self._plant("AWS_KEY", place)

    def password(self, place: str) -> str:
        """A password."""
        return self._plant("PASSWORD", place)

    def _plant(self, entity: str, place: str) -> str:
        with self._lock:
            value = _MAKERS[entity](self._random)
            while value in self._made:
                value = _MAKERS[entity](self._random)
            self._made.add(value)
        line = json.dumps({"entity": entity, "value": value, "place": place}) + "\n"
        os.write(self._file, line.encode())
        return value


def _email(rng: random.Random) -> str:
    return f"{rng.choice(_FIRST)}.{rng.choice(_LAST)}{rng.randint(10, 9999)}@{rng.choice(_DOMAINS)}"


def _card(rng: random.Random) -> str:
    prefix, length = rng.choice(_CARDS)
    body = prefix + _digits(rng, length - len(prefix) - 1)
    number = body + luhn_digit(body)
    separator = rng.choice(("", " ", "-"))
    if length != 16:
        return number
    return separator.join(number[at : at + 4] for at in range(0, 16, 4))


def luhn_digit(body: str) -> str:
    """The check digit that makes ``body`` a valid card number (ISO/IEC 7812-1).

    >>> luhn_digit("411111111111111")
    '1'
    """
    total = 0
    for position, char in enumerate(reversed(body)):
        digit = int(char) * (2 if position % 2 == 0 else 1)
        total += digit - 9 if digit > 9 else digit
    return str(-total % 10)


def _iban(rng: random.Random) -> str:
    account = _digits(rng, 18)
    check = 98 - int(account + "131400") % 97  # ISO 13616: "DE" is 1314, then 00
    number = f"DE{check:02d}{account}"
    return number if rng.random() < 0.5 else " ".join(number[at : at + 4] for at in range(0, 22, 4))


def _ssn(rng: random.Random) -> str:
    return f"{rng.choice((*range(100, 666), *range(667, 900)))}-{rng.randint(10, 99)}-{rng.randint(1000, 9999)}"


def _phone(rng: random.Random) -> str:
    return f"+49 30 {_digits(rng, 7)}" if rng.random() < 0.5 else f"+1 212-555-{_digits(rng, 4)}"


def _address(rng: random.Random) -> str:
    if rng.random() < 0.25:
        return f"2001:db8:{rng.randint(4096, 65535):x}:{rng.randint(4096, 65535):x}::{rng.randint(256, 65535):x}"
    return f"{rng.choice((81, 93, 151, 203))}.{rng.randint(100, 255)}.{rng.randint(100, 255)}.{rng.randint(100, 255)}"


def _bearer(rng: random.Random) -> str:
    return "".join(rng.choices(_BASE62, k=40))


def _jwt(rng: random.Random) -> str:
    claims = {"sub": _digits(rng, 10), "iat": 1700000000 + rng.randint(0, 99999999)}
    parts = (json.dumps({"alg": "HS256", "typ": "JWT"}).encode(), json.dumps(claims).encode(), rng.randbytes(32))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _aws_key(rng: random.Random) -> str:
    return "AKIA" + "".join(rng.choices(string.ascii_uppercase + "234567", k=16))


def _password(rng: random.Random) -> str:
    return f"{rng.choice(_LAST).capitalize()}-{''.join(rng.choices(_BASE62, k=10))}!"


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices(string.digits, k=count))


_MAKERS: Mapping[str, Callable[[random.Random], str]] = {
    "EMAIL_ADDRESS": _email,
    "CREDIT_CARD": _card,
    "IBAN_CODE": _iban,
    "US_SSN": _ssn,
    "PHONE_NUMBER": _phone,
    "IP_ADDRESS": _address,
    "BEARER_TOKEN": _bearer,
    "JWT": _jwt,
    "AWS_KEY": _aws_key,
    "PASSWORD": _password,
}
