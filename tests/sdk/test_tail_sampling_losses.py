"""Tail sampling inside an application when something is short or broken: what is lost, and that it is counted."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import threading
import weakref
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import set_span_in_context
from tests.sdk.applications import DEADLINE_S, ERRORS_ONLY, Application, Spans, accounts, application, policy
from tests.support.collector_tools import wait_until

from errorplane.otlp import Signal
from errorplane.sdk import TailSampling, TailSamplingSpanProcessor

MIB = 1 << 20
ALL = [{"name": "all"}]


def fill(app: Application, traces: int, *, every: int) -> int:
    """So many traces of two spans with texts that do not compress, of which some failed; how many of those."""
    failed = 0
    for number in range(traces):
        with app.span(f"root {number}", text=os.urandom(1000).hex()):
            with app.span("below", text=os.urandom(500).hex()):
                pass
            if number % every == 0:
                failed += 1
                with app.span("failed", failed=True):
                    pass
    return failed


def names(spans: Sequence[ReadableSpan]) -> Counter[str]:
    """How many spans have a name, without its number."""
    return Counter(span.name.split()[0] for span in spans)


def taken_in(app: Application) -> None:
    """Wait until nothing is queued."""
    wait_until(lambda: not app.items()["queued"], "an empty queue", DEADLINE_S)


@settings(max_examples=12)
@given(
    traces=st.lists(st.tuples(st.integers(1, 4), st.booleans(), st.booleans(), st.booleans()), max_size=40),
    keep=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_every_span_is_accounted_for(traces: list[tuple[int, bool, bool, bool]], keep: float) -> None:
    """Whatever traces come, with late spans and flushes between: exported, dropped and lost together are those handed
    over, none twice, and every error is exported.
    """
    rules: list[dict[str, Any]] = [
        {"name": "errors", "when": {"status": "error"}, "budget": {"samples": 100, "window": "1h"}},
        {"name": "rest", "keep": keep},
    ]
    with application(rules, max_spans_per_trace=3) as app:
        offered = failed_spans = 0
        for spans, failed, late, flush in traces:
            root = app.root("root")
            context = set_span_in_context(root)
            for _ in range(spans):
                app.root("below", context=context)
            if flush:
                assert app.tracer_provider.force_flush()
            if failed:
                app.root("failed", failed=True, context=context)
            if late:
                app.root("late", context=context)
            offered += 1 + spans + failed + late
            failed_spans += failed
        app.close()
        items = app.items()
        assert (items["held"], items["queued"], items["lost"]) == (0, 0, {})
        assert accounts(items) == offered
        assert items["exported"] == len({span.context.span_id for span in app.spans.spans if span.context})
        assert names(app.spans.spans)["failed"] == failed_spans
        assert app.sampling.stats()["internal_errors"] == {}


def test_healthy_traces_go_first_when_memory_is_short() -> None:
    """Over its bound the sampler decides early: healthy traces go for want of room, every error with its trace stays."""
    with application(options={"max_bytes": 2 * MIB}) as app:
        failed = 0
        for _ in range(20):
            failed += fill(app, 100, every=10)
            taken_in(app)
            assert app.sampling.stats()["memory"]["bytes"] <= 2.1 * MIB
        app.close()
        assert names(app.spans.spans) == {"root": failed, "below": failed, "failed": failed}
        items = app.items()
        assert items["dropped"]["room"] > 500
        assert (items["lost"], accounts(items)) == ({}, 20 * 100 * 2 + failed)


def test_kept_healthy_traces_go_before_errors_while_the_backend_is_away() -> None:
    """What waits for a backend stays within the bound, errors longest; with the backend back they are all exported."""
    spans = Spans()
    spans.away = True
    with application(ALL, spans=spans, options={"max_bytes": 2 * MIB}, root_wait="0s") as app:
        failed = 0
        for _ in range(20):
            failed += fill(app, 100, every=50)
            taken_in(app)
            assert app.sampling.stats()["memory"]["bytes"] <= 2.1 * MIB
        spans.away = False
        app.close()
        assert names(app.spans.spans)["failed"] == failed
        items = app.items()
        assert set(items["lost"]) == {"no_room"}
        assert items["lost"]["no_room"] + items["dropped"].get("room", 0) > 500
        assert accounts(items) == 20 * 100 * 2 + failed


def test_errors_beyond_the_bound_are_lost_last_and_counted() -> None:
    """When nothing but errors is held and the backend is away, further ones are lost, each counted by its reason."""
    spans = Spans()
    spans.away = True
    with application(ALL, spans=spans, options={"max_bytes": MIB}, root_wait="0s") as app:
        for _ in range(20):
            fill(app, 50, every=1)
            taken_in(app)
        assert app.sampling.stats()["memory"]["bytes"] <= 1.1 * MIB
        spans.away = False
        app.close()
        items = app.items()
        assert items["lost"]["memory_full"] > 500
        assert accounts(items) == 20 * 50 * 3
        assert names(app.spans.spans)["failed"] > 100


def test_a_full_queue_leaves_out_healthy_spans_before_failed_ones() -> None:
    """While nothing is taken in, healthy spans beyond the bound are counted as lost, failed ones are still taken."""
    with application(options={"max_queue": 100}) as app:
        with app.sampling.core.turn:
            for _ in range(150):
                app.root("healthy")
            for _ in range(150):
                app.root("failed", failed=True)
        app.close()
        items = app.items()
        assert items["lost"] == {"queue_full": 100}
        assert app.spans.names == ["failed"] * 100
        assert accounts(items) == 300


def test_a_batch_that_is_refused_is_tried_again_and_then_given_up() -> None:
    """Other batches go through meanwhile, and after five attempts the one at fault is counted as refused."""
    spans = Spans(refused="bad")
    with application(ALL, spans=spans) as app:
        app.root("bad")
        assert not app.tracer_provider.force_flush()

        def given_up() -> bool:
            app.root("good")
            app.tracer_provider.force_flush()
            return bool(app.items()["lost"])

        wait_until(given_up, "the end of attempts", DEADLINE_S)
        assert app.items()["lost"] == {"refused": 1}
        assert set(spans.names) == {"good"}
        assert app.tracer_provider.force_flush()


def test_a_backend_that_comes_back_gets_everything_once() -> None:
    """Batches that failed are exported later by the sampler itself, without a flush, and none of them twice."""
    spans = Spans()
    spans.away = True
    with application(ALL, spans=spans, root_wait="0s") as app:
        for _ in range(1500):
            app.root("x")
        wait_until(lambda: app.sampling.stats()["traces"]["kept"] == 1500, "all verdicts", DEADLINE_S)
        spans.away = False
        wait_until(lambda: len(spans.spans) >= 1500, "all spans", DEADLINE_S)
        assert len({span.context.span_id for span in spans.spans if span.context}) == len(spans.spans) == 1500


def test_a_delivery_goes_on_where_it_stopped() -> None:
    """Of more spans than one batch holds, those that were taken before a failure are not exported again."""

    class Once(Spans):
        """Refuses its second batch the first time."""

        def __init__(self) -> None:
            super().__init__()
            self.sizes: list[int] = []

        def export(self, spans: Sequence[ReadableSpan]) -> Any:
            """Note how many came."""
            self.sizes.append(len(spans))
            self.away = len(self.sizes) == 2
            return super().export(spans)

    spans = Once()
    with application(ALL, spans=spans) as app:
        with app.sampling.core.turn, app.span("root"):
            for _ in range(1199):
                app.root("x")
        app.tracer_provider.force_flush()
        wait_until(lambda: len(spans.spans) >= 1200, "all spans", DEADLINE_S)
        assert spans.sizes == [512, 512, 512, 176]
        assert len({span.context.span_id for span in spans.spans if span.context}) == len(spans.spans) == 1200


def test_deciding_goes_on_while_the_exporter_blocks() -> None:
    """An exporter that does not return holds up neither the application, nor verdicts; a flush gives up in its time."""
    spans = Spans()
    spans.open.clear()
    with application(ALL, spans=spans, root_wait="0s") as app:
        app.root("x")
        app.decided(1)
        for _ in range(3000):
            app.root("y")
        app.decided(3001)
        assert not app.tracer_provider.force_flush(100)
        assert app.items()["queued"] == 0


class Raising(Spans):
    """Raises instead of answering, with a value in the message."""

    def export(self, spans: Sequence[ReadableSpan]) -> Any:
        """Fail."""
        raise RuntimeError("secret")


def test_an_exporter_that_raises_is_one_that_failed(caplog: pytest.LogCaptureFixture) -> None:
    """The thread goes on, what is left at shutdown is counted as lost, and no message of the exporter is logged."""
    with application(ALL, spans=Raising()) as app:
        app.root("x")
        assert not app.tracer_provider.force_flush()
        app.close()
        assert app.items()["lost"] == {"shutdown": 1}
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_shutdown_decides_and_exports_everything_and_takes_nothing_more() -> None:
    """Undecided traces are decided, both exporters are shut down once, what ends later is counted as lost."""
    with application() as app:
        late = app.tracer_provider.get_tracer("x").start_span("late")
        with app.span("root"), app.span("failed", failed=True):
            app.logger.emit(body="why", severity_number=SeverityNumber.INFO)
        app.tracer_provider.shutdown()
        assert (sorted(app.spans.names), app.logs.bodies, app.spans.closed) == (["failed", "root"], ["why"], 1)
        late.end()
        app.logger.emit(body="alone", severity_number=SeverityNumber.ERROR)
        app.logger_provider.shutdown()
        assert app.logs.bodies == ["why", "alone"]
        TailSamplingSpanProcessor.on_end(app.tracer_provider._active_span_processor._span_processors[0], late)  # type: ignore[arg-type]  # as a second provider would
        assert app.items()["lost"] == {"shutdown": 2}
        assert not any(thread.name.startswith("errorplane-") and thread.is_alive() for thread in ours(app))


def ours(app: Application) -> list[threading.Thread]:
    """The threads of its sampler."""
    core = app.sampling.core
    return [thread for thread in (core._thread, core.exports.thread) if thread is not None]


def test_two_threads_and_no_more() -> None:
    """Threads start with the first item, and there are two however much is handed over."""
    with application(ALL) as app:
        assert ours(app)[0].ident is None
        before = threading.active_count()
        for _ in range(2000):
            app.root("x")
        assert threading.active_count() == before + 2


def test_a_fault_of_ours_loses_no_more_than_it_must(caplog: pytest.LogCaptureFixture) -> None:
    """An item that cannot be encoded costs its batch, a turn that fails what was undecided; both are counted, and
    sampling goes on.
    """
    with application() as app:
        app.sampling.put(Signal.TRACES, object())
        wait_until(lambda: app.items()["lost"] == {"failure": 1}, "the batch at fault", DEADLINE_S)
        app.root("undecided", failed=True)
        wait_until(lambda: app.items()["held"] == 1, "a span that is taken in", DEADLINE_S)
        app.sampling.core.decider.traces._queues.clear()
        app.sampling.core.decider.traces.due = None  # type: ignore[method-assign, assignment]  # the fault
        app.root("next", failed=True)
        wait_until(lambda: app.items()["lost"] == {"failure": 3}, "the turn at fault", DEADLINE_S)
        app.root("last", failed=True)
        assert app.tracer_provider.force_flush()
        assert app.spans.names == ["last"]
        assert app.sampling.stats()["internal_errors"] == {"intake": 1, "decider": 1}
        assert app.sampling.core.journal.used_bytes == 0
        assert accounts(app.items()) == 4


def test_a_delivery_that_cannot_be_read_is_lost_alone() -> None:
    """Kept spans that fail on their way to the exporter are counted, and what is kept later is exported."""
    with application(ALL) as app:
        route = app.sampling.core.exports._routes[Signal.TRACES]
        app.sampling.core.route(Signal.TRACES, dataclasses.replace(route, decode=lambda payload: iter(payload.nowhere)))  # type: ignore[attr-defined]  # the fault
        app.root("first")
        assert app.tracer_provider.force_flush()
        app.sampling.core.route(Signal.TRACES, route)
        app.root("second")
        assert app.tracer_provider.force_flush()
        assert (app.spans.names, app.items()["lost"]) == (["second"], {"failure": 1})
        assert (accounts(app.items()), app.items()["held"]) == (2, 0)


def test_a_child_process_exports_its_own_and_nothing_of_its_parent() -> None:
    """After a fork parent and child each export exactly their own spans, though the parent held some undecided."""
    with application(ALL) as app:
        app.root("before")
        wait_until(lambda: app.items()["held"] == 1, "a span that is held", DEADLINE_S)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                app.root("child")
                flushed = app.tracer_provider.force_flush()
                os.write(writer, json.dumps([flushed, app.spans.names, app.items()["exported"]]).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as found:
            assert json.loads(found.read()) == [True, ["child"], 1]
        os.waitpid(child, 0)
        app.root("parent")
        assert app.tracer_provider.force_flush()
        assert sorted(app.spans.names) == ["before", "parent"]


def test_forks_at_any_moment_leave_both_sides_working() -> None:
    """Forks while spans are decided and exported: every child can flush, and the parent loses nothing."""
    with application(ALL, root_wait="0s") as app:
        for number in range(20):
            for _ in range(100):
                app.root("parent")
            child = os.fork()
            if child == 0:
                app.spans.spans.clear()
                app.root("child")
                os._exit(0 if app.tracer_provider.force_flush(20_000) and app.spans.names == ["child"] else 1)
            _, status = os.waitpid(child, 0)
            assert status == 0, f"child {number}"
        assert app.tracer_provider.force_flush()
        assert len(app.spans.spans) == 2000


def test_an_exporter_may_flush_without_a_deadlock() -> None:
    """A flush from within an export, by one of the sampler's own threads, returns at once and says no."""
    answers: list[bool] = []

    class Flushing(Spans):
        """Flushes what feeds it."""

        def export(self, spans: Sequence[ReadableSpan]) -> Any:
            """Ask, and take them."""
            answers.append(app.sampling.force_flush())
            return super().export(spans)

    with application(ALL, spans=Flushing()) as app:
        app.root("x")
        assert app.tracer_provider.force_flush()
        assert answers == [False]


def test_a_sampler_that_nobody_holds_is_freed() -> None:
    """The hooks for forks do not keep a sampler alive that was never used."""
    sampling = TailSampling(policy(ERRORS_ONLY))
    gone = weakref.ref(sampling)
    del sampling
    gc.collect()
    assert gone() is None
