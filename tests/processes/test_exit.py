"""The ways in which a process ends: what it has to tell leaves before."""

from __future__ import annotations

import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from greenlet import GreenletExit
from tests.instrumentation.sink import Sink
from tests.processes.servers import assert_told_once, environment, run

from errorplane.unhandled import is_error

WAYS = {
    "stderr_closed": 1,
    "at_exit": 0,
    "span_and_signal": 143,
    "own_signal": -signal.SIGTERM,
    "own_provider": 0,
    "hooked": 1,
    "replaced": 1,
    "farewell": -signal.SIGTERM,
}
"""Each with the exit code that it has without errorplane, too."""


@pytest.mark.e2e
def test_nothing_is_lost_at_the_end() -> None:
    """With stderr closed, in the callbacks of the end, by signals, past hooks, and with a provider nobody shuts down."""
    with Sink() as sink, ThreadPoolExecutor(3) as pool:
        done = dict(zip(WAYS, pool.map(lambda way: run(environment(sink), "ending.py", way), WAYS), strict=True))
        assert {way: each.returncode for way, each in done.items()} == WAYS
        assert done["hooked"].stdout == "mine\n"
        assert done["replaced"].stdout == "mine alone\n"
        assert done["farewell"].stdout == "unlocked\n", "the pool can go on"
        assert_told_once(sink, range(len(WAYS)))


@pytest.mark.e2e
def test_a_child_does_not_wait_for_ever() -> None:
    """An endpoint that accepts and never answers holds up a child that ends for the time allowed, and no longer."""
    with Sink() as sink, socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        env = environment(
            sink, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_EXPORTER_OTLP_TIMEOUT="120", ERRORPLANE_EXIT_SECONDS="1"
        )
        done = run(env, "ending.py", "child_without_endpoint")
        assert done.stdout == "child 1\n", done.stderr


def test_the_end_of_a_greenlet_is_no_error() -> None:
    """gevent's is known by name, since it may not be installed."""
    assert not is_error(GreenletExit())
