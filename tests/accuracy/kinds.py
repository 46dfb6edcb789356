"""Personal data and secrets made by the rules of their issuers, in the forms in which telemetry holds them.

None of it belongs to anyone: numbers are drawn, check digits computed, names invented.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.detectors.samples import BBANS, SCHEMES, card, iban, in_groups


@dataclass(frozen=True, slots=True)
class Kind:
    """An entity: how to make a value, and how people call it."""

    entity: str
    make: Callable[[random.Random], str]
    keys: tuple[str, ...]
    """Names in code, in snake case."""
    words: tuple[str, ...]
    """Names in prose."""
    plain: Callable[[random.Random], str] | None = None
    """A value that shows by itself what it is; None where only its name tells."""
    prefixes: tuple[str, ...] = ("",)
    """What stands before the value and is no part of it."""


def words(text: str) -> tuple[str, ...]:
    """What stands between spaces."""
    return tuple(text.split())


def digits(rnd: random.Random, count: int) -> str:
    """So many random digits."""
    return "".join(rnd.choices(string.digits, k=count))


def fill(rnd: random.Random, form: str) -> str:
    """``#`` a digit, ``%`` a digit from 1, ``&`` a digit from 2, ``?`` a lower and ``^`` an upper letter, ``@`` hexadecimal."""
    pools = {"#": string.digits, "%": "123456789", "&": "23456789", "?": string.ascii_lowercase}
    pools |= {"^": string.ascii_uppercase, "@": "0123456789abcdef"}
    return "".join(rnd.choice(pools[char]) if char in pools else char for char in form)


def token(rnd: random.Random, count: int, signs: str = "") -> str:
    """So many random letters, digits and signs."""
    return "".join(rnd.choices(string.ascii_letters + string.digits + signs, k=count))


_SCHEME_WEIGHTS = [6 if name in ("Visa", "Mastercard", "American Express") else 1 for name, *_ in SCHEMES]


def _card(rnd: random.Random) -> str:
    (_, low, high, lengths) = rnd.choices(SCHEMES, _SCHEME_WEIGHTS)[0]
    number = card(rnd, low, high, rnd.choice(lengths))
    if len(number) in (14, 15) and rnd.random() < 0.3:
        return f"{number[:4]} {number[4:10]} {number[10:]}"
    if len(number) == 16:
        return in_groups(number, rnd.choices(["", " ", "-", ".", "  "], [6, 3, 2, 0.3, 0.3])[0])
    return number


_FIRST = words("ana bob chen dmitri elif fatou george hana ines jörg kofi lucía mei noah olga priya søren tom uma wei")
_LAST = words("smith muller garcía okafor tanaka novak o'brien d'angelo van-dijk kowalska haddad larsen nguyen silva")
_HOSTS = words(
    "example.com example.co.uk mail.example.org shop.example kunde.example.de sub.dept.example.edu corp.internal"
)
_HOSTS += words("müller.example.de xn--mller-kva.example example.photography 例子.example.cn printer.local EXAMPLE.COM")


def _email(rnd: random.Random) -> str:
    first, last, host = rnd.choice(_FIRST), rnd.choice(_LAST), rnd.choice(_HOSTS)
    forms = (
        f"{first}.{last}@{host}",
        f"{first}@{host}",
        f"{first}_{last}{rnd.randrange(100)}@{host}",
        f"{first}+{token(rnd, 5).lower()}@{host}",
        f"{first[0]}{last}@{host}",
        f"{last.upper()}-{first}@{host}",
        f"{digits(rnd, 8)}@{host}",
        f'"{first} {last}"@{host}',
    )
    return rnd.choices(forms, [8, 6, 4, 3, 4, 2, 1, 0.5])[0]


def _iban(rnd: random.Random) -> str:
    code = iban(rnd, rnd.choice(sorted(BBANS)))
    return rnd.choices([code, in_groups(code, " "), in_groups(code, "-"), code.lower()], [6, 4, 0.5, 0.5])[0]


def _ssn(rnd: random.Random) -> str:
    area = rnd.choice([each for each in range(1, 900) if each != 666])
    parts = f"{area:03d}", f"{rnd.randrange(1, 100):02d}", f"{rnd.randrange(1, 10000):04d}"
    return rnd.choices(["-", " ", "."], [12, 1, 0.5])[0].join(parts)


def _named_ssn(rnd: random.Random) -> str:
    number = _ssn(rnd)
    return number if rnd.random() < 0.7 else number.translate(str.maketrans("", "", "- ."))


def _ip(rnd: random.Random) -> str:
    if rnd.random() < 0.6:
        first = rnd.choice([each for each in range(1, 224) if each != 127])
        return ".".join(map(str, (first, rnd.randrange(256), rnd.randrange(256), rnd.randrange(1, 256))))
    prefix = rnd.choice(["2001", "2a02", "2600", "240e", "fd12", "fe80"])
    groups = [
        prefix,
        *(rnd.choice(["0", "0", f"{rnd.getrandbits(16):x}"]) for _ in range(6)),
        f"{rnd.randrange(1, 65536):x}",
    ]
    address = ipaddress.IPv6Address(":".join(groups))
    text = rnd.choices([address.compressed, address.exploded, address.compressed.upper()], [6, 2, 1])[0]
    return rnd.choices([text, f"::ffff:{fill(rnd, '%#.%#.%#.%#')}", f"fe80::{rnd.getrandbits(16):x}%eth0"], [10, 1, 1])[
        0
    ]


# What the numbering plans and their users write; the first part shows by itself that it is a telephone number.
_CLEAR = (
    "+1 (&##) &##-####|+1&##&######|+1-&##-&##-####|(&##) &##-####|&##-&##-####|&##.&##.####|1-&##-&##-####|(&##)&##-####"
    "|&##-&##-####x###|(&##) &##-#### ext. ###|001-&##-&##-####|+44 20 #### ####|+44 (0)20 #### ####|+447### ######|07### ######"
    "|(+44) 20 #### ####|+49 30 %######|+49 (0)17# #######|0171 #######|+33 6 ## ## ## ##|06 ## ## ## ##|06.##.##.##.##|+39 3## #######"
    "|+34 6## ### ###|+41 79 ### ## ##|+41 (0)44 ### ## ##|+46 (0)8 ### ### ##|+46-8-### ### ##|+47 ## ## ## ##|+48 ### ### ###"
    "|+31 6 ########|+32 4## ## ## ##|+43 664 #######|+45 ## ## ## ##|+358 4# ### ####|+351 9## ### ###|+353 8# ### ####|+30 69# ### ####"
    "|+420 ### ### ###|+36 20 ### ####|+40 7## ### ###|+7 9## ###-##-##|+380 ## ### ## ##|+90 5## ### ## ##|+972 5#-###-####|+971 5# ### ####"
    "|+91 9#### #####|+91##########|+86 13# #### ####|+81 90-####-####|090-####-####|03-####-####|+82 10-####-####|+65 #### ####"
    "|+61 4## ### ###|(02) #### ####|+64 21 ### ####|+27 8# ### ####|+234 80# ### ####|+254 7## ######|+20 10 #### ####|+55 11 9####-####"
    "|(11) 9####-####|+54 9 11 ####-####|+52 55 #### ####|+57 3## ### ####|+62 812-####-####|+63 9## ### ####|+66 8# ### ####|+84 9# ### ## ##"
)
_CLEAR_PHONES = tuple(_CLEAR.split("|"))
_NAMED_PHONES = (
    *_CLEAR_PHONES,
    "&##&######",
    "0#########",
    "&## ####",
    "#### ####",
    "## ## ## ##",
    "&##-####",
    "07########",
    "&## ## ###",
)


def _phone(rnd: random.Random) -> str:
    return fill(rnd, rnd.choice(_CLEAR_PHONES))


def _named_phone(rnd: random.Random) -> str:
    return fill(rnd, rnd.choice(_NAMED_PHONES))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _jwt(rnd: random.Random) -> str:
    head = {"alg": rnd.choice(["HS256", "RS256", "ES256"]), "typ": "JWT"}
    body = {"sub": token(rnd, 12), "iat": 1_700_000_000 + rnd.randrange(10**8)}
    parts = [_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (head, body)]
    return ".".join([*parts, token(rnd, 43, "-_")])


def _bearer(rnd: random.Random) -> str:
    return token(rnd, rnd.randrange(20, 60)) + rnd.choice(["", "=="])


def _aws(rnd: random.Random) -> str:
    return rnd.choice(["AKIA", "ASIA"]) + "".join(rnd.choices(string.ascii_uppercase + "234567", k=16))


def _password(rnd: random.Random) -> str:
    return rnd.choice(
        [token(rnd, 12, "!$*-_"), f"{rnd.choice(_FIRST).title()}{rnd.randrange(10_000)}!", token(rnd, 20)]
    )


KINDS: tuple[Kind, ...] = (
    Kind(
        "CREDIT_CARD",
        _card,
        ("card", "card_number", "pan", "cc", "payment_card"),
        ("card", "credit card", "card number"),
        _card,
    ),
    Kind(
        "EMAIL_ADDRESS",
        _email,
        ("email", "user_email", "mail", "contact", "to"),
        ("email", "e-mail address", "mailbox"),
        _email,
    ),
    Kind(
        "IBAN_CODE",
        _iban,
        ("iban", "account", "creditor_iban", "bank_account"),
        ("IBAN", "account", "bank account"),
        _iban,
    ),
    Kind("US_SSN", _named_ssn, ("ssn", "user_ssn", "social_security_number"), ("SSN", "social security number"), _ssn),
    Kind("IP_ADDRESS", _ip, ("client_ip", "remote_addr", "peer", "host", "source"), ("address", "client", "peer"), _ip),
    Kind(
        "PHONE_NUMBER",
        _named_phone,
        ("phone", "phone_number", "mobile", "msisdn", "fax"),
        ("phone", "mobile", "phone number"),
        _phone,
    ),
    Kind(
        "BEARER_TOKEN",
        _bearer,
        ("authorization", "auth_header"),
        ("authorization header",),
        _bearer,
        ("Bearer ", "bearer "),
    ),
    Kind("JWT", _jwt, ("jwt", "id_token"), ("token",), _jwt),
    Kind("AWS_KEY", _aws, ("aws_access_key_id", "access_key_id"), ("access key",), _aws),
    Kind("PASSWORD", _password, ("password", "db_password", "pwd", "client_secret", "api_key"), ("password",)),
)


def kind(entity: str, kinds: Sequence[Kind] = KINDS) -> Kind:
    """The kind of an entity. Raises StopIteration for one that nobody makes."""
    return next(each for each in kinds if each.entity == entity)
