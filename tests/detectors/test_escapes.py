"""What is escaped to the last letter, coloured, or has characters in it that nobody sees, is found whole."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from errorplane.detectors import redact

VALUES = {
    "EMAIL_ADDRESS": "carol.jones@example.org",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "US_SSN": "536-90-4399",
    "IP_ADDRESS": "203.0.113.77",
    "PHONE_NUMBER": "+1 415-555-2671",
    "IBAN_CODE": "DE89370400440532013000",
}
UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202e\u2060\u2064\u2066\u2069\ufeff"


def _of_all(form: str) -> Callable[[str], str]:
    return lambda text: "".join(form.format(ord(char)) for char in text)


def _typeset(text: str) -> str:
    return text.replace(" ", "\u00a0").replace("-", "\u2011")


ESCAPED: dict[str, Callable[[str], str]] = {
    "percent": _of_all("%{:02x}"),
    "percent twice": _of_all("%25{:02X}"),
    "JSON": _of_all("\\u{:04x}"),
    "JSON twice": _of_all("\\\\u{:04X}"),
    "hexadecimal": _of_all("\\x{:02x}"),
    "HTML": _of_all("&#{};"),
    "HTML in hexadecimal": _of_all("&#x{:x};"),
    "HTML twice": _of_all("&amp;#{:03};"),
    "typeset, percent": lambda text: quote(_typeset(text)),
    "typeset, JSON": lambda text: (
        _typeset(text).encode("ascii", "backslashreplace").decode().replace("\\xa0", "\\u00a0")
    ),
    "typeset, HTML": lambda text: _typeset(text).encode("ascii", "xmlcharrefreplace").decode(),
    "full width, JSON": lambda text: "".join(
        f"\\uFF{ord(char) - 32:02x}" if char != " " else "\\u3000" for char in text
    ),
    "full width, percent": lambda text: quote("".join(chr(ord(c) + 0xFEE0) if c != " " else "\u3000" for c in text)),
}
COLOURS = (
    "\x1b[31m{}\x1b[0m",
    "\\u001b[1;31m{}\\u001b[0m",
    "\\x1b[38;5;9m{}\\x1b[m",
    "\\033[1m{}\\033[0m",
    "#033[1m{}#033[0m",
)


@pytest.mark.parametrize("form", ESCAPED)
def test_what_is_escaped_to_the_last_letter(form: str) -> None:
    """The whole of it is replaced, and what stands around it stays."""
    for entity, value in VALUES.items():
        assert redact(f"to '{ESCAPED[form](value)}' now")[0] == f"to '<{entity}>' now"


def test_what_is_coloured() -> None:
    """Letters of a colour's sequence belong to no value; what ends the colour stays."""
    for entity, value in VALUES.items():
        for colour in COLOURS:
            end = colour.partition("{}")[2]
            assert redact(f"to {colour.format(value)} now")[0] == f"to <{entity}>{end} now"


def test_names_and_values_in_different_colours() -> None:
    """A console's renderer colours names and values, not the sign between them."""
    text = "\x1b[36mpassword\x1b[0m=\x1b[35mhunter2\x1b[0m \x1b[36muser\x1b[0m=\x1b[35mbob\x1b[0m"
    assert redact(text)[0] == text.replace("\x1b[35mhunter2", "<PASSWORD>")


@pytest.mark.parametrize("char", UNSEEN, ids=lambda char: f"U+{ord(char):04X}")
def test_what_nobody_sees(char: str) -> None:
    """A character without a width, raw or escaped, anywhere in a value hides no part of it."""
    escaped = (char, quote(char), f"\\u{ord(char):04x}", f"&#{ord(char)};", f"&#x{ord(char):X};")
    for entity, value in VALUES.items():
        for written in escaped:
            for at in range(1, len(value)):
                text = f"to {value[:at]}{written}{value[at:]} now"
                assert redact(text)[0] == f"to <{entity}> now", text


def test_emoji_and_text_of_other_scripts_stay() -> None:
    """Joiners that belong to what is written change nothing."""
    text = "\U0001f469\u200d\U0001f4bb \u0645\u06cc\u200c\u0634\u0648\u062f 12\u200b34 \x1b[32mok\x1b[0m 50%41 C:\\x64\\new"
    assert redact(text) == (text, [])
