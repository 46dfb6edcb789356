"""Where a text gives a value to a secret's name: ``password=x``, ``"token": "x"``, ``Authorization: Bearer x``, ..."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from errorplane.detectors._keys import NAME_SUFFIX, SECRET_NAMES, TOKEN_NAMES, one_of

_NAME = re.compile(
    f"(?:(?P<secret>{one_of(SECRET_NAMES)}|(?<![a-z0-9])pass(?![a-z0-9_]))|(?P<token>{one_of(TOKEN_NAMES)})){NAME_SUFFIX}"
)
_SIGN = re.compile(
    r"""
      (?: \\{0,3}["'`] )? \]?                                          # the name's own closing quote
      (?: [ \t]{0,8} (?: ={1,3}>? | :=? (?![:/]) ) [ \t]{0,8} (?: \r?\n [ \t]{0,8} )? \[?   # = == => := :
        | %3[ad] (?: %20 | \+ )?                                       # the same, URL-encoded
        | [ ] (?:is|was) [ ]                                           # password is x
        | \( (?=["'])                                                  # setPassword("x")
      )
    """,
    re.VERBOSE,
)
_WORDY_SIGN = re.compile(r"[ :]")
_OPTION = re.compile(r"--?[a-z0-9_-]{0,40}\Z")
_ELEMENT = re.compile(r"<[a-z0-9_:.-]{0,40}\Z")
_QUOTE = re.compile(r"""(?:[bru]{1,2}(?=["']))?(?P<quote>\\{0,3}["'`])""")
# A comma or a bracket belongs to the value unless the text goes on after it with a space or another name.
_BARE = re.compile(
    r"""(?: [^\s;&"'`,)}\]\\] | \\(?!["'rn]) | [,)}\]] (?! [\s,;)}\]"'&] | \Z | [\w.-]{1,40}["']?\s?[=:] ) )+""",
    re.VERBOSE | re.ASCII,
)
_LINE = re.compile(r"""[^\r\n"'\\]+""")
_SCHEME = re.compile(
    r"(?:bearer|basic|negotiate|token|api-?key|(?P<list>digest|hawk|oauth|aws4-hmac-sha256))(?: |%20|\+)+"
)
_HIDDEN = re.compile(
    "<(?:EMAIL_ADDRESS|CREDIT_CARD|IBAN_CODE|US_SSN|IP_ADDRESS|PHONE_NUMBER|BEARER_TOKEN|JWT|AWS_KEY|PASSWORD)>"
)
_PLACEHOLDER = re.compile(
    r"(?i)(?:none|null|nil|undefined|true|false|n/?a|redacted|masked|hidden|filtered|empty|missing|\*+|x{3,}|\.{3,}|-+|\?+"
    r"|[\[<({]+(?:redacted|masked|hidden|filtered|removed|secret|password|token)[\])>}]*|\$\{?\w+\}?|\{\{.*|%[sdr]|\{\w*\}?)\Z"
)
_PROSE = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "authentication",
        "been",
        "cannot",
        "correct",
        "does",
        "empty",
        "error",
        "expired",
        "failed",
        "for",
        "format",
        "from",
        "has",
        "header",
        "incorrect",
        "invalid",
        "is",
        "length",
        "matches",
        "mismatch",
        "missing",
        "must",
        "no",
        "not",
        "of",
        "or",
        "please",
        "provided",
        "rejected",
        "required",
        "reset",
        "revoked",
        "set",
        "should",
        "the",
        "to",
        "too",
        "type",
        "unexpected",
        "unknown",
        "user",
        "validation",
        "verification",
        "was",
        "weak",
        "with",
        "wrong",
        "your",
    ]
)
_RANDOM = re.compile(r"(?=.*[0-9]|.*[a-z].*[A-Z]|.*[A-Z].*[a-z].|.{20}).{4}", re.DOTALL)


class Assignment(NamedTuple):
    """A value in a text, and whether its name is one of tokens rather than of secrets."""

    start: int
    end: int
    token: bool


def may_assign(low: str) -> bool:
    """Whether a text holds a part of such a name at all."""
    return (
        "pass" in low
        or "token" in low
        or "key" in low
        or "secret" in low
        or "pwd" in low
        or "credential" in low
        or "authori" in low
        or "cookie" in low
        or "bearer" in low
        or "jwt" in low
        or "cv" in low
    )


def find_assignments(text: str, low: str) -> Iterator[Assignment]:
    """Values of secrets' names, in order, none inside of another; linear in the length of the text."""
    at = 0
    while (name := _NAME.search(low, at)) is not None:
        at = name.end()
        value = _value(text, low, name)
        if value is not None and not is_placeholder(text[slice(*value)]):
            start, at = value
            yield Assignment(start, at, name["token"] is not None)


def is_placeholder(value: str) -> bool:
    """Whether a value stands for none, or was hidden before.

    >>> is_placeholder("<PASSWORD>"), is_placeholder("****"), is_placeholder("hunter2")
    (True, True, False)
    """
    return not value or _HIDDEN.match(value) is not None or _PLACEHOLDER.match(value) is not None


def _value(text: str, low: str, name: re.Match[str]) -> tuple[int, int] | None:
    end = name.end()
    sign = _SIGN.match(low, end)
    if sign is not None:
        quote = _QUOTE.match(low, sign.end())
        if quote is not None:
            return _without_scheme(text, low, quote.end(), _closing(text, quote.end(), quote["quote"]))
        return _bare_value(text, low, name[0], sign.end(), wordy=_WORDY_SIGN.search(sign[0]) is not None)
    before = max(0, name.start() - 44)
    if low.startswith(" ", end) and _OPTION.search(low, before, name.start()):
        return _span(_BARE.match(text, end + 1))
    if low.startswith(">", end) and (opening := _ELEMENT.search(low, before, name.start())) is not None:
        return _element_value(text, opening.start(), end + 1)
    if name[0].startswith("pass") and low.startswith((" '", ' "'), end):
        return end + 2, _closing(text, end + 2, low[end + 1])
    return None


def _element_value(text: str, opening: int, start: int) -> tuple[int, int] | None:
    """``<password>x</password>``; a replacement looks like an element, but is not closed."""
    stop = text.find("<", start)
    if _HIDDEN.match(text, opening) and not text.startswith("</", stop):
        return None
    return start, stop if stop >= 0 else len(text)


def _bare_value(text: str, low: str, name: str, at: int, *, wordy: bool) -> tuple[int, int] | None:
    """A value without quotes; None where a sentence goes on (``wordy``: the sign may be punctuation)."""
    scheme = _SCHEME.match(low, at)
    if scheme is not None:
        if _HIDDEN.match(text, scheme.end()):
            return None
        return _span((_LINE if scheme["list"] else _BARE).match(text, scheme.end()))
    if name.startswith("cookie"):
        line = _LINE.match(text, at)
        return _span(line) if line is not None and ("=" in line[0] or not wordy) else None
    value = _BARE.match(text, at)
    if value is None or (name == "pass" and value[0].isdigit()):
        return None
    if name.startswith(("token", "authori", "jwt", "bearer")):
        return value.span() if _RANDOM.match(value[0]) and not (value[0].isdigit() and len(value[0]) < 6) else None
    if wordy and value[0].rstrip(".,:;!").lower() in _PROSE:
        return None
    return value.span()


def _span(match: re.Match[str] | None) -> tuple[int, int] | None:
    return None if match is None else match.span()


def _without_scheme(text: str, low: str, start: int, end: int) -> tuple[int, int]:
    scheme = _SCHEME.match(low, start, end)
    start = start if scheme is None else scheme.end()
    while start < end and text[start] in " \t\r\n":
        start += 1
    return start, end


def _closing(text: str, start: int, quote: str) -> int:
    """Where the quote closes that opened before ``start``; the end of the text if it does not."""
    at = start
    while (at := text.find(quote, at)) >= 0:
        slashes = at
        while slashes > start and text[slashes - 1] == "\\":
            slashes -= 1
        if (at - slashes) % 2 == 0 or quote[0] == "\\":
            return at
        at += 1
    return len(text)
