"""What each client sends to whom: real clients, a real server that has a third party's name too."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import httpx
import pytest
import requests
import urllib3
from opentelemetry import propagate
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.urllib import URLLibInstrumentor
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from tests.context.conftest import Attach
from tests.context.servers import INSIDE, THIRD_PARTY, Recorder, entries

from errorplane.context import bind

Call = Callable[[str], None]


def with_requests(url: str) -> None:
    requests.get(url, timeout=10)


def with_urllib3(url: str) -> None:
    with urllib3.PoolManager() as pool:
        pool.request("GET", url, timeout=10, retries=3)


def with_httpx(url: str) -> None:
    with httpx.Client(follow_redirects=True, timeout=10) as client:
        client.get(url)


def with_httpx_async(url: str) -> None:
    async def call() -> None:
        async with httpx.AsyncClient(follow_redirects=True, timeout=10) as client:
            await client.get(url)

    asyncio.run(call())


def with_urllib(url: str) -> None:
    with urllib.request.urlopen(url, timeout=10):
        pass


def with_aiohttp(url: str) -> None:
    async def call() -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(10)) as session, session.get(url):
            pass

    asyncio.run(call())


CALLS: dict[str, tuple[Call, Callable[[], Any]]] = {
    "requests": (with_requests, RequestsInstrumentor),
    "urllib3": (with_urllib3, URLLib3Instrumentor),
    "httpx": (with_httpx, HTTPXClientInstrumentor),
    "httpx async": (with_httpx_async, HTTPXClientInstrumentor),
    "urllib": (with_urllib, URLLibInstrumentor),
    "aiohttp": (with_aiohttp, AioHttpClientInstrumentor),
}


@pytest.fixture(params=CALLS)
def call(
    request: pytest.FixtureRequest, attached: Attach, tracer_provider: TracerProvider, carrying: None
) -> Iterator[Call]:
    """A client with OpenTelemetry's instrumentation, put in after `attach`, as `opentelemetry-instrument` does."""
    attached({})
    function, instrumentor = CALLS[request.param]
    instrumentor().instrument(tracer_provider=tracer_provider)
    with bind(correlation_id="c-17"):
        yield function
    instrumentor().uninstrument()


def assert_told(headers: object) -> None:
    assert isinstance(headers, dict)
    assert entries(headers) == {"tenant=acme", "correlation_id=c-17"}
    assert headers["x-request-id"] == "c-17"


def assert_told_nothing(headers: object) -> None:
    assert isinstance(headers, dict)
    assert "traceparent" in headers, "the trace goes to everybody, as OpenTelemetry decides"
    assert "baggage" not in headers
    assert "x-request-id" not in headers


def test_a_host_of_ours_gets_what_may_leave(call: Call, server: Recorder) -> None:
    """Allowed keys of the baggage and of the bound fields, and the correlation id; nothing else of the baggage."""
    call(server.url(INSIDE))
    assert_told(server.sent_to(INSIDE))


def test_a_third_party_gets_none(call: Call, server: Recorder) -> None:
    """No baggage at all and no correlation id."""
    call(server.url(THIRD_PARTY))
    assert_told_nothing(server.sent_to(THIRD_PARTY))


def test_a_redirect_to_a_third_party_takes_nothing_along(call: Call, server: Recorder) -> None:
    """Clients copy the headers of a request into the one that follows it."""
    call(server.url(INSIDE, then=server.url(THIRD_PARTY)))
    assert_told(server.sent_to(INSIDE))
    there = server.sent_to(THIRD_PARTY)
    assert "baggage" not in there
    assert "x-request-id" not in there


def test_a_redirect_from_a_third_party_back_is_told_again(call: Call, server: Recorder) -> None:
    """Each request is decided on by its own host."""
    call(server.url(THIRD_PARTY, then=server.url(INSIDE)))
    assert_told_nothing(server.sent_to(THIRD_PARTY))
    assert_told(server.sent_to(INSIDE))


@pytest.mark.parametrize("name", CALLS)
def test_without_the_instrumentation_of_a_client(name: str, attached: Attach, server: Recorder, carrying: None) -> None:
    """The fields travel all the same, to the same hosts."""
    attached({})
    with bind(correlation_id="c-17"):
        CALLS[name][0](server.url(INSIDE, then=server.url(THIRD_PARTY)))
    assert_told(server.sent_to(INSIDE))
    there = server.sent_to(THIRD_PARTY)
    assert not {"baggage", "x-request-id"} & set(there)


@pytest.mark.parametrize("name", CALLS)
def test_put_in_after_the_instrumentation_of_a_client(
    name: str, attached: Attach, tracer_provider: TracerProvider, server: Recorder, carrying: None
) -> None:
    """The order makes no difference."""
    function, instrumentor = CALLS[name]
    instrumentor().instrument(tracer_provider=tracer_provider)
    attached({})
    with bind(correlation_id="c-17"):
        function(server.url(INSIDE, then=server.url(THIRD_PARTY)))
    instrumentor().uninstrument()
    assert_told(server.sent_to(INSIDE))
    assert not {"baggage", "x-request-id"} & set(server.sent_to(THIRD_PARTY))


def test_hosts_and_keys_come_from_the_environment(attached: Attach, server: Recorder, carrying: None) -> None:
    """A name outside can be allowed, and then the ones inside are not unless they are listed too."""
    attached({"ERRORPLANE_BAGGAGE_HOSTS": "*.third-party.test", "ERRORPLANE_BAGGAGE_KEYS": "cart"})
    with_requests(server.url(THIRD_PARTY))
    with_requests(server.url(INSIDE))
    assert entries(server.sent_to(THIRD_PARTY)) == {"cart=17"}
    assert "baggage" not in server.sent_to(INSIDE)


def test_baggage_that_the_code_put_into_the_headers_is_decided_on_too(attached: Attach, server: Recorder) -> None:
    """However it came there: to a host of ours what may leave, to a third party nothing."""
    attached({})
    headers = {"Baggage": "tenant=acme,cart=17;ttl=3"}
    for name in (INSIDE, THIRD_PARTY):
        requests.get(server.url(name), headers=headers, timeout=10)
    assert entries(server.sent_to(INSIDE)) == {"tenant=acme"}
    assert "baggage" not in server.sent_to(THIRD_PARTY)
    assert headers == {"Baggage": "tenant=acme,cart=17;ttl=3"}


@pytest.mark.parametrize("host", [INSIDE, THIRD_PARTY])
def test_a_request_that_is_sent_again_has_its_own_baggage_again(attached: Attach, server: Recorder, host: str) -> None:
    """As after a login that the server asks for; and nothing that was added stays in it."""
    attached({})
    with bind(correlation_id="c-17"), httpx.Client(timeout=10) as client:
        request = client.build_request("GET", server.url(host), headers={"baggage": "tenant=acme,cart=17"})
        for _ in range(2):
            client.send(request)
            assert request.headers["baggage"] == "tenant=acme,cart=17"
            assert "x-request-id" not in request.headers
        older = urllib.request.Request(server.url(host), headers={"Baggage": "tenant=acme,cart=17"})
        for _ in range(2):
            with urllib.request.urlopen(older, timeout=10):
                assert older.get_header("Baggage") == "tenant=acme,cart=17"
    expected = {"tenant=acme", "correlation_id=c-17"} if host == INSIDE else set()
    assert [entries(headers) for _, headers in server.requests] == [expected] * 4


def test_a_path_that_looks_like_a_host_is_none(attached: Attach, server: Recorder, carrying: None) -> None:
    """The pool's host gets the request, whatever the path is."""
    attached({})
    with urllib3.HTTPConnectionPool(THIRD_PARTY, server.port) as pool:
        pool.request("GET", f"//{INSIDE}/", timeout=10, retries=False)
    assert "baggage" not in server.sent_to(THIRD_PARTY)


def test_a_request_through_a_proxy_is_for_the_host_behind_it(
    attached: Attach, server: Recorder, carrying: None
) -> None:
    """That the proxy is at an address of ours says nothing about whom it calls."""
    attached({})
    proxy = f"http://127.0.0.1:{server.port}"
    for name in (INSIDE, THIRD_PARTY):
        requests.get(f"http://{name}:{server.port}/", proxies={"http": proxy}, timeout=10)
    assert entries(server.sent_to(INSIDE)) == {"tenant=acme"}
    assert "baggage" not in server.sent_to(THIRD_PARTY)


def test_a_client_that_nobody_knows_gets_none(attached: Attach, carrying: None) -> None:
    """Its headers come from `inject`, which is not told the host."""
    attached({})
    headers: dict[str, str] = {}
    propagate.inject(headers)
    assert "baggage" not in headers
