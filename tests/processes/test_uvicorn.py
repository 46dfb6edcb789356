"""uvicorn with workers: each is spawned, and loads the application for itself."""

from __future__ import annotations

import pytest
from tests.instrumentation.sink import Sink
from tests.processes.servers import assert_told_once, environment, serving

KINDS = ("fail", "task", "thread")
REQUESTS = range(12)


@pytest.mark.e2e
def test_errors_of_workers_arrive_once() -> None:
    """Of requests, tasks and threads; nothing is lost when the workers are stopped."""
    with Sink() as sink:
        with serving(
            environment(sink, "fastapi", "logging"), "-m", "uvicorn", "--workers", "2", "--fd", "FD",
            "--timeout-worker-healthcheck", "60", "asgi:app",
        ) as server:  # fmt: skip
            server.ask(f"/{KINDS[number % len(KINDS)]}/{number}" for number in REQUESTS)
            server.wait_until(lambda said: said.count("Application startup complete") == 2)
            said = server.stop()
        assert_told_once(sink, REQUESTS, said)
        counted = sink.counts("errorplane.orders")
        assert sum(counted.values()) == len(REQUESTS) + len(counted)
