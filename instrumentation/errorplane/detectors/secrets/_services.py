"""Keys and tokens of well-known services: the rules of ``errorplane.detectors.services`` as detectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from errorplane.detectors._lazy import Gates, lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.services._scan import SERVICES, TABLES, Rule, alternatives, rules

_ATOM = lazy(
    r"(?P<one>\[[^\]]+\]|\\.|[^\\\[(){}*+?|])(?P<times>\{(?P<least>[0-9]+)(?:,(?P<most>[0-9]*))?\})?(?P<any>[*+?])?"
)
_ESCAPABLE = "+/=%:|"
_ESCAPED = {
    char: rf"(?:\\{{0,4}}\{char}|(?:%(?:25){{0,2}}|\\{{1,4}}u00){ord(char):x})" for char in "/=:"
}  # what JSON and percent-encoding write instead
_MOST = 40  # a longer repetition makes the database larger, and does not make a gate rarer


def _finder(entity: str) -> Callable[[Subject], Iterable[Finding]]:
    def find(subject: Subject) -> Iterable[Finding]:
        secrets = subject.secrets()
        if not secrets:
            return ()
        return [Finding(entity, each.start, each.end, 1.0, each.rule) for each in secrets if each.entity == entity]

    return find


def gate_of(rule: Rule) -> bytes:
    """What raw bytes hold wherever the rule matches: its expression up to the first part that may be escaped.

    >>> gate_of(Rule("API_KEY", "x", "x-", "x-[0-9a-f]{32}", exact=True))
    b'x-[0-9a-f]{32}'
    """
    out, at = "", 0
    while (atom := _ATOM.match(rule.pattern, at)) is not None:
        one, at = atom["one"], atom.end()
        if one in _ESCAPED:
            out += _ESCAPED[one].replace(f"{ord(one):x}", f"(?i:{ord(one):x})")
            continue
        if one.startswith("[") and any(sign in one[1:].removesuffix("-]") for sign in _ESCAPABLE):
            break
        least, most = int(atom["least"] or 1), atom["most"]
        if atom["any"] is not None or least > _MOST or (most is not None and not 0 < int(most or 0) <= _MOST):
            out += f"{one}{{{min(least, _MOST)}}}" if atom["times"] else ""
            break
        out += one + (atom["times"] or "")
    return out.encode()


def _gates(entity: str) -> tuple[bytes, ...]:
    gates = dict.fromkeys(gate_of(rule) for rule in rules() if rule.entity == entity)
    return (*gates, _named_gate()) if entity == "API_KEY" else tuple(gates)


def _named_gate() -> bytes:
    names = alternatives(tuple(SERVICES))
    return rf"(?i){names}[0-9a-z_.-]{{0,24}}(?:key|token|secret|auth|passw|cred|login)".encode()


SERVICE_KEYS: tuple[Detector, ...] = tuple(
    Detector(entity, Gates(partial(_gates, entity)), _finder(entity)) for entity in TABLES
)
