"""What a run showed: everything that the report and the JSON document say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from errorplane.demo._accounts import Shortfall, shortfalls
from errorplane.demo._folder import Folder
from errorplane.demo._leaks import Leak, Planted, find_leaks
from errorplane.demo._output import SIGNALS, Output, read_outputs
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
    owner: str
    raised: int
    facts: int
    kept: int


@dataclass(frozen=True, slots=True)
class Result:
    """One run, verified. ``lost`` are errors that should be there and are not, ``shortfalls`` accounts with a gap."""

    settings: Settings
    folder: Folder
    played: Played
    outputs: Mapping[str, Output]
    verified: Verified
    lost: tuple[Outcome, ...]
    shortfalls: tuple[Shortfall, ...]
    planted: tuple[Planted, ...]
    leaks: tuple[Leak, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing was lost and nothing leaked, and the run tried at all."""
        tried = bool(self.verified.outcomes) and bool(self.planted)
        return tried and not self.lost and not self.shortfalls and not self.leaks

    @property
    def by_reason(self) -> dict[str, int]:
        """Traces by rule, verdict and reason, such as ``rest, dropped: probability``."""
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


def evaluate(settings: Settings, folder: Folder, played: Played) -> Result:
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
        shortfalls=tuple(shortfalls(played.answers, played.stats, outputs)),
        leaks=tuple(find_leaks(planted, folder, outputs, played.journal)),
    )


def document(result: Result, duration_s: float) -> dict[str, Any]:
    """The JSON document of ``--json``."""
    traces = result.played.stats["traces"]
    return {
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
        },
        "redaction": {
            "planted": [each.value for each in result.planted],
            "leaked": sorted({leak.planted.value for leak in result.leaks}),
            "found": result.redactions,
        },
        "destinations": {name: _destination(output) for name, output in result.outputs.items()},
        "duration_s": round(duration_s, 1),
    }


def why_lost(outcome: Outcome) -> str:
    """In a few words what is not there."""
    if outcome.fact is None:
        return "no error fact"
    if outcome.missing:
        return f"not in {', '.join(outcome.missing)}"
    return "neither its trace nor its log record was kept"


def _destination(output: Output) -> dict[str, Any]:
    """Where it is, and for each signal the number of items by retention class."""
    place = (
        {"files": [str(path) for path in output.files]} if output.endpoint is None else {"endpoint": output.endpoint}
    )
    return place | {kind: output.by_class(kind) for kind in SIGNALS.values()}


def _row(facts: list[ErrorFact], outcomes: list[Outcome]) -> FingerprintRow:
    return FingerprintRow(
        fingerprint=facts[0].fingerprint,
        type=facts[0].type,
        service=facts[0].service,
        kind=_most(str(fact.kind) for fact in facts),
        category=_most(str(fact.category) for fact in facts),
        severity=min(str(fact.severity) for fact in facts),
        owner=_most(fact.team or "" for fact in facts),
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
