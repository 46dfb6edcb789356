"""Where a text gives a value to a secret's name: ``password=x``, ``"token": "x"``, ``Authorization: Bearer x``, ..."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from errorplane.detectors._lazy import lazy
from errorplane.detectors.context._keys import NAME_SUFFIX, SECRET_NAMES, TOKEN_NAMES, one_of
from errorplane.detectors.text._values import (
    BARE,
    ENCODED,
    LINE,
    OBJECT,
    closing,
    is_like_password,
    is_placeholder,
    is_prose,
    is_random,
)

_NAME = lazy(
    f"(?:(?P<secret>{one_of(SECRET_NAMES)}|(?<![a-z0-9])(?:pass|pw)(?![a-z0-9_]))|(?P<token>(?<!public[-._ ]key)(?<!publickey){one_of(TOKEN_NAMES)})){NAME_SUFFIX}"
)
_SIGN = lazy(
    r"""
      (?: \\{0,7}["'`] )? \]?                                          # the name's own closing quote
      (?: [ \t]{0,8} (?: ={1,3}>? | :=? (?![:/]) ) [ \t]{0,8} (?: \r?\n [ \t]{0,8} )? \[?   # = == => := :
        | (?P<encoded> %(?:25){0,2}3[ad] (?: %(?:25){0,2}20 | \+ )? )
        | [ ] (?:is|was|est|ist|es|lautet) [ ]{1,2} (?: : [ ] )?  # password is x
        | \( (?=["'])                                                  # setPassword("x")
        | [\s,]{1,20} \\{0,7}["']? value \\{0,7}["']? \s? [:=] \s?      # "name": "password", "value": "x"
          (?: \{ \s? \\{0,7}["'] string_?value \\{0,7}["'] \s? : \s? )?
      | (?: \r?\n | \\{1,4}n )[ ]{2} [^\r\n\[\\]{1,200} \[type=[a-z_]{1,60}, [ ] input_value= (?=')  # an error of Pydantic
      )
      | \\{0,7}["'] (?: \r?\n ){2}                                            # name="password", then a part of a form
    """,
    re.VERBOSE,
)
_WORDY_SIGN = lazy(r"[ :]")
_LISTED = lazy(r"""["'],[ ]?(?=[bru]{0,2}["'])""")
_LIST_BEFORE = lazy(r"""(?:["']--?|\(b?["'])[a-z0-9_.-]{0,40}\Z""")  # ['--password', 'x'] or ('password', 'x')
_OPTION = lazy(r"(?:^|[^a-z0-9_-])--?[a-z0-9][a-z0-9_.-]{0,40}\Z|(?:^|[^a-z0-9_-])--?\Z")
_ELEMENT = lazy(r"<[a-z0-9_:.-]{0,40}\Z")
_ELEMENT_END = lazy(r"(?:\s[^<>]{0,200})?>(?P<data><!\[cdata\[)?")
_QUOTE = lazy(r"""(?:[a-z_][a-z0-9_.]{0,40}\()?[bru]{0,2}(?P<quote>\\{0,7}["'`])""")
_FOLDER = lazy(r"[/~]|[A-Za-z]:\\")  # PWD=/home/bob
_WORDS_BEFORE = lazy(
    r"(?:(?P<alias>' as [a-z0-9_.\[\"`-]{0,40})|[\"'`]? (?:is|was) (?:my|the|your|his|her|our|their) (?:[a-z]{3,12} )?)\Z"
)
_SCHEME = lazy(r"(?:bearer|basic|negotiate|token|api-?key|(?P<list>digest|hawk|oauth|aws4-hmac-sha256))(?: |%20|\+)+")


class Assignment(NamedTuple):
    """A value in a text, and whether its name is one of tokens rather than of secrets."""

    start: int
    end: int
    token: bool


def find_assignments(text: str, low: str) -> Sequence[Assignment]:
    """Values of secrets' names, in order, none inside of another; linear in the length of the text."""
    if not _may_name(low):
        return ()
    found: list[Assignment] = []
    at = 0
    while (name := _NAME.search(low, at)) is not None:
        at = name.end()
        value = value_of(text, low, name)
        if value is None and name["secret"]:
            value = _spoken(text, low, at) or _before(text, low, name.start(), found[-1].end if found else 0)
        if value is not None and not is_placeholder(text[slice(*value)]):
            start, at = value
            found.append(Assignment(start, at, name["token"] is not None))
    return found


def _may_name(low: str) -> bool:
    """Whether a text holds a part of such a name at all; ten times as fast as a look for the names."""
    return (
        "pass" in low
        or "token" in low
        or "key" in low
        or "secret" in low
        or "pw" in low
        or "credential" in low
        or "authori" in low
        or "cookie" in low
        or "bearer" in low
        or "jwt" in low
        or "sig" in low
        or "sess" in low
        or "kennwort" in low
        or "senha" in low
        or "contrase" in low
        or "wachtwoord" in low
        or "parola" in low
        or not low.isascii()
    )


def value_of(text: str, low: str, name: re.Match[str]) -> tuple[int, int] | None:
    """Where the value is that a text gives to a name in it; None where it gives none."""
    end = name.end()
    sign = _SIGN.match(low, end)
    if sign is not None:
        if sign["encoded"]:
            return _span(ENCODED.match(text, sign.end()))
        return _signed(text, low, name[0], sign.end(), wordy=_WORDY_SIGN.search(sign[0]) is not None)
    before = low[max(0, name.start() - 44) : name.start()]
    if low.startswith(" ", end) and _OPTION.search(before):
        return _quoted(text, low, end + 1) or _span(BARE.match(text, end + 1))
    if low.startswith((">", " "), end) and (opening := _ELEMENT.search(before)) is not None:
        return _element(text, low, name.start() - len(before) + opening.start(), end)
    if low.startswith(("'", '"'), end):
        listed = _LISTED.match(low, end)
        return _quoted(text, low, listed.end()) if listed is not None and _LIST_BEFORE.search(before) else None
    if name[0].startswith("pass") and low.startswith((" '", ' "'), end):
        return _quoted(text, low, end + 1)
    return None


def _signed(text: str, low: str, name: str, at: int, *, wordy: bool) -> tuple[int, int] | None:
    """The value after a sign; None where a sentence goes on (``wordy``: the sign may be punctuation)."""
    quoted = _quoted(text, low, at)
    if quoted is not None:
        return quoted
    scheme = _SCHEME.match(low, at)
    if scheme is not None:
        credentials = (LINE if scheme["list"] else BARE).match(text, scheme.end())
        return None if credentials is None or is_prose(credentials[0]) else credentials.span()
    if name.startswith("cookie"):
        line = OBJECT.match(text, at) or LINE.match(text, at)
        return _span(line) if line is not None and (not wordy or "=" in line[0] or ":" in line[0]) else None
    value = BARE.match(text, at)
    if value is None or (name == "pass" and value[0].isdigit()) or (wordy and is_prose(value[0])):
        return None
    if name == "pwd" and _FOLDER.match(value[0]) is not None:
        return None
    if name.startswith("authori"):
        return _credentials(text, value)
    if name.startswith(("token", "jwt", "bearer")):
        return value.span() if is_random(value[0]) else None
    return value.span()


def _spoken(text: str, low: str, at: int) -> tuple[int, int] | None:
    """The word after a name in a sentence, quoted or not, if no sentence has such words: ``password Hk8!xo0q rejected``."""
    if not low.startswith(" ", at):
        return None
    at += 1
    start, end = _quoted(text, low, at) or _span(BARE.match(text, at)) or (at, at)
    while end > start and text[end - 1] in ".,:;":
        end -= 1
    return (start, end) if is_like_password(text[start:end]) else None


def _before(text: str, low: str, name: int, bound: int) -> tuple[int, int] | None:
    """A value that stands before its name, and not before ``bound``: ``'x' AS password``, ``Hk8!xo0q is my password``."""
    ahead = max(bound, name - 300)
    words = _WORDS_BEFORE.search(low, max(ahead, name - 60), name)
    if words is None:
        return None
    end = words.start()
    if words["alias"]:
        start = text.rfind("'", ahead, end) + 1
        return (start, end) if start else None
    start = max(ahead, text.rfind(" ", ahead, end) + 1)
    while start < end and text[start] in "\"'`(":
        start += 1
    return (start, end) if is_like_password(text[start:end]) else None


def _credentials(text: str, word: re.Match[str]) -> tuple[int, int] | None:
    """After ``Authorization:``, of any scheme: ``SSWS 00abc``, ``SharedAccessSignature sr=...&sig=...``."""
    parameter = BARE.match(text, word.end() + 1) if text.startswith(" ", word.end()) else None
    if parameter is not None and ("=" in parameter[0] or is_random(parameter[0])):
        line = LINE.match(text, parameter.start())
        return word.start(), parameter.end() if line is None else line.end()
    return word.span() if is_random(word[0]) else None


def _quoted(text: str, low: str, at: int) -> tuple[int, int] | None:
    opening = _QUOTE.match(low, at)
    if opening is None:
        return None
    start, end = opening.end(), closing(text, opening.end(), opening["quote"])
    scheme = _SCHEME.match(low, start, end)
    start = start if scheme is None else scheme.end()
    while start < end and text[start] in " \t\r\n":
        start += 1
    return start, end


def _element(text: str, low: str, opening: int, end: int) -> tuple[int, int] | None:
    """``<password>x</password>``, but not ``List<Password>``."""
    tag = _ELEMENT_END.match(low, end)
    if tag is None:
        return None
    start = tag.end()
    stop = text.find("]]>" if tag["data"] else "<", start)
    closed = tag["data"] or low.startswith("</" + low[opening + 1 : end], stop)
    if not closed and opening > 0 and (low[opening - 1].isalnum() or low[opening - 1] == "_"):
        return None
    return start, stop if stop >= 0 else len(text)


def _span(match: re.Match[str] | None) -> tuple[int, int] | None:
    return None if match is None else match.span()
