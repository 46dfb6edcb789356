"""``docs/benchmarks-instrumentation.md``, and what the benchmark prints: tables and goals out of the stored figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.bench.instrumentation import cases
from tests.bench.instrumentation.calls import IMPORTS
from tests.bench.instrumentation.contenders import CALLED, INSTRUMENTED, SAMPLED, SERVED, STOCK, Contender
from tests.bench.instrumentation.goals import BASES, failures, goals
from tests.bench.instrumentation.results import (
    CALL,
    FLAT_OUT,
    IMPORT,
    SENT,
    STALLED,
    STEADY,
    Case,
    Results,
    failing,
)
from tests.bench.instrumentation.served import ERRORS, SERVERS, STALLED_ERRORS
from tests.bench.markdown import cell, table
from tests.bench.results import Spread

_ENOUGH_ROUNDS, _QUIET = 5, 0.1
_INTRODUCTION = """\
What errorplane costs the application that it is in: beside the stock OpenTelemetry SDK, the same under
`opentelemetry-instrument`, and sentry-sdk, all in one run. `python -m tests.bench.instrumentation --page
docs/benchmarks-instrumentation.md` in a checkout measures again and writes this page and its figures
([benchmarks-instrumentation.json](benchmarks-instrumentation.json)); `make bench` prints the tables."""


def page(results: Results) -> str:
    """The whole page."""
    parts = ["# What errorplane costs an application", _INTRODUCTION, *_warning(results), tables(results), _METHOD]
    return "\n\n".join(parts) + "\n"


def tables(results: Results) -> str:
    """What was measured, and what it is held against."""
    sections = [
        ("Goals", [_goals(results)]),
        ("Not as it should be", ["\n".join(f"- {each}" for each in failures(results)) or "Nothing."]),
        ("Single calls", [_calls(results), _over(results)]),
        ("With head sampling", [_sampled(results)]),
        ("Import", [_imports(results)]),
        ("Requests at a constant rate", [_steady(results), _sent(results)]),
        ("As fast as it answers", [_flat_out(results)]),
        ("Conditions", ["\n".join(f"- {each}" for each in _conditions(results))]),
    ]
    return "\n\n".join(f"## {title}\n\n" + "\n\n".join(parts) for title, parts in sections)


def trial(results: Results) -> list[str]:
    """Why the figures say little; [] if they do not."""
    conditions = results.conditions
    reasons = []
    if conditions["rounds"] < _ENOUGH_ROUNDS:
        reasons.append(f"{_ENOUGH_ROUNDS} rounds are needed, not {conditions['rounds']}")
    if conditions["others_share"] > _QUIET:
        reasons.append(f"{conditions['others_share']:.0%} of the machine used by other programs")
    return reasons


def _warning(results: Results) -> list[str]:
    reasons = trial(results)
    return [f"> **A trial run, not to be quoted**: {'; '.join(reasons)}."] if reasons else []


def _goals(results: Results) -> str:
    rows = ([held.goal.title, held.goal.bound(), *held.texts()] for held in goals(results))
    return table(["goal", "", *(f"against {who.title}" for who in BASES)], rows)


def _calls(results: Results) -> str:
    names = [call.name for call in cases.CALLS]
    head = ["microseconds of CPU", *(who.title for who in CALLED)]
    return table(head, ([name, *(_call(results, who, name) for who in CALLED)] for name in names))


def _over(results: Results) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for call in cases.CALLS:
            ratios = (results.ratios(Case(CALL, who.name), Case(CALL, STOCK.name), call.name) for who in CALLED[1:])
            yield [call.name, *(cell(Spread.quartiles(each), ".2f") for each in ratios)]

    return table(["times the stock SDK", *(who.title for who in CALLED[1:])], rows())


def _sampled(results: Results) -> str:
    contenders = (INSTRUMENTED, *SAMPLED)
    head = ["microseconds of CPU", *(who.title for who in contenders)]
    return table(head, ([name, *(_call(results, who, name) for who in contenders)] for name in cases.SAMPLED))


def _call(results: Results, who: Contender, name: str) -> str:
    values = [figures[name] for figures in results.rounds(Case(CALL, who.name)).values() if name in figures]
    return cell(Spread.quartiles(values), ".1f")


def _imports(results: Results) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for title, *_ in IMPORTS:
            rounds = results.rounds(Case(IMPORT, title)).values()
            names = ("wall_ms", "cpu_ms", "before_wall_ms")
            yield [title, *(cell(Spread.quartiles([each[name] for each in rounds]), ".1f") for name in names)]

    return table(["import and set-up", "ms", "CPU ms", "ms of what is imported before"], rows())


def _steady(results: Results) -> str:
    shown = [(STEADY, errors) for errors in ERRORS] + [(STALLED, STALLED_ERRORS)]

    def rows() -> Iterator[Sequence[str]]:
        for app in SERVERS:
            for phase, errors in shown:
                for who in SERVED:
                    yield [_where(app, phase, errors), who.title, *_latency(results, phase, app, errors, who)]

    return table(
        ["", "contender", "p50 ms", "p99 ms", "CPU us/request", "p50, times stock", "p99, times stock"], rows()
    )


def _where(app: str, phase: str, errors: float) -> str:
    return f"{app}, {failing(errors)}" + (", agent stalled" if phase == STALLED else "")


def _latency(results: Results, phase: str, app: str, errors: float, who: Contender) -> Iterator[str]:
    case, base = (Case(phase, each.name, app, errors) for each in (who, INSTRUMENTED))
    for name, form in (("p50_ms", ".2f"), ("p99_ms", ".2f"), ("cpu_us", ",.0f")):
        yield cell(results.spread(case, name), form)
    for name in ("p50_ms", "p99_ms"):
        yield "" if who is INSTRUMENTED else cell(Spread.quartiles(results.ratios(case, base, name)), ".3f")


def _sent(results: Results) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for app in SERVERS:
            for who in SERVED:
                case = Case(SENT, who.name, app)
                names = (("spans", ".1f"), ("events", ".1f"), ("bytes", ",.0f"))
                yield [app, who.title, *(cell(results.spread(case, name), form) for name, form in names)]

    head = ["of a request that fails", "contender", "spans sent", "exceptions on them", "bytes of OTLP"]
    return table(head, rows())


def _flat_out(results: Results) -> str:
    def rows() -> Iterator[Sequence[str]]:
        for app in SERVERS:
            for errors in ERRORS:
                for who in SERVED:
                    case, base = (Case(FLAT_OUT, each.name, app, errors) for each in (who, INSTRUMENTED))
                    ratios = [] if who is INSTRUMENTED else results.ratios(case, base, "per_s")
                    yield [
                        f"{app}, {failing(errors)}",
                        who.title,
                        cell(results.spread(case, "per_s"), ",.0f"),
                        cell(Spread.quartiles(ratios), ".3f") if ratios else "",
                    ]

    return table(["", "contender", "requests/s", "times stock"], rows())


def _conditions(results: Results) -> Iterator[str]:
    at = results.conditions
    yield f"{at['date']}, {at['minutes']:.0f} minutes; errorplane {at['errorplane']} at {at['revision']}"
    yield f"{at['cores']} cores ({at['cpu']}), {at['memory_gb']:.0f} GB, {at['system']}, {at['python']}"
    yield ", ".join(f"{name} {version}" for name, version in at["versions"].items())
    yield (
        f"load before the start {at['load_before']:.2f}; other programs took {at['others_share']:.1%} of the machine "
        "meanwhile"
    )
    yield (
        f"{at['call_rounds']} rounds of single calls, {at['import_rounds']} of imports: median, and the quartiles in "
        f"parentheses; {at['rounds']} rounds of requests ({at['flat_out_rounds']} as fast as it answers): median, and "
        "least to most; ratios are taken round by round, and have quartiles"
    )
    yield f"{at['rate']:g} requests a second for {at['seconds']:g} s in each round"


_METHOD = """\
## How it is measured

- **Contenders**: the stock SDK set up by hand; the same set up by `opentelemetry-instrument` with errorplane switched off
  (`ERRORPLANE_ENABLED=false`); errorplane attached by `opentelemetry-instrument`, without any other setting; sentry-sdk with
  tracing and logs on and a transport that drops, with its defaults and without local variables and source lines. Each is a
  process of its own, all are up at the same time and run batches of each case in turn, forwards and backwards.
- **Single calls**: CPU time of the thread that makes the call. Exporters drop what they get at once. Exceptions are raised
  by functions in six files and leave the span; with sentry-sdk they are captured then. The span with five context
  fields has none with others than errorplane: there it is a span as in the first row.
- **Error storm**: the same error again and again, through three nested spans and into a log record.
- **With head sampling**: `parentbased_traceidratio` at 10 %. `ERRORPLANE_EXPORT_ERRORS` records every span so that
  those of errors can leave: that is what it costs.
- **Import**: in fresh processes, with compiled bytecode. Before errorplane's, what is said was imported already.
- **Requests**: a FastAPI application under uvicorn and a Flask application under gunicorn (one worker, four threads), under
  `opentelemetry-instrument` with all instrumentations of the development environment, sending OTLP/HTTP every second to
  a sink on loopback, or to a socket that accepts connections and never answers. A request makes three spans (and FastAPI's
  own); one that fails raises through all of them. "stock + sentry-sdk" has sentry-sdk beside OpenTelemetry, as it comes. The
  servers have one core, the load generator and the sink the other. Latencies run from the moment a request was due, not
  from when it was sent, so that waiting counts.
- **As fast as it answers**: eight connections, each with the next request as soon as it has its answer.
"""
