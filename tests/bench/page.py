"""``docs/benchmarks.md``, and what ``make bench`` prints: tables, goals and conditions out of the stored figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.bench.contenders import CONTENDERS, DEFAULT, FLOOR, NINE, OURS
from tests.bench.goals import failures, goals
from tests.bench.load import EXPORTERS
from tests.bench.markdown import cell, table
from tests.bench.results import (
    FULL_SPEED,
    KEEPS,
    KILLED,
    OVERLOADED,
    STRAIGHT,
    Case,
    Results,
    count_error,
)

_ENOUGH_ROUNDS, _ENOUGH_SPANS, _QUIET = 3, 200_000, 0.1
_INTRODUCTION = """\
errorplane beside the OpenTelemetry Collector's own redaction and tail sampling, one after the other in one run, on the same
traffic. `make bench ARGS="--page docs/benchmarks.md"` measures again and writes this page, its figures
([benchmarks.json](benchmarks.json)) and its plot."""


def page(results: Results, plot: str) -> str:
    """The whole page; ``plot`` is the name of the picture beside it."""
    parts = [
        "# Benchmarks",
        _INTRODUCTION,
        *_warning(results),
        f"![CPU, speed and memory beside the Collector]({plot})",
        tables(results),
        _method(results),
    ]
    return "\n\n".join(parts) + "\n"


def tables(results: Results) -> str:
    """What was measured, and what it is held against."""
    sections = [
        ("Goals", [_goals(results)]),
        (
            "Not done as asked",
            [
                "\n".join(f"- {each}" for each in failures(results))
                or "Nothing: every contender did its job in every run."
            ],
        ),
        ("Full speed", [_full_speed(results), _bottleneck(results)]),
        ("kill -9", [_killed(results)]),
        ("Three times as much as it takes", [_overloaded(results)]),
        ("Conditions", ["\n".join(f"- {each}" for each in _conditions(results))]),
    ]
    return "\n\n".join(f"## {title}\n\n" + "\n\n".join(parts) for title, parts in sections)


def trial(results: Results) -> list[str]:
    """Why figures say little: the run was too small, or the machine was busy with other things. [] if they do not."""
    conditions = results.conditions
    reasons = []
    if conditions["rounds"] < _ENOUGH_ROUNDS:
        reasons.append(f"{_ENOUGH_ROUNDS} rounds are needed, not {conditions['rounds']}")
    if conditions["spans"] < _ENOUGH_SPANS:
        reasons.append(f"{_ENOUGH_SPANS:,} spans a run are needed, not {conditions['spans']:,}")
    if conditions["others_share"] > _QUIET:
        reasons.append(f"{conditions['others_share']:.0%} of the machine used by other programs")
    return reasons


def _warning(results: Results) -> list[str]:
    reasons = trial(results)
    return [f"> **A trial run, not to be quoted**: {'; '.join(reasons)}."] if reasons else []


def _goals(results: Results) -> str:
    ours = (OURS, DEFAULT)
    held = [goals(results, each) for each in ours]
    rows = ([row[0].goal.title, row[0].goal.bound(), *(each.text() for each in row)] for row in zip(*held, strict=True))
    return table(["goal", "", *(each.title for each in ours)], iter(rows))


def _full_speed(results: Results) -> str:
    head = [
        *("contender", "healthy kept", "CPU us/span", "spans/s", "peak MB", "B per buffered span"),
        *("p50 s", "p99 s", "errors sent", "count error"),
    ]
    return table(head, _speeds(results))


def _speeds(results: Results) -> Iterator[Sequence[str]]:
    for keep in KEEPS:
        for who in CONTENDERS:
            case = Case(FULL_SPEED, who.name, keep)
            yield [
                who.title,
                cell(results.spread(case, "healthy_kept"), ".2%"),
                *_speed(results, case),
                cell(results.spread(case, "p50_s"), ".2f"),
                cell(results.spread(case, "p99_s"), ".2f"),
                cell(results.spread(case, "error_recall"), ".2%"),
                cell(results.spread(case, count_error), ".2%"),
            ]
    yield [FLOOR.title, "", *_speed(results, Case(FULL_SPEED, FLOOR.name)), "", "", "", ""]


def _speed(results: Results, case: Case) -> Iterator[str]:
    for name, form in (("cpu_us", ".1f"), ("spans_per_s", ",.0f"), ("peak_mb", ",.0f"), ("bytes_per_span", ",.0f")):
        yield cell(results.spread(case, name), form)


def _bottleneck(results: Results) -> str:
    """Whether the generator and the sink are fast enough for what they measure."""
    straight = results.spread(Case(STRAIGHT, "sink"), "spans_per_s")
    fastest = max(
        (
            spread.high
            for who in (*CONTENDERS, FLOOR)
            for keep in (*KEEPS, None)
            if (spread := results.spread(Case(FULL_SPEED, who.name, keep), "spans_per_s"))
        ),
        default=0.0,
    )
    if straight is None or not fastest:
        return "How fast the load generator and the sink are was not measured."
    times = straight.median / fastest
    fault = "" if times > 2 else " **That is too near: spans/s may be theirs.**"
    own = cell(results.spread(Case(FULL_SPEED, OURS.name, KEEPS[0]), "generator_us"), ".1f")
    return (
        f"The load generator straight to the sink: {straight.text(',.0f')} spans/s, {times:.1f} times the fastest of the "
        f"above.{fault} Beside “{OURS.title}” it took {own} us of CPU per span, which are not in the table."
    )


def _killed(results: Results) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for who in CONTENDERS:
            case = Case(KILLED, who.name)
            yield [
                who.title,
                cell(results.spread(case, "acknowledged"), ",.0f"),
                cell(results.spread(case, "lost"), ",.0f"),
                cell(results.spread(case, lambda figures: figures["lost"] / figures["acknowledged"]), ".2%"),
                cell(results.spread(case, "duplicates"), ",.0f"),
                cell(results.spread(case, "ready_s"), ".1f"),
            ]

    head = ["contender", "acknowledged spans", "lost", "share lost", "sent twice", "s until it takes spans again"]
    return table(head, rows())


def _overloaded(results: Results) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for exporter in EXPORTERS:
            for who in CONTENDERS:
                yield [
                    who.title,
                    exporter.title,
                    *_overload(results, Case(OVERLOADED, who.name, exporter=exporter.name)),
                ]

    head = [
        *("contender", "senders", "offered spans/s", "acknowledged", "taken spans/s", "error recall"),
        *("of acknowledged errors", "recall of distinct faults", "count error", "peak MB"),
    ]
    return table(head, rows())


def _overload(results: Results, case: Case) -> Iterator[str]:
    yield cell(results.spread(case, lambda figures: figures["offered"] / figures["offered_s"]), ",.0f")
    for name, form in (
        ("taken", ".1%"),
        ("taken_per_s", ",.0f"),
        ("error_recall", ".2%"),
        ("error_recall_of_taken", ".2%"),
        ("fault_recall", ".2%"),
    ):
        yield cell(results.spread(case, name), form)
    yield cell(results.spread(case, count_error), ".2%")
    yield cell(results.spread(case, "peak_mb"), ",.0f")


def _conditions(results: Results) -> Iterator[str]:
    at, traffic = results.conditions, results.conditions["traffic"]
    yield f"{at['date']}, {at['minutes']:.0f} minutes; errorplane {at['errorplane']} at {at['revision']}, {at['collector']}"
    yield f"{at['cores']} cores ({at['cpu']}), {at['memory_gb']:.0f} GB, {at['system']}, {at['python']}; journal on {at['disk']}"
    yield (
        f"load before the start {at['load_before']:.2f}; other programs took {at['others_share']:.1%} of the machine meanwhile"
    )
    yield (
        f"{at['rounds']} rounds of everything ({at['overload_rounds']} of overload); median, and least to most of the rounds "
        "in parentheses; ratios are taken round by round"
    )
    yield (
        f"{at['spans']:,} spans a run or few more, decision wait {at['wait_s']:g} s for all, {at['senders']} requests under "
        f"way, overload for {at['overload_s']:g} s"
    )
    yield (
        f"traffic: {traffic['distinct_spans']:,.0f} distinct recorded spans of {traffic['bytes_per_span']:.0f} bytes and "
        f"{traffic['attributes_per_span']:.0f} attributes, {traffic['spans_per_trace']:.0f} in a trace, spread over at least "
        f"{traffic['least_requests_per_trace']:.0f} requests of {traffic['spans_per_request']:,.0f}; "
        f"{traffic['error_traces']:.1%} of traces with an error (an exception with its stack, {traffic['faults']:.0f} faults), "
        f"{traffic['private_spans']:.1%} of spans with personal data; every replay has other trace ids and other rare faults"
    )


def _method(results: Results) -> str:
    conditions = results.conditions
    return f"""## How it is measured

- **Contenders**: the Collector of `collector-config/distribution` (its telemetry off), and errorplane as `errorplane
  processor`, both with the rules: every error, everything slower than 5 s, a share of the rest. Nine detectors are
  {", ".join(NINE)}; the Collector has one pattern for each. All receive OTLP/gRPC and send OTLP/gRPC without compression
  to a sink on the same machine; the Collector's exporter sends batches, which is the cheaper way for it.
- **CPU per span**: user and system time of all processes of the contender (`/proc/PID/stat`) from the first span until all
  is sent, by all spans offered. Neither the load generator's nor the sink's, which are other processes; they share the
  cores with the contender. The decisions on the 1,000 spans of a warm-up before are in it.
- **spans/s**: offered spans by the time from the first request until the last acknowledgement, with {conditions["senders"]} requests
  under way. errorplane acknowledges what is synced to disk, the Collector what it has in memory.
- **Memory**: PSS of all processes (`/proc/PID/smaps_rollup`: every mapped page, those of the journal's map too, pages that
  several share by their share), looked at four times a second. Per buffered span: the most above what it was after the
  warm-up, by the most spans that were acknowledged within one decision wait. The page cache of files that are not mapped is not
  in it.
- **p50, p99**: for each trace that was sent, from the moment its last span was *given to the sender's connection* until its
  last span was in the sink whole. The decision wait runs from the first span.
- **kill -9**: everything is to be kept; SIGKILL to all processes when half of the requests are acknowledged, restart with the
  same folder. Lost: spans acknowledged before that never come. A kill keeps the page cache; that errorplane's
  acknowledgements are synced is what `tests/journal` shows.
- **Overload**: three times the median of the contender's own spans/s, whatever it answers. Recall is over **all** errors
  offered, also those of requests that nobody took; an error is recalled when its span comes to the sink. Distinct faults: by the
  exception's type and the function that raised it, known from the traffic, not from a fingerprint of errorplane's.
  Refusals are sent again as real exporters do: those of SDKs ({EXPORTERS[0].deadline_s:g} s for an export with all its tries, backoff from 1 s, or as the
  refusal says), each request as another application's; and those of four Collectors in front (10 requests under way and 1,000
  waiting each, 5 s for a try, backoff from 5 s, {EXPORTERS[1].deadline_s:g} s in all). With SDKs' 10 s nobody who takes a third can take all once overload
  lasts for longer than 5 s.
- **Count error**: errors that errorplane's metric `errorplane_service_errors_total` counts, against those offered; under
  overload against those that it took. The Collector's two processors count none.
- **Floor**: receiving, one Hyperscan scan of ten expressions, the wire walk and zstd: the least that this path needs with
  Python and these libraries.

Left out: TLS, gRPC compression, OTLP/HTTP, logs and metrics, several destinations, restarts with a large journal, and the
deletion of dropped traces at the end of `sampling.rescue_window` (10 minutes, so after the runs).
"""
