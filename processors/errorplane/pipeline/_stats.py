"""The counters as one JSON document, for reports and for people without a Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from errorplane.journal import Journal
from errorplane.pipeline._counters import Counters


def stats(counters: Counters, undecided: int, journal: Journal, budgets: Mapping[str, Any]) -> dict[str, Any]:
    """Counts since the start of the process, by signal, rule, entity, class and destination.

    ``budgets``, by rule and kind, are counts since each budget exists: what they suppressed is dropped, not lost.
    """
    return {
        "received": counters.by("received_items", "signal"),
        "requests": counters.by("requests", "outcome"),
        "rejected": counters.by("rejected_items", "reason"),
        "traces": {
            "undecided": undecided,
            "kept": counters.total("decisions", subject="trace", verdict="kept"),
            "dropped": counters.total("decisions", subject="trace", verdict="dropped"),
            "by_reason": _by_rule(counters, "trace"),
        },
        "logs_without_trace": {
            "kept": counters.total("decisions", subject="log", verdict="kept"),
            "dropped": counters.total("decisions", subject="log", verdict="dropped"),
            "by_reason": _by_rule(counters, "log"),
        },
        "kept": {
            signal: counters.by("kept_items", "retention_class", signal=signal)
            for signal in ("traces", "logs", "metrics")
        },
        "dropped": {
            signal: counters.by("dropped_items", "reason", signal=signal) for signal in ("traces", "logs", "metrics")
        },
        "budgets": dict(budgets),
        "rescued": {
            "traces": counters.by("rescues", "outcome"),
            "items": counters.by("rescued_items", "signal"),
            "released_requests": counters.by("released_requests", "reason"),
        },
        "redaction": counters.by("redactions", "entity"),
        "quarantined": counters.by("quarantined_strings", "reason"),
        "error_facts": {
            "by_kind": counters.by("error_facts", "kind"),
            "by_severity": counters.by("error_facts", "severity"),
        },
        "destinations": {
            name: {
                "delivered": counters.by("delivered_items", "signal", destination=name),
                "bytes": counters.total("delivered_bytes", destination=name),
                "given_up": counters.total("given_up_items", destination=name),
                "refused": counters.total("destination_refused_items", destination=name),
                "retries": counters.total("destination_retries", destination=name),
            }
            for name in _destinations(counters)
        },
        "journal": {
            "bytes": journal.used_bytes,
            "rescue_bytes": journal.rescue_bytes,
            "verdict_bytes": journal.verdict_bytes,
            "max_bytes": journal.max_bytes,
            "pending_deliveries": dict(journal.pending_destinations()),
        },
        "internal_errors": counters.by("internal_errors", "where"),
    }


def _by_rule(counters: Counters, subject: str) -> dict[str, dict[str, int]]:
    """Decisions of one kind of subject: rule -> verdict and reason, such as ``kept: probability`` -> count."""
    found: dict[str, dict[str, int]] = {}
    for labels, count in counters.values("decisions").items():
        row = dict(labels)
        if row["subject"] == subject:
            found.setdefault(row["rule"], {})[f"{row['verdict']}: {row['reason']}"] = count
    return found


def _destinations(counters: Counters) -> list[str]:
    names: set[str] = set()
    for counter in ("delivered_items", "destination_retries", "destination_refused_items", "given_up_items"):
        names |= counters.by(counter, "destination").keys()
    return sorted(names)
