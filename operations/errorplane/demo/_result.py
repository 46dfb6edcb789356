"""What a run showed: everything that the report and the JSON document say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errorplane.demo._folder import Folder
from errorplane.demo._leaks import Leak, Planted, find_leaks
from errorplane.demo._output import Output, read_outputs
from errorplane.demo._play import Played, Settings
from errorplane.demo._verify import Outcome, Verified, verify
from errorplane.errors import ErrorFact


@dataclass(frozen=True, slots=True)
class FingerprintRow:
    """All errors of one fingerprint in one service; an echo was seen only by the calling side and raised nowhere."""

    fingerprint: str
    type: str
    service: str
    kind: str
    category: str
    severity: str
    raised: int
    facts: int
    kept: int


@dataclass(frozen=True, slots=True)
class Result:
    """One run, verified. ``lost`` are errors that should be there and are not."""

    settings: Settings
    folder: Folder
    played: Played
    outputs: Mapping[str, Output]
    verified: Verified
    lost: tuple[Outcome, ...]
    planted: tuple[Planted, ...]
    leaks: tuple[Leak, ...]
    duration_s: float

    @property
    def passed(self) -> bool:
        """Whether nothing was lost and nothing leaked, and the run tried at all."""
        return not self.lost and not self.leaks and bool(self.verified.outcomes) and bool(self.planted)

    @property
    def by_reason(self) -> dict[str, int]:
        """Traces by rule, verdict and reason."""
        rules: Mapping[str, Mapping[str, int]] = self.played.stats["traces"]["by_reason"]
        return {f"{rule}, {why}": count for rule, reasons in rules.items() for why, count in reasons.items()}

    @property
    def redactions(self) -> dict[str, int]:
        """Findings that the processor masked, by entity."""
        found: dict[str, int] = self.played.stats["redaction"]
        return dict(sorted(found.items()))

    @property
    def rows(self) -> list[FingerprintRow]:
        """Errors by fingerprint and service, those raised most often first, echoes last."""
        facts = {fact.id: fact for output in self.outputs.values() for fact in output.facts}
        groups: dict[tuple[str, str], list[ErrorFact]] = {}
        for fact in facts.values():
            groups.setdefault((fact.fingerprint, fact.service), []).append(fact)
        outcomes: dict[tuple[str, str], list[Outcome]] = {}
        for outcome in self.verified.outcomes:
            if outcome.fact is not None:
                outcomes.setdefault((outcome.fact.fingerprint, outcome.fact.service), []).append(outcome)
        rows = [_row(group, outcomes.get(key, [])) for key, group in groups.items()]
        return sorted(rows, key=lambda row: (row.raised == 0, row.service, row.type, row.fingerprint))


def evaluate(settings: Settings, folder: Folder, played: Played, duration_s: float) -> Result:
    """Read what the destinations hold and verify it."""
    outputs = read_outputs(played.policy, folder)
    verified = verify(played.ledger, outputs, played.policy)
    planted = tuple({line["value"]: Planted(**line) for line in played.planted}.values())
    return Result(
        settings=settings,
        folder=folder,
        played=played,
        outputs=outputs,
        verified=verified,
        # A policy of the user may drop errors on purpose; the demo's own keeps all.
        lost=tuple(verified.lost(must_keep=settings.policy is None)),
        planted=planted,
        leaks=tuple(find_leaks(planted, folder, outputs, played.journal)),
        duration_s=duration_s,
    )


def document(result: Result) -> dict[str, Any]:
    """The JSON document of ``--json``."""
    traces = result.played.stats["traces"]
    return {
        "passed": result.passed,
        "traces": {
            "received": traces["kept"] + traces["dropped"] + traces["undecided"],
            "kept": traces["kept"],
            "dropped": traces["dropped"],
            "by_reason": result.by_reason,
        },
        "errors": {
            "raised": len(result.verified.outcomes),
            "received": result.verified.received,
            "kept": result.verified.kept,
            "fingerprints": [{name: getattr(row, name) for name in FingerprintRow.__slots__} for row in result.rows],
            "lost": [_loss(outcome) for outcome in result.lost],
        },
        "redaction": {
            "planted": [each.value for each in result.planted],
            "leaked": sorted({leak.planted.value for leak in result.leaks}),
            "found": sum(result.redactions.values()),
            "by_entity": result.redactions,
            "leaks": [
                {"entity": leak.planted.entity, "put_into": leak.planted.place, "found_in": leak.found_in}
                for leak in result.leaks
            ],
        },
        "destinations": {name: _destination(output) for name, output in result.outputs.items()},
        "duration_s": round(result.duration_s, 1),
    }


def why_lost(outcome: Outcome) -> str:
    """In a few words what is not there."""
    if outcome.fact is None:
        return "no error fact"
    if outcome.missing:
        return f"not in {', '.join(outcome.missing)}"
    return "neither its trace nor its log record was kept"


def _loss(outcome: Outcome) -> dict[str, str]:
    raised = outcome.raised
    return {
        "key": raised.key,
        "service": raised.service,
        "type": raised.type,
        "trace_id": raised.trace_id,
        "why": why_lost(outcome),
    }


def _destination(output: Output) -> dict[str, Any]:
    by_class: dict[str, dict[str, int]] = {}
    for (signal, retention_class), count in sorted(output.counts.items()):
        by_class.setdefault(retention_class, {"spans": 0, "logs": 0, "metrics": 0})[signal] = count
    totals = {signal: sum(row[signal] for row in by_class.values()) for signal in ("spans", "logs", "metrics")}
    endpoint = {} if output.endpoint is None else {"endpoint": output.endpoint}
    return {**endpoint, "files": [str(path) for path in output.files], **totals, "by_class": by_class}


def _row(facts: list[ErrorFact], outcomes: list[Outcome]) -> FingerprintRow:
    return FingerprintRow(
        fingerprint=facts[0].fingerprint,
        type=facts[0].type,
        service=facts[0].service,
        kind=_most(str(fact.kind) for fact in facts),
        category=_most(str(fact.category) for fact in facts),
        severity=min(str(fact.severity) for fact in facts),
        raised=len(outcomes),
        facts=sum(fact.count for fact in facts),
        kept=sum(outcome.kept for outcome in outcomes),
    )


def _most(values: Iterable[str]) -> str:
    return Counter(values).most_common(1)[0][0]


def relative(path: Path) -> str:
    """A path as a person would type it here."""
    absolute, here = path.absolute(), Path.cwd()
    return str(absolute.relative_to(here)) if absolute.is_relative_to(here) else str(absolute)
