"""What the tests of the detectors share: marked texts, and numbers made by the schemes' published rules."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from urllib.parse import quote, quote_plus

from errorplane.detectors import find

# What the schemes publish: name, lowest and highest leading digits, lengths. Written down apart from the detector's table.
SCHEMES: tuple[tuple[str, int, int, tuple[int, ...]], ...] = (
    ("American Express", 34, 34, (15,)),
    ("American Express", 37, 37, (15,)),
    ("Visa", 4, 4, (13, 16, 19)),
    ("Mastercard", 51, 55, (16,)),
    ("Mastercard 2-series", 222100, 272099, (16,)),
    ("Maestro", 5018, 5018, tuple(range(12, 20))),
    ("Maestro", 5020, 5020, tuple(range(12, 20))),
    ("Maestro", 5038, 5038, tuple(range(12, 20))),
    ("Maestro", 5893, 5893, tuple(range(12, 20))),
    ("Maestro", 6304, 6304, tuple(range(12, 20))),
    ("Maestro", 6759, 6763, tuple(range(12, 20))),
    ("Discover", 6011, 6011, (16, 17, 18, 19)),
    ("Discover", 644, 649, (16, 17, 18, 19)),
    ("Discover", 65, 65, (16, 17, 18, 19)),
    ("UnionPay", 62, 62, (16, 17, 18, 19)),
    ("JCB", 3528, 3589, (16, 17, 18, 19)),
    ("JCB", 2131, 2131, (15,)),
    ("JCB", 1800, 1800, (15,)),
    ("Diners Club", 30, 30, tuple(range(14, 20))),
    ("Diners Club", 36, 36, tuple(range(14, 20))),
    ("Diners Club", 38, 39, tuple(range(14, 20))),
    ("RuPay", 60, 60, (16,)),
    ("RuPay", 81, 82, (16,)),
    ("RuPay", 508, 508, (16,)),
    ("RuPay", 353, 353, (16,)),
    ("RuPay", 356, 356, (16,)),
    ("InstaPayment", 637, 639, (16,)),
    ("InterPayment", 636, 636, (16, 17, 18, 19)),
    ("Mir", 2200, 2204, (16, 17, 18, 19)),
    ("BORICA", 2205, 2205, (16,)),
    ("Verve", 506099, 506198, (16, 18, 19)),
    ("Verve", 650002, 650027, (16, 18, 19)),
    ("Troy", 9792, 9792, (16,)),
    ("UzCard", 8600, 8600, (16,)),
    ("UzCard", 5614, 5614, (16,)),
    ("Humo", 9860, 9860, (16,)),
    ("Dankort", 5019, 5019, (16,)),
    ("LankaPay", 357111, 357111, (16,)),
    ("UkrCard", 60400100, 60420099, (16, 17, 18, 19)),
    ("Napas", 9704, 9704, (16, 19)),
    ("GPN", 1946, 1946, (16, 18, 19)),
    ("China T-Union", 31, 31, (19,)),
)

# The structure of the account number in the IBAN registry: n digits, a letters, c either.
_BBANS = (
    "AD:8n12c AE:19n AL:8n16c AT:16n AZ:4a20c BA:16n BE:12n BG:4a6n8c BH:4a14c BI:23n BR:23n1a1c BY:4c4n16c CH:5n12c "
    "CR:18n CY:8n16c CZ:20n DE:18n DJ:23n DK:14n DO:4c20n EE:16n EG:25n ES:20n FI:14n FK:2a12n FO:14n FR:10n11c2n "
    "GB:4a14n GE:2a16n GI:4a15c GL:14n GR:7n16c GT:4c20c HN:4a20n HR:17n HU:24n IE:4a14n IL:19n IQ:4a15n IS:22n "
    "IT:1a10n12c JO:4a4n18c KW:4a22c KZ:3n13c LB:4n20c LC:4a24c LI:5n12c LT:16n LU:3n13c LV:4a13c LY:21n MC:10n11c2n "
    "MD:20c ME:18n MK:3n10c2n MN:16n MR:23n MT:4a5n18c MU:4a19n3a NI:4a20n NL:4a10n NO:11n OM:3n16c PK:4a16c PL:24n "
    "PS:4a21c PT:21n QA:4a21c RO:4a16c RS:18n RU:14n15c SA:2n18c SC:4a20n3a SD:14n SE:20n SI:15n SK:20n SM:1a10n12c "
    "SO:19n ST:21n SV:4a20n TL:19n TN:20n TR:6n16c UA:6n19c VA:18n VG:4a16n XK:16n YE:4a4n18c"
)
BBANS = dict(entry.split(":") for entry in _BBANS.split())
_LETTERS = {"n": "0123456789", "a": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "c": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def spans(text: str, key: str | None = None) -> list[tuple[str, str]]:
    """What is found: entity and text of each finding."""
    return [(finding.entity, text[finding.start : finding.end]) for finding in find(text, key)]


def marked(text: str) -> tuple[str, list[str]]:
    """A text in which what is to be found stands in ``«»``, without these; and what stood in them."""
    parts = text.replace("»", "«").split("«")
    return "".join(parts), parts[1::2]


def assert_found(entity: str, text: str, key: str | None = None) -> None:
    """The marked parts of a text are found, exactly these, and all as ``entity``."""
    plain, expected = marked(text)
    assert spans(plain, key) == [(entity, part) for part in expected]


def with_check_digit(digits: str) -> str:
    """The number with its Luhn digit, computed as ISO/IEC 7812-1 annex B explains it."""
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (2 - place % 2)
        total += value - 9 if value > 9 else value
    return digits + str(-total % 10)


def card(rnd: random.Random, low: int, high: int, length: int) -> str:
    """A card number of a range of leading digits."""
    prefix = str(rnd.randint(low, high))
    return with_check_digit(prefix + "".join(rnd.choices("0123456789", k=length - 1 - len(prefix))))


def iban(rnd: random.Random, country: str) -> str:
    """An account number of a country, with the check digits of ISO 13616."""
    account, number = "", ""
    for char in BBANS[country]:
        if char.isdigit():
            number += char
        else:
            account += "".join(rnd.choices(_LETTERS[char], k=int(number)))
            number = ""
    value = int("".join(str(int(char, 36)) for char in account + country + "00"))
    return f"{country}{98 - value % 97:02d}{account}"


def in_groups(digits: str, separator: str, size: int = 4) -> str:
    """The characters in groups from the left."""
    return separator.join(digits[at : at + size] for at in range(0, len(digits), size))


def wide(text: str) -> str:
    """The text in full-width forms, with the space of that width."""
    return "".join("\u3000" if char == " " else chr(ord(char) + 0xFEE0) for char in text)


def _dotnet(text: str) -> str:
    return "".join(f"\\u{ord(char):04X}" if char in "\"'&+<>`" or ord(char) > 126 else char for char in text)


def _gson(text: str) -> str:
    return "".join(f"\\u{ord(char):04x}" if char in "'&=<>" else char for char in json.dumps(text)[1:-1])


def _php(text: str) -> str:
    return json.dumps(text)[1:-1].replace("/", "\\/")


def _html(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("'", "&#39;")


ENCODERS: dict[str, Callable[[str], str]] = {
    "percent": lambda text: quote(text, safe=""),
    "form": quote_plus,
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON twice": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "JSON of .NET": _dotnet,
    "JSON of Gson": _gson,
    "JSON of PHP": _php,
    "HTML": _html,
}
"""How one text is put into another."""
