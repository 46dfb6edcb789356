"""gunicorn: a master that forks its workers, with and without having loaded the application."""

from __future__ import annotations

import pytest
from tests.instrumentation.sink import Sink
from tests.processes.servers import assert_told_once, environment, serving

REQUESTS = range(12)
RECYCLED = 4
GEVENT = {"OTEL_PYTHON_AUTO_INSTRUMENTATION_EXPERIMENTAL_GEVENT_PATCH": "patch_all"}


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("worker", "preload"), [("sync", False), ("sync", True), ("gthread", False), ("gthread", True), ("gevent", False)]
)
def test_errors_of_workers_arrive_once(worker: str, preload: bool) -> None:
    """Of requests and of threads, from workers that are recycled meanwhile and stopped at last.

    A counter that was counted in the master before the fork stands in each worker once more, unless it is ours.
    """
    paths = [f"/{kind}/{number}" for kind, number in zip(kinds(worker), REQUESTS, strict=False)]
    options = ["--preload"] if preload else []
    more = GEVENT if worker == "gevent" else {}
    with Sink() as sink:
        with serving(
            environment(sink, "flask", "logging", **more), "-m", "gunicorn", "-c", "gunicorn_conf.py", "-b", "fd://FD", "-w", "2",
            "-k", worker, "--max-requests", str(RECYCLED), *options, "web:app",
        ) as server:  # fmt: skip
            answers = server.ask(paths)
            server.wait_until(lambda said: said.count("Ready: ") == said.count("Booting worker"))
            said = server.stop()
        assert {answer for answer, path in zip(answers, paths, strict=True) if "fail" in path} == {"500"}
        assert_told_once(sink, REQUESTS, said)
        ours, theirs = sink.counts("errorplane.orders"), sink.counts("shop.orders")
        loaded = 1 if preload else len(theirs)
        assert len(theirs) > 2 or worker != "sync", "workers were recycled; others take their time to notice"
        assert sum(ours.values()) == len(REQUESTS) + loaded
        copied = len(theirs) - 1 if preload else 0
        assert sum(theirs.values()) == len(REQUESTS) + loaded + copied


def kinds(worker: str) -> list[str]:
    """The kinds of errors, in turn."""
    possible = ["fail", "thread", "greenlet"] if worker == "gevent" else ["fail", "thread"]
    return possible * len(REQUESTS)
