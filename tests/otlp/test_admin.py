"""The pages for people, probes and Prometheus."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from tests.otlp.clients import TIMEOUT_S, HttpAnswer, dialled, request

from errorplane.otlp import AdminAnswer, AdminCall, AdminServer, ListenError


@contextmanager
def admin(**more: Any) -> Iterator[str]:
    """A running server and its ``host:port``."""
    pages: dict[str, Any] = {
        "healthy": lambda: (True, {"status": "alive"}),
        "ready": lambda: (True, {"status": "ready"}),
        "metrics_page": lambda: (b"errorplane_up 1\n", "text/plain; version=0.0.4"),
        "stats": lambda: {"received": {"traces": 1}},
    }
    server = AdminServer("127.0.0.1:0", **{**pages, **more})
    port = server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0.2)


def get(address: str, path: str, method: str = "GET") -> HttpAnswer:
    """One page."""
    return request(address, path=path, method=method)


def test_each_page_is_served() -> None:
    """Health, readiness, metrics, counters and the pages of others have their content types."""
    with admin(routes={"/v1/why": lambda: (b"because", "text/plain")}) as address:
        pages = {path: get(address, path) for path in ("/healthz", "/readyz", "/metrics", "/stats?a=b", "/v1/why")}
    assert {path: (page.code, page.headers["content-type"], page.body) for path, page in pages.items()} == {
        "/healthz": (200, "application/json", b'{"status": "alive"}'),
        "/readyz": (200, "application/json", b'{"status": "ready"}'),
        "/metrics": (200, "text/plain; version=0.0.4", b"errorplane_up 1\n"),
        "/stats?a=b": (200, "application/json", b'{"received": {"traces": 1}}'),
        "/v1/why": (200, "text/plain", b"because"),
    }


def test_not_ready_is_503() -> None:
    """A probe of something that is not ready hears 503, and why; each time it is asked anew."""
    state: dict[str, tuple[bool, Mapping[str, Any]]] = {"now": (False, {"status": "draining"})}
    with admin(ready=lambda: state["now"]) as address:
        answer = get(address, "/readyz")
        assert (answer.code, json.loads(answer.body)) == (503, {"status": "draining"})
        state["now"] = (True, {})
        assert get(address, "/readyz").code == 200


def test_what_is_not_there_says_what_is() -> None:
    """An unknown path is 404 with the known ones; a page is only read; HEAD has no body."""
    with admin() as address:
        missing = get(address, "/metricsz")
        assert (missing.code, missing.body) == (404, b"there is /healthz, /readyz, /metrics, /stats\n")
        wrong = get(address, "/stats", "POST")
        assert (wrong.code, wrong.headers["allow"]) == (405, "GET, HEAD")
        head = get(address, "/stats", "HEAD")
        assert (head.code, head.headers["content-length"], head.body) == (200, "27", b"")


def test_a_handler_answers_every_method_below_its_path() -> None:
    """It is given method, rest of the path, headers, body and who asks; a body beyond the bound is refused before."""
    calls: list[AdminCall] = []

    def why(call: AdminCall) -> AdminAnswer:
        calls.append(call)
        return AdminAnswer(201, {"rest": call.rest})

    with admin(handlers={"/why/": why, "/boost": why}) as address:
        posted = request(address, b"{}", "/why/abc?x=1", headers={"Authorization": "Bearer a"})
        exact = [get(address, path).code for path in ("/boost", "/boost/1", "/why")]
        long = request(address, bytes((64 << 10) + 1), "/boost")
    assert (posted.code, posted.headers["content-type"], posted.body) == (201, "application/json", b'{"rest": "abc"}')
    assert exact == [201, 404, 404]
    assert (long.code, len(calls)) == (413, 2)
    first = calls[0]
    assert (first.method, first.rest, first.body, first.client) == ("POST", "abc", b"{}", "127.0.0.1")
    assert first.headers["authorization"] == "Bearer a"


def test_a_page_that_fails_spares_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """A failing page is 500 without its error's text, which is not logged either; others are served."""

    def stats() -> Mapping[str, Any]:
        raise RuntimeError(f"card {41 * 10**14}")

    with admin(stats=stats) as address:
        failed = get(address, "/stats")
        assert get(address, "/healthz").code == 200
    assert failed.code == 500
    assert "the page /stats failed: unexpected RuntimeError" in caplog.text
    assert b"card 4" not in failed.body
    assert "card 4" not in caplog.text


def test_a_page_that_hangs_is_given_up() -> None:
    """A page that does not come in time is 503, and those that come are served."""
    end = threading.Event()

    def hanging() -> tuple[bytes, str]:
        end.wait(TIMEOUT_S)
        return b"", "text/plain"

    with admin(metrics_page=hanging, page_timeout_s=0.2) as address:
        slow = get(address, "/metrics")
        assert (slow.code, slow.body) == (503, b"the page is not ready after 0.2 s\n")
        assert get(address, "/healthz").code == 200
        end.set()


def test_a_silent_connection_does_not_keep_others_out() -> None:
    """Somebody who connects and says nothing disturbs nobody."""
    with admin() as address, dialled(address):
        assert get(address, "/healthz").code == 200


def test_a_port_in_use_is_refused() -> None:
    """A second server on the address is refused with it."""
    with admin() as address:
        second = AdminServer(
            address,
            healthy=lambda: (True, {}),
            ready=lambda: (True, {}),
            metrics_page=lambda: (b"", ""),
            stats=dict,
        )
        with pytest.raises(ListenError, match=address):
            second.start()
