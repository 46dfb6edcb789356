"""``when:`` of the policy, compiled: the one mechanism behind sampling, retention and severity rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from errorplane.policy import When


class Subject(NamedTuple):
    """What a rule looks at: a trace, a log record without a trace, an error, or a request of metrics.

    ``duration_s`` runs from the first start to the last end seen, in seconds. ``kinds``, ``categories`` and
    ``severities`` and ``fingerprints`` are those of its errors; ``data_classes`` those of what was hidden in it.
    ``spans`` counts the spans of a trace, ``size`` is the bytes of its items where the policy has a limit of bytes,
    ``hits`` has a bit for each condition of the policy that was found true of one of its items.
    """

    signal: str
    error: bool = False
    duration_s: float = 0.0
    services: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    severities: frozenset[str] = frozenset()
    data_classes: frozenset[str] = frozenset()
    fingerprints: frozenset[str] = frozenset()
    spans: int = 0
    size: int = 0
    hits: int = 0


Condition = Callable[[Subject], bool]


def compile_when(when: When) -> Condition:
    """A closure that holds exactly when every condition given in ``when`` holds; no condition always holds."""
    tests = tuple(tests_of(when))
    if not tests:
        return lambda subject: True
    if len(tests) == 1:
        return tests[0]
    return lambda subject: all(test(subject) for test in tests)


def tests_of(when: When) -> Iterable[Condition]:
    """A closure for each condition that every kind of rule can have and that is given in ``when``."""
    if when.status is not None:
        wanted = when.status == "error"
        yield lambda subject: subject.error is wanted
    if when.duration_over is not None:
        limit = when.duration_over
        yield lambda subject: subject.duration_s > limit
    if when.signal is not None:
        signal = when.signal
        yield lambda subject: subject.signal == signal
    if when.service:
        services = frozenset(when.service)
        yield lambda subject: not services.isdisjoint(subject.services)
    if when.kind:
        kinds = frozenset(str(kind) for kind in when.kind)
        yield lambda subject: not kinds.isdisjoint(subject.kinds)
    if when.category:
        categories = frozenset(str(category) for category in when.category)
        yield lambda subject: not categories.isdisjoint(subject.categories)
    if when.severity:
        severities = frozenset(str(severity) for severity in when.severity)
        yield lambda subject: not severities.isdisjoint(subject.severities)
    if when.data_class:
        classes = frozenset(when.data_class)
        yield lambda subject: not classes.isdisjoint(subject.data_classes)
