"""Which retention class something belongs to, and where that class goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from errorplane.classification import Condition, Subject, compile_when
from errorplane.policy import Policy, RetentionRule


@dataclass(frozen=True, slots=True)
class RetentionClass:
    """A class of the policy: how many days its data is kept, and by which destinations."""

    name: str
    days: int
    destinations: tuple[str, ...]


Assign = Callable[[Subject], RetentionClass]
AssignByData = Callable[[Subject], RetentionClass | None]


def compile_retention(policy: Policy) -> Assign:
    """The policy's retention rules as one function; the first rule that matches names the class."""
    classes = _classes(policy)
    rules = _rules(policy, policy.retention.rules)
    # The policy's check demands a rule that always matches where there is no fallback; a policy built by hand may
    # have neither, and then the last class is the one that loses nothing.
    fallback = classes[policy.retention.fallback or next(reversed(classes))]
    return lambda subject: next((found for matches, found in rules if matches(subject)), fallback)


def compile_data_rules(policy: Policy) -> AssignByData:
    """Only the rules with a condition ``data_class``; None where none of them matches."""
    rules = _rules(policy, [rule for rule in policy.retention.rules if rule.when.data_class])
    return lambda subject: next((found for matches, found in rules if matches(subject)), None)


def _classes(policy: Policy) -> dict[str, RetentionClass]:
    return {
        name: RetentionClass(name, model.days, policy.destinations_of(name))
        for name, model in policy.retention.classes.items()
    }


def _rules(policy: Policy, rules: Iterable[RetentionRule]) -> tuple[tuple[Condition, RetentionClass], ...]:
    classes = _classes(policy)
    return tuple((compile_when(rule.when), classes[rule.retention_class]) for rule in rules)
