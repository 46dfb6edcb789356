"""What the pack ``pci-dss`` holds against a whole policy. Each check names the rule that it keeps.

The journal does not count as a place where versions of a number meet: it is encrypted under a key of its own, emptied on
sending, and holds no truncated number where destinations differ, but a token (3.5.1 asks for such "additional controls").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from errorplane.policy._checks import Check, Remark
from errorplane.policy._patterns import compile_pattern
from errorplane.policy._policy import Policy
from errorplane.policy.packs._pci_dss import PCI_DSS
from errorplane.policy.packs._uses import Use, breaks, tokens_key_within, uses

_CARD = "CREDIT_CARD"
_NEVER_STORED = ("CVV", "TRACK_DATA", "PIN")
_BIN, _LONG_BIN, _LAST = 6, 8, 4
_PREFIXES = ("4", "51", "2221", "34", "37", "36", "3528", "50", "6011", "62", "65")
_LENGTHS = (13, 14, 15, 16, 19)
_SHAPES = ("", " ", "-", ".")
_DIGITS = re.compile(r"[0-9]{1,19}")
_COUNTS = re.compile(r"\{[0-9,]*\}")


def _cards(policy: Policy) -> list[Use]:
    return list(uses(policy, (_CARD,)))


def _sad_is_dropped(policy: Policy) -> Iterator[Remark]:
    """3.3.1: card verification values, track data and PINs are stored in no form."""
    written = (("redaction", "actions"), policy.redaction.actions)
    others = ((("redaction", "destinations", name), own) for name, own in policy.redaction.destinations.items())
    for path, actions in (written, *others):
        for entity in _NEVER_STORED:
            if entity in actions and actions[entity].do != "drop":
                yield breaks(PCI_DSS, PCI_DSS.policy_rule("3.3.1"), (*path, entity), f"{entity} must be dropped")


def _masks_show_bin_and_last_four(policy: Policy) -> Iterator[Remark]:
    """3.4.1: at most the BIN and the last four digits."""
    rule = PCI_DSS.policy_rule("3.4.1")
    for use in _cards(policy):
        first, last = use.action.first, use.action.last
        if use.action.do != "mask":
            continue
        if first > _LONG_BIN or last > _LAST:
            yield breaks(
                PCI_DSS, rule, use.path, f"shows {first} digits at the start and {last} at the end {use.where}"
            )
        elif first > _BIN:
            message = f"shows {first} digits at the start: that is more than the BIN of numbers shorter than 16 digits"
            yield breaks(PCI_DSS, rule, use.path, message, "warning")


def _cards_are_looked_for(policy: Policy) -> Iterator[Remark]:
    """3.5.1: who lists detectors lists that of card numbers."""
    if _CARD not in policy.redaction.detectors:
        rule = PCI_DSS.policy_rule("3.5.1")
        yield breaks(PCI_DSS, rule, ("redaction", "detectors"), f"must list {_CARD} too")


def _cards_are_hidden(policy: Policy) -> Iterator[Remark]:
    """3.5.1: no destination gets a readable number."""
    for use in _cards(policy):
        if use.action.do == "keep":
            yield breaks(PCI_DSS, PCI_DSS.policy_rule("3.5.1"), use.path, f"leaves card numbers readable {use.where}")


def _no_card_is_allowed(policy: Policy) -> Iterator[Remark]:
    """3.5.1: no exception lets a valid card number through."""
    rule = PCI_DSS.policy_rule("3.5.1")
    for number, value in enumerate(policy.redaction.allow):
        if _is_card(value):
            yield breaks(PCI_DSS, rule, ("redaction", "allow", number), "is a valid card number")
    for number, pattern in enumerate(policy.redaction.allow_patterns):
        if _lets_a_card_through(pattern):
            path = ("redaction", "allow_patterns", number)
            yield breaks(PCI_DSS, rule, path, "matches valid card numbers")


def _versions_cannot_be_correlated(policy: Policy) -> Iterator[Remark]:
    """3.5.1: no truncated number beside a token or hash of it, nor beside another truncation, in any two places."""
    rule = PCI_DSS.policy_rule("3.5.1 (correlation)")
    cards = _cards(policy)
    truncated = [use for use in cards if use.action.do == "mask" and use.shows]
    for use in cards:
        if use.keyed and truncated:
            message = (
                f"gives a {use.action.do} of each card number {use.where}, but {_of(truncated[0])} shows digits of it"
            )
            yield breaks(PCI_DSS, rule, use.path, message)
    for use in truncated[1:]:
        one = truncated[0]
        if (use.action.first, use.action.last) != (one.action.first, one.action.last):
            yield breaks(PCI_DSS, rule, use.path, f"shows other digits of a card number than {_of(one)}")


def _of(use: Use) -> str:
    return f"the mask {use.where}"


def _keys_are_apart(policy: Policy) -> Iterator[Remark]:
    """3.6.1: the key with which a token can be turned back is not where the tokens are.

    A token is strong cryptography with a managed key in the words of 3.5.1, so it may be stored in a file that is not
    encrypted; but then the key must not lie beside it.
    """
    rule = PCI_DSS.policy_rule("3.6.1")
    for use in _cards(policy):
        if not use.keyed:
            continue
        for name, destination in policy.destinations.items():
            if destination.file is not None and tokens_key_within(policy, destination.file.location):
                yield breaks(
                    PCI_DSS, rule, use.path, f"the key of these tokens lies in the folder of destinations.{name}"
                )
        if tokens_key_within(policy, policy.journal.path):
            message = "the key of these tokens lies in the journal's folder: take it from elsewhere with keys.tokens"
            yield breaks(PCI_DSS, rule, use.path, message, "warning")


def _is_card(text: str) -> bool:
    digits = re.sub(r"[ .-]", "", text)
    return re.fullmatch(r"[0-9]{12,19}", digits) is not None and _check_digit(digits[:-1]) == digits[-1]


def _check_digit(digits: str) -> str:
    """Luhn's check digit (ISO/IEC 7812-1, annex B)."""
    total = sum(sum(divmod(int(d) * (2 - n % 2), 10)) for n, d in enumerate(reversed(digits)))
    return str(-total % 10)


def _lets_a_card_through(pattern: str) -> bool:
    """Whether a pattern matches one of many valid numbers: of each brand, and such as begin or end with digits in it.

    No proof for all patterns, but those that mean cards are found.
    """
    compiled: Any = compile_pattern(pattern)
    written = _DIGITS.findall(_COUNTS.sub("", pattern))
    prefixes = (*_PREFIXES, *written, *(end[:-1] for end in written))
    for prefix in dict.fromkeys(prefixes):
        for number in _numbers(prefix):
            if any(compiled.fullmatch(shape.join(re.findall("....|.+", number))) for shape in _SHAPES):
                return True
    return False


def _numbers(prefix: str) -> Iterator[str]:
    for length in _LENGTHS:
        if len(prefix) < length:
            for filler in "01":
                body = prefix.ljust(length - 1, filler)
                yield body + _check_digit(body)


PCI_DSS_CHECKS: tuple[Check, ...] = (
    _sad_is_dropped,
    _masks_show_bin_and_last_four,
    _cards_are_looked_for,
    _cards_are_hidden,
    _no_card_is_allowed,
    _versions_cannot_be_correlated,
    _keys_are_apart,
)
