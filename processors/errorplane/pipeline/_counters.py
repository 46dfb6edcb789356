"""The processor's own metrics: one table declares them, one dictionary holds them."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Labels = tuple[tuple[str, str], ...]


def labelled(label: str, counts: Mapping[str, int]) -> dict[Labels, int]:
    """Counts by the values of one label; safe while another thread goes on counting."""
    return {((label, value),): count for value, count in tuple(counts.items())}


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table. ``unit`` is a UCUM annotation; the OpenTelemetry name is ``errorplane.<name>``."""

    name: str
    unit: str
    labels: tuple[str, ...]
    meaning: str


COUNTERS: tuple[Metric, ...] = (
    Metric("received_items", "{item}", ("signal",), "Spans, log records and metrics taken from senders."),
    Metric("rejected_items", "{item}", ("signal", "reason"), "Items refused inside an accepted request."),
    Metric("requests", "{request}", ("transport", "outcome"), "Requests answered: taken, or why not."),
    Metric("redactions", "{finding}", ("entity",), "Findings of personal data or secrets that were masked."),
    Metric(
        "quarantined_strings", "{string}", ("signal", "reason"), "Strings that could not be scanned and were withheld."
    ),
    Metric(
        "left_out_points",
        "{point}",
        (),
        "Data points left out, since the series that masking made of several would have run backwards.",
    ),
    Metric("merged_points", "{point}", (), "Data points merged into others from which masking made them the same."),
    Metric("shadow_findings", "{finding}", ("policy", "entity"), "What the policy and its shadow hide, on one sample."),
    Metric("shadow_requests", "{request}", ("outcome",), "Requests given to the shadow: compared, skipped, failed."),
    Metric(
        "stripped_fields",
        "{field}",
        ("signal",),
        "Fields removed that held a finding: unknown to the schema, or overridden by a later one.",
    ),
    Metric(
        "decisions",
        "{decision}",
        ("subject", "verdict", "rule", "reason"),
        "Traces decided, and log records without a trace.",
    ),
    Metric(
        "decision_triggers",
        "{trace}",
        ("trigger",),
        "What made traces due: their window, their root, too many spans, or too many traces.",
    ),
    Metric(
        "forgotten_versions",
        "{version}",
        (),
        "Versions of services no longer known, or not remembered, so that new_deployment cannot tell.",
    ),
    Metric("kept_items", "{item}", ("signal", "retention_class"), "Items kept, by retention class."),
    Metric("dropped_items", "{item}", ("signal", "reason"), "Items dropped by a sampling decision."),
    Metric(
        "budget_errors",
        "{error}",
        ("rule", "kind", "outcome"),
        "Errors of rules with a budget, since the journal exists: kept with a sample, or suppressed and counted.",
    ),
    Metric(
        "untold_errors",
        "{error}",
        ("rule", "kind"),
        "Suppressed errors whose count no sample carries: there were more fingerprints than the budget has places.",
    ),
    Metric(
        "rescues",
        "{trace}",
        ("outcome",),
        "Dropped traces in which an error came late: brought back whole, partial, or gone from the journal.",
    ),
    Metric("rescued_items", "{item}", ("signal",), "Dropped items that a late error brought back to be decided anew."),
    Metric(
        "released_requests",
        "{request}",
        ("reason",),
        "Requests no longer held for late errors: at the end of the window, or for want of room.",
    ),
    Metric(
        "overflow_measurements",
        "{measurement}",
        ("label",),
        "Measurements in overflow series, by the label whose budget is used up; `series`: no room for another series.",
    ),
    Metric("error_facts", "{error}", ("kind", "severity"), "Errors that yielded an error fact, counted exactly."),
    Metric("delivered_items", "{item}", ("destination", "signal"), "Items that a destination has acknowledged."),
    Metric(
        "delivered_bytes", "By", ("destination", "signal"), "Uncompressed bytes that a destination has acknowledged."
    ),
    Metric("destination_retries", "{send}", ("destination",), "Sends that failed for now."),
    Metric(
        "destination_refused_items", "{item}", ("destination", "signal"), "Items that a destination refused for good."
    ),
    Metric(
        "given_up_items",
        "{item}",
        ("destination", "signal"),
        "Kept items without errors that a destination never got, since the journal had to make room for errors.",
    ),
    Metric(
        "expired_segments",
        "{segment}",
        ("destination", "retention_class"),
        "File segments deleted at the end of their class's days.",
    ),
    Metric(
        "lost_tokens",
        "{token}",
        ("destination", "entity"),
        "Values for one destination that were lost since their token in the journal was damaged.",
    ),
    Metric(
        "lost_items",
        "{item}",
        ("signal", "reason"),
        "Items lost by sampling inside an application (`errorplane.sdk`), where there is no journal on disk to hold them: "
        "queue_full, memory_full, shutdown, or failure of errorplane itself.",
    ),
    Metric("unreadable_items", "{item}", ("destination",), "Items lost since their record in the journal was damaged."),
    Metric("internal_errors", "{error}", ("where",), "Failures inside errorplane itself."),
)
GAUGES: tuple[Metric, ...] = (
    Metric(
        "journal_bytes",
        "By",
        ("content",),
        "Bytes of the journal, by content: telemetry not yet decided or delivered, what is held only for late errors "
        "(rescue), and verdicts.",
    ),
    Metric(
        "clock_offset_seconds",
        "s",
        (),
        "How far the machine's clock was set since the start, which windows do not follow.",
    ),
    Metric("budget_fingerprints", "{fingerprint}", ("rule", "kind"), "Fingerprints that a budget tells apart."),
    Metric(
        "healthy_share",
        "1",
        ("destination",),
        "Share of the healthy data that a destination's daily byte budget leaves.",
    ),
    Metric("undecided_traces", "{trace}", (), "Traces whose window is open."),
    Metric("pending_deliveries", "{delivery}", ("destination",), "Deliveries that a destination has not acknowledged."),
)
_DECLARED = {metric.name: metric for metric in COUNTERS}


class Counters:
    """Exact counts since the process started; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, defaultdict[Labels, int]] = {name: defaultdict(int) for name in _DECLARED}
        self._elsewhere: dict[str, Callable[[], Mapping[Labels, int]]] = {}

    def add(self, name: str, count: int, **labels: str) -> None:
        """Add to a declared counter; the labels must be those of its row."""
        key = tuple(sorted(labels.items()))
        with self._lock:
            self._values[name][key] += count

    def add_all(self, counts: Mapping[tuple[str, Labels], int]) -> None:
        """Add many at once; the labels of each key are sorted by name."""
        with self._lock:
            for (name, labels), count in counts.items():
                self._values[name][labels] += count

    def read(self, name: str, source: Callable[[], Mapping[Labels, int]]) -> None:
        """Take a declared counter's values from whoever counts them."""
        self._elsewhere[name] = source

    def values(self, name: str) -> Mapping[Labels, int]:
        """A copy of one counter's series."""
        if name in self._elsewhere:
            return self._elsewhere[name]()
        with self._lock:
            return dict(self._values[name])

    def total(self, name: str, **labels: str) -> int:
        """The sum over the series that carry these labels."""
        wanted = set(labels.items())
        return sum(value for key, value in self.values(name).items() if wanted <= set(key))

    def by(self, name: str, label: str, **labels: str) -> dict[str, int]:
        """The counter summed by one label, over the series that carry the other labels given."""
        wanted = set(labels.items())
        sums: defaultdict[str, int] = defaultdict(int)
        for key, value in self.values(name).items():
            if wanted <= set(key):
                sums[dict(key)[label]] += value
        return dict(sums)
