"""The doctor's report as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from errorplane.doctor._facts import Facts
from errorplane.doctor._finding import Finding, Severity

_ORDER: tuple[Severity, ...] = ("error", "warning", "info")


def as_json(processes: Sequence[Facts], findings: Iterable[Finding]) -> str:
    """One document: `processes` with the facts about each, `findings`, and whether an error is among them."""
    found = _sorted(findings)
    document = {
        "healthy": not any(finding.rule.severity == "error" for finding in found),
        "findings": [finding.as_json() for finding in found],
        "processes": [asdict(facts) for facts in processes],
    }
    return json.dumps(document, indent=2)


def as_text(processes: Sequence[Facts], findings: Iterable[Finding], checked: str) -> str:
    """What is attached, then what is wrong, the worst first."""
    lines = [line for facts in processes[:1] for line in _attached(facts)]
    if len(processes) > 1:
        lines.append(f"  and {len(processes) - 1} more processes; --json shows each")
    found = _sorted(findings)
    for finding in found:
        rule = finding.rule
        place = f"{finding.where}: " if finding.where and finding.where not in finding.what else ""
        lines += ["", f"{rule.severity}: {place}{finding.what}  [{rule.id}]", f"  why: {rule.why}", f"  do:  {rule.do}"]
    counts = ", ".join(f"{sum(each.rule.severity == name for each in found)} {name}s" for name in _ORDER[:2])
    return "\n".join([*lines, "", f"{counts}; checked: {checked}"])


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    """Each once."""
    return sorted(
        dict.fromkeys(findings), key=lambda each: (_ORDER.index(each.rule.severity), each.rule.id, each.where)
    )


def _attached(facts: Facts) -> Iterator[str]:
    versions = {
        name: facts.packages[name]
        for name in ("errorplane", "opentelemetry-sdk", "opentelemetry-instrumentation")
        if name in facts.packages
    }
    state = "attached" if facts.attached else "switched off" if not facts.enabled else "not attached"
    missing = sum(map(bool, facts.hooks.values()))
    yield f"errorplane is {state}: Python {facts.python}, " + ", ".join(
        f"{name} {version}" for name, version in versions.items()
    )
    rows = {
        "hooks": f"{len(facts.hooks) - missing} in force, {missing} off, {sum(facts.failures.values())} failures",
        "distro": f"{facts.distro or 'none'} (installed: {', '.join(facts.distros) or 'none'})",
        "configurator": ", ".join(facts.configurators) or "none; the distro sets the SDK up",
        "providers": ", ".join(
            f"{signal} {provider.rpartition('.')[2]}" for signal, provider in facts.providers.items()
        ),
        "exporters": ", ".join(f"{each.signal} {each.endpoint or each.type}" for each in facts.exporters) or "none",
        "propagator": f"{', '.join(facts.propagated)}; baggage {'by the rules' if facts.baggage_gate else 'to everyone'}",
        "exceptions": f"written as {facts.exception_signal}",
        "frameworks": ", ".join(facts.frameworks) or "none",
        "beside": f"sentry-sdk {facts.packages['sentry-sdk']}" if "sentry-sdk" in facts.packages else "",
        "variables": " ".join(f"{name}={value}" for name, value in facts.variables.items()) or "none",
    }
    yield from (f"  {name:<13} {text}" for name, text in rows.items() if text)
