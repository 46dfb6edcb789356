"""The benchmark of the application side measures what it says, and its page says what was measured."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.bench.instrumentation.calls import IMPORTS, calls, imports
from tests.bench.instrumentation.cases import CALLS, DEPTH, FIELDS, FIRST, SPAN, THREE
from tests.bench.instrumentation.chain import DEEPEST, Failed, chain
from tests.bench.instrumentation.contenders import (
    CALLED,
    INSTRUMENTED,
    OURS,
    OURS_ERRORS,
    SAMPLED,
    SENTRY,
    SERVED,
    STOCK,
)
from tests.bench.instrumentation.goals import failures, goals
from tests.bench.instrumentation.load import Misanswered, at_rate, flat_out, outcomes
from tests.bench.instrumentation.page import page, tables, trial
from tests.bench.instrumentation.results import CALL, FLAT_OUT, IMPORT, SENT, STALLED, STEADY, Case, Results
from tests.bench.instrumentation.served import ERRORS, SERVERS, STALLED_ERRORS, Size, served
from tests.bench.results import Run

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks-instrumentation.md"
CONDITIONS = {
    **dict.fromkeys(("date", "errorplane", "revision", "cpu", "system", "python"), "x"),
    "minutes": 1.0,
    "cores": 2,
    "memory_gb": 8.0,
    "load_before": 0.0,
    "others_share": 0.0,
    "call_rounds": 9,
    "import_rounds": 9,
    "rounds": 7,
    "flat_out_rounds": 3,
    "rate": 100.0,
    "seconds": 4.0,
    "versions": {"sentry-sdk": "1"},
}


def _frames(error: BaseException) -> int:
    count, traceback = 0, error.__traceback__
    while traceback is not None:
        count, traceback = count + 1, traceback.tb_next
    return count


@pytest.mark.parametrize("depth", [1, *DEPTH])
def test_an_exception_has_as_many_frames_as_the_case_says(depth: int, tmp_path: Path) -> None:
    """All of them of functions of their own, in several files: none is left out of the stack trace as repeated."""
    with pytest.raises(Failed) as caught:
        chain(tmp_path)(depth)
    assert _frames(caught.value) == depth + 2  # with this function, and the one that starts the chain
    assert len(list(tmp_path.glob("*.py"))) == DEEPEST // 5


def test_contenders_run_every_case() -> None:
    """Under `opentelemetry-instrument` too; whether errorplane is attached is checked by the workers themselves."""
    contenders = (INSTRUMENTED, OURS, SENTRY, OURS_ERRORS)  # each way there is to set an application up
    runs = list(calls(contenders, rounds=1, share=0.01))
    assert [run.case for run in runs] == [Case(CALL, who.name) for who in contenders]
    for run in runs:
        assert list(run.figures) == [call.name for call in CALLS]
        assert all(took > 0 for took in run.figures.values())


def test_imports_are_measured_apart_from_what_comes_before() -> None:
    """Each in a fresh process: importing nothing before costs next to nothing, the SDK does not."""
    found = {run.case.contender: run.figures for run in imports(rounds=1)}
    assert list(found) == [title for title, *_ in IMPORTS]
    assert found["sentry-sdk"]["before_ms"] < 1 < found["errorplane over the SDK"]["before_ms"]
    assert all(figures["wall_ms"] > 1 for figures in found.values())


@contextmanager
def _server(stall_at: int = -1, stall_s: float = 0.0, version: str = "HTTP/1.1") -> Iterator[int]:
    """One thread that answers one request after the other, and takes long for one of them."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = version

        def do_GET(self) -> None:
            server.count += 1
            if server.count == stall_at:
                time.sleep(stall_s)
            self.send_response(500 if self.path.endswith("failing") else 200)
            self.send_header("Content-Length", "2")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: Any) -> None:
            """Nothing to say."""

    class Server(HTTPServer):
        count = 0
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_waits_behind_a_slow_request_counts() -> None:
    """No coordinated omission: requests are sent when they are due, and their latency runs from then."""
    with _server(stall_at=5, stall_s=0.5) as port:
        measured = at_rate(port, 50.0, [False] * 40)
    assert len(measured.latencies) == 40
    late = sorted(measured.latencies, reverse=True)
    assert late[0] >= 0.5
    assert late[10] >= 0.25  # the tenth behind it was due 0.2 s later
    assert measured.took_s >= 39 / 50
    figures = measured.figures()
    assert figures["p99_ms"] >= 450
    assert figures["p50_ms"] <= figures["p99_ms"]


def test_flat_out_sends_as_soon_as_it_has_an_answer() -> None:
    """As many answers as the server gives in the time, from all connections together."""
    with _server() as port:
        measured = flat_out(port, 4, 0.3, outcomes(10, 0.5, seed=1))
    assert measured.figures()["per_s"] == pytest.approx(len(measured.latencies) / measured.took_s)
    assert len(measured.latencies) > 20


def test_another_answer_than_expected_is_no_measurement() -> None:
    """Whatever is not the answer of HTTP/1.1 that was to come ends the run."""
    with _server(version="HTTP/1.0") as port, pytest.raises(Misanswered, match=r"HTTP/1\.0 200 OK' for jo"):
        at_rate(port, 50.0, [False])


def test_the_share_of_errors_is_exact() -> None:
    """The same requests fail for all contenders of a round, and others in the next."""
    marks = outcomes(400, 0.01, seed=1)
    assert sum(marks) == 4
    assert marks == outcomes(400, 0.01, seed=1) != outcomes(400, 0.01, seed=2)
    assert not any(outcomes(400, 0.0, seed=1))


def test_real_servers_are_measured_with_all_contenders() -> None:
    """Flask under gunicorn: every case is measured, and a request that fails sends one exception instead of three."""
    said: list[str] = []
    runs = list(served(Size(20.0, 0.3, 1, 0.1, 1), said.append, apps=("Flask",)))
    assert [run.broken for run in runs if run.broken] == []
    assert {run.case for run in runs} == {
        Case(phase, who.name, "Flask", errors)
        for who in SERVED
        for phase, shares in ((SENT, (None,)), (STEADY, ERRORS), (FLAT_OUT, ERRORS), (STALLED, (STALLED_ERRORS,)))
        for errors in shares
    }
    assert len(said) == len(runs)
    sent = {run.case.contender: run.figures for run in runs if run.case.phase == SENT}
    assert (sent[INSTRUMENTED.name]["events"], sent[OURS.name]["events"]) == (3.0, 1.0)
    assert sent[OURS.name]["bytes"] < sent[INSTRUMENTED.name]["bytes"]


def _good() -> dict[Case, dict[str, float]]:
    """Figures in which errorplane meets every goal, just so."""
    ours = {FIELDS: 13.0, SPAN: 10.5, THREE: 40.0}
    out = {Case(CALL, who.name): {call.name: 10.0 for call in CALLS} | {THREE: 100.0} for who in (*CALLED, *SAMPLED)}
    out[Case(CALL, OURS.name)] |= ours | {FIRST.format(depth): 70.0 for depth in DEPTH}
    for title, *_ in IMPORTS:
        out[Case(IMPORT, title)] = {"wall_ms": 50.0, "cpu_ms": 50.0, "before_ms": 9.0, "before_wall_ms": 9.0}
    for app in SERVERS:
        for who in SERVED:
            times = 1.02 if who is OURS else 1.0
            for phase, errors in (*((STEADY, each) for each in ERRORS), (STALLED, STALLED_ERRORS)):
                share = 1.0 if errors == 0.5 else times
                out[Case(phase, who.name, app, errors)] = {"p50_ms": share, "p99_ms": 10 * share, "cpu_us": 900.0}
            out |= {Case(FLAT_OUT, who.name, app, errors): {"per_s": 100.0} for errors in ERRORS}
            out[Case(SENT, who.name, app)] = {"spans": 3.0, "events": 1.0, "bytes": 5000.0}
    return out


def _results(figures: dict[Case, dict[str, float]]) -> Results:
    return Results(dict(CONDITIONS), [Run(case, number, each) for case, each in figures.items() for number in (1, 2)])


def test_goals_met() -> None:
    """Figures at the bounds meet every goal, in the table too."""
    results = _results(_good())
    assert [held.goal.title for held in goals(results) if not held.is_met()] == []
    assert "NOT met" not in tables(results)
    assert (failures(results), trial(results)) == ([], [])
    assert "trial run" not in page(results)


@pytest.mark.parametrize(
    ("case", "name", "value", "row"),
    [
        (Case(CALL, OURS.name), SPAN, 10.6, "CPU, times that of stock: span |"),
        (Case(CALL, OURS.name), FIELDS, 13.1, "CPU, times that of stock: span with five context fields"),
        (Case(CALL, OURS.name), THREE, 40.1, "CPU, times that of stock: exception through three nested spans"),
        (Case(CALL, OURS.name), FIRST.format(30), 70.1, "CPU over that of stock: first record of an exception, 30 frames"),
        (Case(CALL, STOCK.name), FIRST.format(5), 9.9, "CPU over that of stock: first record of an exception, 5 frames"),
        (Case(IMPORT, IMPORTS[0][0]), "wall_ms", 50.1, "import and attach: errorplane over the SDK"),
        (Case(STEADY, OURS.name, "Flask", 0.0), "p50_ms", 1.03, "p50, times that of stock: Flask, constant rate, 0 %"),
        (Case(STEADY, OURS.name, "FastAPI", 0.5), "p99_ms", 10.1, "p99, times that of stock: FastAPI, constant rate, 50 %"),
        (Case(STALLED, OURS.name, "Flask", 0.01), "p99_ms", 10.3, "p99, times that of stock: Flask, constant rate, agent"),
    ],
)  # fmt: skip
def test_a_goal_that_is_missed_is_said_to_be(case: Case, name: str, value: float, row: str) -> None:
    """The verdict follows from the figures: a little worse, and that goal is not met, and no other."""
    figures = _good()
    figures[case] = {**figures[case], name: value}
    wrong = [line for line in tables(_results(figures)).splitlines() if "NOT met" in line]
    assert [line.startswith(f"| {row}") for line in wrong] == [True]


def test_a_broken_or_late_run_is_reported() -> None:
    """A server that fails and requests that go out late stand on the page; what was not measured is not made up."""
    results = _results(_good())
    case = Case(STEADY, OURS.name, "Flask", 0.01)
    results.runs += [
        Run(case, 3, broken="ended with 1"),
        Run(case, 4, {"lag_p99_ms": 9.0, "p50_ms": 1, "p99_ms": 1, "cpu_us": 1}),
    ]
    assert failures(results) == [
        "errorplane, constant rate, Flask, 1 % errors, round 3: ended with 1",
        "errorplane, constant rate, Flask, 1 % errors, round 4: 1 % of the requests went out 9.0 ms late or more",
    ]
    assert all(each in tables(results) for each in failures(results))
    nothing = Results(dict(CONDITIONS), [])
    assert {held.is_met() for held in goals(nothing)} == {None}
    assert not any(word in tables(nothing) for word in (": met", "NOT met"))


def test_small_runs_and_busy_machines_are_called_trials() -> None:
    """A page of a run that says little begins with that."""
    results = _results(_good())
    results.conditions |= {"rounds": 1, "others_share": 0.3}
    assert "**A trial run, not to be quoted**: 5 rounds are needed, not 1; 30% of the machine" in page(results)


def test_the_page_shows_the_stored_figures(tmp_path: Path) -> None:
    """docs/benchmarks-instrumentation.md is made of the figures beside it, all of them, and nothing is written by hand."""
    results = Results.read(PAGE.with_suffix(".json"))
    assert PAGE.read_text() == page(results)
    assert {run.case.contender for run in results.runs if run.case.phase == CALL} == {
        who.name for who in (*CALLED, *SAMPLED)
    }
    results.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == PAGE.with_suffix(".json").read_text()
