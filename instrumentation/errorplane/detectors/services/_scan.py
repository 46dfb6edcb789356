"""Look for the secrets of ``_rules``, all in one pass; what one rule needs is compiled when it is first needed."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from errorplane.detectors._lazy import lazy
from errorplane.detectors.services import _rules as tables

TABLES: Mapping[str, str] = {
    "GITHUB_TOKEN": tables.GITHUB,
    "GITLAB_TOKEN": tables.GITLAB,
    "SLACK_TOKEN": tables.SLACK,
    "STRIPE_KEY": tables.STRIPE,
    "GCP_API_KEY": tables.GOOGLE,
    "API_KEY": tables.OTHERS,
}
"""By entity: what most people know by name, and the rest."""
SERVICES: Mapping[str, tuple[str, ...]] = {
    service: tuple(shapes) for service, *shapes in map(str.split, tables.SERVICES.strip().splitlines())
}
_RUN = b"w" * 15  # secrets have as many letters, digits, dashes and underscores in a row, but for four with other signs
_AS_RUN = bytes.maketrans(b"ad_-", b"wwww")
_BROKEN = ("whsec_", "xoxd-", "ya29.", "hooks.slack")  # the four
_SIGNS_AS_SPACES = bytes(code if chr(code).isalnum() and code < 128 else 32 for code in range(256))
_WORD_AND_SIGN = lazy(r"[0-9A-Za-z]+(?=[^0-9A-Za-z])")
_USUAL = frozenset(("1", "api", "events", "s", "access"))
_LEAST_BITS = 2.5  # of Shannon's entropy by character: random hexadecimal has 3.2 to 4, what stands for a value 0 to 2
_SHORT, _LEAST_BITS_SHORT = 24, 2.0
_TELLING = lazy(r"key|token|secret|auth|passw|cred|login")
_SIGN = r"(?:\\{0,7}[\"'`])?\]?[ \t]{0,8}(?:string )?(?:=>|[:?+.]{0,3}=|:|,|\()[ \t\r\n]{0,8}(?:\\{0,7}[\"'`])?"
_SHAPES = {"h": lazy(r"[0-9a-f]+\Z"), "a": lazy(r"[0-9a-z]+\Z"), "w": lazy(r"[0-9a-z_=/+.-]+\Z")}
_UUID = lazy(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\Z")


class Secret(NamedTuple):
    """A place in a text and the rule that found it."""

    entity: str
    rule: str
    start: int
    end: int


class Rule(NamedTuple):
    """A line of a table; ``pattern`` is the whole expression without boundaries."""

    entity: str
    name: str
    literal: str
    pattern: str
    exact: bool


def rules() -> Iterator[Rule]:
    """The tables, line by line."""
    for entity, table in TABLES.items():
        for line in table.strip().splitlines():
            if not line.startswith("-"):
                name, literal, rest = line.split(" ", 2)
                exact = rest.endswith("$")
                rest = rest.removesuffix("$")
                whole = rest[1:] if rest.startswith("^") else re.escape(literal) + rest
                yield Rule(entity, name, literal, whole, exact)


def alternatives(words: Sequence[str]) -> str:
    """An expression for any of the words that shares what they begin with, so that few are tried at a place.

    >>> alternatives(["abc", "abd", "x"])
    '(?:ab(?:c|d)|x)'
    """
    heads: dict[str, list[str]] = {}
    for word in words:
        heads.setdefault(word[:1], []).append(word[1:])
    if "" in heads:
        return ""  # the shorter word is enough
    parts = [re.escape(head) + alternatives(tails) for head, tails in heads.items()]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


class _Plan(NamedTuple):
    """The rules, ready to run."""

    heads: re.Pattern[str]
    """What a secret may begin with."""
    words: frozenset[bytes]
    """The words that heads with a sign begin with: whether one of them is there is known at once."""
    others: tuple[str, ...]
    """The heads that no usual word gives away."""
    by_head: Mapping[str, tuple[Rule, ...]]
    inner: tuple[Rule, ...]
    """The rules whose literal stands further within the secret."""


@lru_cache(maxsize=1)
def _plan() -> _Plan:
    begins = [rule for rule in rules() if rule.pattern.startswith(re.escape(rule.literal))]
    inner = tuple(rule for rule in rules() if rule not in begins)
    literals = {rule.literal for rule in begins}
    heads = [text for text in literals if not any(text != other and text.startswith(other) for other in literals)]
    by_head = {head: tuple(rule for rule in begins if rule.literal.startswith(head)) for head in heads}
    words = {head: match[0] for head in heads if (match := _WORD_AND_SIGN.match(head)) and match[0] not in _USUAL}
    others = tuple(head for head in heads if head not in words)
    first = re.compile(rf"(?<![0-9A-Za-z]){alternatives(sorted(heads))}")
    return _Plan(first, frozenset(word.encode() for word in words.values()), others, by_head, inner)


@lru_cache(maxsize=512)
def _compiled(rule: Rule) -> re.Pattern[str]:
    return re.compile(rf"(?<![0-9A-Za-z])(?:{rule.pattern}){'(?![0-9A-Za-z_-])' if rule.exact else '[0-9A-Za-z_-]*'}")


@lru_cache(maxsize=1)
def _named() -> re.Pattern[str]:
    name = rf"(?P<service>{alternatives(tuple(SERVICES))})(?P<rest>[a-z0-9_.-]{{0,24}})"
    return re.compile(rf"{name}{_SIGN}(?P<value>[0-9a-z_=/+.-]{{15,100}})(?![0-9a-z_=/+-])")


def find_secrets(text: str, low: str, shape: bytes) -> Sequence[Secret]:
    """What the rules find, in no order; linear in the length of the text."""
    if _RUN not in shape.translate(_AS_RUN) and not any(map(text.__contains__, _BROKEN)):
        return ()
    plan = _plan()
    found: list[Secret] = []
    at = 0 if _may_begin(text, plan) else len(text)
    while (head := plan.heads.search(text, at)) is not None:
        at = head.end()
        for rule in plan.by_head[head[0]]:
            match = _compiled(rule).match(text, head.start())
            if match is not None:
                at = max(at, match.end())
                if _is_random(match[0].removeprefix(rule.literal)):
                    found.append(_secret(rule, match))
    for rule in plan.inner:
        if rule.literal in text:
            found += [_secret(rule, match) for match in _compiled(rule).finditer(text)]
    if "key" in low or "token" in low or "secret" in low or "auth" in low or "login" in low:
        found += _find_named(low)
    return found


def _may_begin(text: str, plan: _Plan) -> bool:
    words = text.encode("ascii", "replace").translate(_SIGNS_AS_SPACES).split()
    return not plan.words.isdisjoint(words) or any(map(text.__contains__, plan.others))


def _secret(rule: Rule, match: re.Match[str]) -> Secret:
    return Secret(rule.entity, rule.name, *match.span())


def _find_named(low: str) -> Iterator[Secret]:
    for match in _named().finditer(low):
        value = match["value"]
        if _TELLING.search(match["rest"]) and _is_random(value) and _has_shape(value, SERVICES[match["service"]]):
            yield Secret("API_KEY", match["service"], *match.span("value"))


def _has_shape(value: str, shapes: tuple[str, ...]) -> bool:
    if not any(map(str.isdigit, value)):
        return False
    return any(_is_shaped(value, shape) for shape in shapes)


def _is_shaped(value: str, shape: str) -> bool:
    if shape == "u":
        return _UUID.match(value) is not None
    low, _, high = shape[1:].partition("-")
    return int(low) <= len(value) <= int(high or low) and _SHAPES[shape[0]].match(value) is not None


def _is_random(value: str) -> bool:
    return entropy(value) >= (_LEAST_BITS if len(value) >= _SHORT else _LEAST_BITS_SHORT)


def entropy(text: str) -> float:
    """Shannon's entropy of the characters, in bits by character.

    >>> entropy("aaaa"), entropy("abab"), entropy("abcd")
    (0.0, 1.0, 2.0)
    """
    total = len(text)
    return sum(count / total * math.log2(total / count) for count in Counter(text).values())
