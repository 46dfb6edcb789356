"""Incident boosts: more is kept of some services, fingerprints or deployments, until a time, whatever the policy's rates.

A boost only ever raises: the probability with which something is kept becomes that of the boost where that is higher,
and limits of rates and budgets do not hold it back. What a rule drops outright stays dropped.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from errorplane.classification import Subject
from errorplane.policy import SamplingRule
from errorplane.sampling._conditions import compile_sampling_when
from errorplane.sampling._probability import randomness, rejection_threshold
from errorplane.sampling._verdict import Reason, Verdict

MAX_BOOSTS = 64
MAX_SECONDS = 7 * 86400.0
# Semantic conventions 1.27 renamed the environment; what people call a deployment is as often a version.
_DEPLOYMENT_KEYS = ("deployment.environment.name", "deployment.environment", "service.version")
_MAX_NAMES, _MAX_TEXT = 32, 200
Raise = Callable[[Verdict, Subject, bytes], Verdict]


class BadBoost(ValueError):
    """What was asked for is no boost; the text says what is wanted."""


@dataclass(frozen=True, slots=True)
class Boost:
    """One boost. Of each kind that names some, one must be in a trace. Times are Unix seconds; ``keep`` is 0 to 1."""

    id: str
    services: tuple[str, ...]
    fingerprints: tuple[str, ...]
    deployments: tuple[str, ...]
    keep: float
    since: float
    until: float
    actor: str
    reason: str

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return dataclasses.asdict(self)

    def rule(self) -> SamplingRule:
        """Its conditions in the policy's own terms."""
        when: dict[str, Any] = {}
        if self.services:
            when["service"] = list(self.services)
        if self.fingerprints:
            when["fingerprint"] = list(self.fingerprints)
        if self.deployments:
            test = {"values": list(self.deployments)}
            when["any_of"] = [{"attributes": {key: test}} for key in _DEPLOYMENT_KEYS]
        return SamplingRule.model_validate({"name": f"boost-{self.id}", "when": when, "keep": self.keep})


def read_boost(asked: Mapping[str, Any], boost_id: str, now: float) -> Boost:
    """The boost that a JSON object asks for, from ``now`` on; raises ``BadBoost``.

    Lists ``services``, ``fingerprints`` and ``deployments``, one at least; ``until`` in Unix seconds; perhaps ``keep``
    (default 1), ``actor`` and ``reason``.
    """
    known = {"services", "fingerprints", "deployments", "keep", "until", "actor", "reason"}
    unknown = sorted(set(asked) - known)
    if unknown:
        raise BadBoost(f"{unknown[0][:_MAX_TEXT]!r} is not known; there are {', '.join(sorted(known))}")
    services, fingerprints, deployments = (
        _names(kind, asked.get(kind, ())) for kind in ("services", "fingerprints", "deployments")
    )
    if not (services or fingerprints or deployments):
        raise BadBoost("name a service, a fingerprint or a deployment: without one everything would be kept")
    if not all(fingerprint.startswith("v") for fingerprint in fingerprints):  # else no error ever has it
        raise BadBoost("a fingerprint begins with its version, as v1:0123456789abcdef does")
    keep, until = _number("keep", asked.get("keep", 1.0)), _number("until", asked.get("until"))
    if not 0.0 < keep <= 1.0:
        raise BadBoost(f"keep must be above 0 and at most 1, not {keep:g}")
    if not now < until <= now + MAX_SECONDS:
        raise BadBoost("until must be a time to come, at most 7 days from now")
    actor, reason = _text("actor", asked.get("actor", "")), _text("reason", asked.get("reason", ""))
    return Boost(boost_id, services, fingerprints, deployments, keep, now, until, actor, reason)


def _names(kind: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) > _MAX_NAMES:
        raise BadBoost(f"{kind} must be a list of at most {_MAX_NAMES} names")
    if not all(isinstance(name, str) and 0 < len(name) <= _MAX_TEXT for name in value):
        raise BadBoost(f"{kind} must be names of 1 to {_MAX_TEXT} characters")
    return tuple(dict.fromkeys(value))


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise BadBoost(f"{name} must be a text of at most {_MAX_TEXT} characters")
    return value


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadBoost(f"{name} must be a number")
    return float(value)


def pack_boosts(boosts: Iterable[Boost]) -> bytes:
    """Bytes to store."""
    return json.dumps([boost.document() for boost in boosts]).encode()


def unpack_boosts(data: bytes) -> tuple[Boost, ...]:
    """What ``pack_boosts`` packed; nothing for b""."""
    lists = ("services", "fingerprints", "deployments")
    documents = json.loads(data) if data else []
    return tuple(Boost(**(each | {name: tuple(each[name]) for name in lists})) for each in documents)


def compile_boosts(
    boosts: Sequence[Boost], tier_of: Callable[[str], int], budgeted: Collection[str], now: Callable[[], float]
) -> Raise | None:
    """What boosts make of a verdict, by the subject and its random bytes; None without boosts, so that nothing is paid.

    ``budgeted`` are the rules with a budget. ``now`` is Unix time in seconds: a boost whose time is over does nothing.
    """
    if not boosts:
        return None
    compiled = [(boost.until, boost.keep, compile_sampling_when(boost.rule().when, tier_of)) for boost in boosts]

    def raised(verdict: Verdict, subject: Subject, random: bytes) -> Verdict:
        if verdict.reason is Reason.DROP:
            return verdict
        moment = now()
        keep = max((keep for until, keep, matches in compiled if moment < until and matches(subject)), default=0.0)
        if not keep or not raises(keep, verdict):
            return verdict
        probability = max(keep, verdict.probability)
        return Verdict(randomness(random) >= rejection_threshold(probability), Reason.BOOST, verdict.rule, probability)

    def raises(keep: float, verdict: Verdict) -> bool:
        if keep > verdict.probability or verdict.reason is Reason.RATE:
            return True
        # What a rule keeps whole may still have to ask its budget.
        return verdict.probability == 1.0 and verdict.rule in budgeted

    return raised
