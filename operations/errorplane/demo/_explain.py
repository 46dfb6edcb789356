"""The policy and the pipeline's verdicts in plain words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from errorplane.demo._output import Log, Output
from errorplane.errors import SAMPLING_RULE
from errorplane.policy import Policy, SamplingRule, When


@dataclass(slots=True)
class Kept:
    """What one rule kept: trace ids, log records outside of any trace, and the retention classes of both."""

    traces: set[str] = field(default_factory=set)
    lone_logs: int = 0
    classes: set[str] = field(default_factory=set)


def kept_by_rule(outputs: Mapping[str, Output]) -> dict[str, Kept]:
    """What the destinations hold of each sampling rule; what several of them hold counts once."""
    kept: defaultdict[str, Kept] = defaultdict(Kept)
    for output in outputs.values():
        lone: defaultdict[str, int] = defaultdict(int)
        for item in output.items:
            rule = str(item.attributes.get(SAMPLING_RULE, ""))
            if not rule:
                continue
            kept[rule].classes.add(item.retention_class)
            if item.trace_id:
                kept[rule].traces.add(item.trace_id)
            elif isinstance(item, Log):
                lone[rule] += 1
        for rule, count in lone.items():
            kept[rule].lone_logs = max(kept[rule].lone_logs, count)
    return kept


def condition(when: When) -> str:
    """The conditions of a rule.

    >>> condition(When(status="error", service="shop"))
    'something failed, in shop'
    >>> condition(When())
    'everything else'
    >>> condition(SamplingRule(name="a", when={"status": "ok", "tier": 1, "sampled_flag": True}).when)
    'nothing failed, and by sampled_flag, tier'
    """
    said = {"error": "something failed", "ok": "nothing failed", "trace": "a trace", "log": "a log record", None: ""}
    parts = [said[when.signal], said[when.status]]
    if when.duration_over is not None:
        parts.append(f"took over {duration(when.duration_over)}")
    parts.append(_one_of("in", when.service))
    for name, values in (("kind", when.kind), ("category", when.category), ("severity", when.severity)):
        parts.append(_one_of(name, values))
    parts.append(_one_of("in it was hidden something", when.data_class))
    more = [
        name for name in type(when).model_fields if name not in When.model_fields and getattr(when, name) is not None
    ]
    parts.append(f"and by {', '.join(name.rstrip('_') for name in more)}" if more else "")
    return ", ".join(filter(None, parts)) or "everything else"


def _one_of(name: str, values: Iterable[object] | None) -> str:
    return f"{name} {' or '.join(map(str, values))}" if values else ""


def duration(seconds: float) -> str:
    """
    >>> duration(0.6), duration(5), duration(90)
    ('600 ms', '5 s', '90 s')
    """
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def verdict(reason: str, rule: SamplingRule | None) -> str:
    """A verdict and its reason, such as ``dropped: probability``, as a person would say it.

    >>> verdict("dropped: probability", SamplingRule(name="rest", keep=0.1))
    'dropped by chance (90 %)'
    """
    word, _, why = reason.partition(": ")
    if why == "rule":
        return f"{word}, all of them"
    if why == "no_rule":
        return f"{word}, no rule matched"
    if why == "probability" and rule is not None:
        share = rule.keep if word == "kept" else 1 - rule.keep
        return f"{word} by chance ({100 * share:g} %)"
    if why == "rate" and rule is not None:
        return f"{word}, over {rule.traces_per_second:g} a second"
    return f"{word}, {why}"


def term(names: Iterable[str], policy: Policy) -> str:
    """Retention classes with their days, such as ``audit, 400 days``."""
    classes = policy.retention.classes
    return "; ".join(f"{name}, {classes[name].days} days" for name in sorted(names) if name in classes)
