"""One spelling for one value, so that equal values get equal tokens.

An e-mail address is in lower case as a whole: RFC 5321 lets a server tell local parts apart by case, and none that
matters does. What a token is turned back to is this spelling, not the one that was written.
"""

from __future__ import annotations

import functools
import ipaddress
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

import phonenumbers

from errorplane.detectors.text._escapes import unescape
from errorplane.detectors.text._fold import fold

_REMEMBERED = 4096
_ROUNDS = 3  # of escapes in escapes
_NO_DIGIT = re.compile(r"[^0-9]+")
_NO_SIGN = re.compile(r"[\W_]+")
_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_MAC_DIGITS: Final = 12


@functools.lru_cache(_REMEMBERED)
def normalise(entity: str, value: str, region: str | None = None) -> str:
    """The one spelling of a value. ``region`` (ISO 3166-1) is where telephone numbers without a country are from.

    >>> normalise("EMAIL_ADDRESS", "Bob%40Example.COM"), normalise("CREDIT_CARD", "4111 1111-1111 1111")
    ('bob@example.com', '4111111111111111')
    """
    if entity == "PHONE_NUMBER":
        return _phone(_plain(value), region)
    rule = _RULES.get(entity)
    if rule is None:
        return unicodedata.normalize("NFKC", value).strip()
    plain = _plain(value)
    return rule(plain) or plain


def _plain(value: str) -> str:
    for _ in range(_ROUNDS):
        read = unicodedata.normalize("NFKC", fold(unescape(value).text)).strip()
        if read == value:
            break
        value = read
    return value


def _lower(value: str) -> str:
    return _plain(value.lower())  # lower case may make an escape: \R


def _phone(value: str, region: str | None) -> str:
    """E.164, with the extension as in RFC 3966; the digits where the country is not known."""
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return ("+" if value.startswith("+") else "") + _digits(value) or value
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return f"{written};ext={number.extension}" if number.extension else written


def _digits(value: str) -> str:
    return _NO_DIGIT.sub("", value)


def _code(value: str) -> str:
    return _NO_SIGN.sub("", value).upper()


def address_of(value: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address that a text writes, its zone and leading zeros left out. Raises ``ValueError``."""
    host = value.partition("%")[0].strip("[]")
    if ":" in host:
        six = ipaddress.IPv6Address(host)
        return six.ipv4_mapped or six
    return ipaddress.IPv4Address(_ZEROS.sub("", host))


def _address(value: str) -> str:
    try:
        return str(address_of(value))
    except ValueError:
        return _lower(value)


def _mac(value: str) -> str:
    digits = _NO_SIGN.sub("", value).lower()
    return ":".join(re.findall("..", digits)) if len(digits) == _MAC_DIGITS else digits


_RULES: Mapping[str, Callable[[str], str]] = {
    "EMAIL_ADDRESS": _lower,
    "IP_ADDRESS": _address,
    "MAC_ADDRESS": _mac,
    **dict.fromkeys(("CREDIT_CARD", "US_SSN", "US_ITIN", "US_NPI", "UK_NHS", "PL_PESEL", "IMEI"), _digits),
    **dict.fromkeys(
        ("IBAN_CODE", "UK_NINO", "US_MBI", "ES_NIF", "ES_NIE", "IT_FISCAL_CODE", "EU_VAT", "VIN_CODE"), _code
    ),
}
