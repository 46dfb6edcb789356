"""Children of `multiprocessing` and of executors: they print what fails in them, and leave by `os._exit`."""

from __future__ import annotations

import pytest
from tests.instrumentation.sink import Sink
from tests.processes.servers import assert_told_once, environment, run


@pytest.mark.e2e
def test_errors_of_children_arrive_once() -> None:
    """Forked, spawned and from the fork server; those that an executor hands on count where they happened."""
    with Sink() as sink:
        done = run(environment(sink), "children.py")
        assert done.stdout == "1 1 1 0\n", done.stderr
        assert done.stderr.count("LookupError: order") == 3, "each is printed, as ever"
        assert "tell_and_raise" not in done.stderr, "without a frame of ours"
        assert_told_once(sink, [0, 1, 2, 10, 11, 12, 13], done.stderr)
        ours, theirs = sink.counts("errorplane.orders"), sink.counts("shop.orders")
        assert sum(ours.values()) == 9
        assert sum(theirs.values()) > 9, "the count of the parent stands in each forked child once more"
