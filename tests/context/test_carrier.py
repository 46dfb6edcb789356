"""Headers of every kind, read and written by one carrier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from typing import Any

import grpc.aio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from starlette.datastructures import MutableHeaders
from werkzeug.datastructures import Headers

from errorplane.context import (
    CarrierField,
    bind,
    extract,
    fields,
    outgoing,
    read_headers,
    received,
    register,
    remove_headers,
    usable_correlation_id,
    write_headers,
)
from errorplane.errors import CORRELATION_ID


def message() -> Message:
    found = Message()
    found["X-Request-ID"] = "c-17"
    return found


CARRIERS: dict[str, Any] = {
    "dict": {"x-request-id": "c-17"},
    "dict with another case": {"X-Request-Id": "c-17"},
    "dict of bytes": {b"X-Request-ID": b"c-17"},
    "dict of lists": {"x-request-id": ["c-17", "c-18"]},
    "WSGI environment": {"wsgi.version": (1, 0), "HTTP_X_REQUEST_ID": "c-17", "x-request-id": "no header"},
    "ASGI headers": [(b"host", b"shop"), (b"x-request-id", b"c-17"), (b"x-request-id", b"c-18")],
    "gRPC metadata": (("x-request-id", "c-17"), ("user-agent", "grpc")),
    "gRPC metadata of asyncio": grpc.aio.Metadata(("x-request-id", "c-17")),
    "Kafka headers": [("X-Request-ID", b"c-17"), ("empty", None)],
    "AMQP headers": {"x-death": [{"count": 1}], "x-request-id": b"c-17", "retries": 3},
    "httpx": httpx.Headers({"X-Request-ID": "c-17"}),
    "aiohttp": CIMultiDict({"X-Request-ID": "c-17"}),
    "Starlette": MutableHeaders({"X-Request-ID": "c-17"}),
    "Werkzeug": Headers({"X-Request-ID": "c-17"}),
    "http.client": message(),
}


@pytest.mark.parametrize("kind", CARRIERS)
def test_each_kind_of_carrier_is_read(kind: str) -> None:
    """Whatever the spelling and the types; of several values the first."""
    assert extract(CARRIERS[kind]) == {"correlation_id": "c-17"}


@pytest.mark.parametrize("carrier", [None, {}, [], (), [("x-request-id",)], [3], {3: 4}, object(), "x-request-id", 17])
def test_what_is_no_carrier_holds_nothing(carrier: object) -> None:
    """And raises nothing: it comes from frameworks and from strangers."""
    assert extract(carrier) == {}


@pytest.mark.parametrize(
    ("carrier", "after"),
    [
        ({}, {"x-request-id": "c-17"}),
        ({"X-Request-ID": "old", "a": "b"}, {"a": "b", "x-request-id": "c-17"}),
        ([], [("x-request-id", "c-17")]),
        ([(b"X-Request-ID", b"old"), (b"a", b"b")], [(b"a", b"b"), (b"x-request-id", b"c-17")]),
        ([("a", b"b")], [("a", b"b"), ("x-request-id", b"c-17")]),
    ],
)
def test_headers_are_written_in_place_of_those_of_their_names(carrier: Any, after: Any) -> None:
    """In the types that are there."""
    write_headers(carrier, {"x-request-id": "c-17"})
    assert carrier == after
    remove_headers(carrier, {"x-request-id"})
    assert read_headers(carrier, {"x-request-id"}) == {}


@pytest.mark.parametrize(
    "kind", ["gRPC metadata of asyncio", "httpx", "aiohttp", "Starlette", "Werkzeug", "http.client"]
)
def test_headers_of_libraries_are_written(kind: str) -> None:
    """Once, though they can hold a name several times."""
    carrier = CARRIERS[kind]
    write_headers(carrier, {"x-request-id": "c-18"})
    assert read_headers(carrier, {"x-request-id"}) == {"x-request-id": "c-18"}
    assert len(list(carrier.items())) == 1
    write_headers(carrier, {"x-request-id": "c-17"})


@given(st.text())
def test_an_id_that_is_used_is_short_and_visible(value: str) -> None:
    """Whatever strangers send; it can be quoted in HTML, JSON and a shell."""
    found = usable_correlation_id(value)
    assert found is None or (0 < len(found) <= 128 and found.isascii() and found.isprintable())
    assert found is None or not set(found) & set(" \"'<>`\\")


def test_the_id_in_force_goes_out() -> None:
    """Under the first of its names; one that could not be read again does not."""
    with bind(correlation_id="c-17"):
        assert outgoing() == {"x-request-id": "c-17"}
    with bind(correlation_id="two words"):
        assert outgoing() == {}
    assert outgoing() == {}


def test_received_values_end_with_their_block() -> None:
    """As fields do."""
    with received([(b"x-correlation-id", b"c-17")]) as values:
        assert values == {"correlation_id": "c-17"}
        assert fields() == {CORRELATION_ID: "c-17"}
    assert not fields()


def test_other_parts_let_values_of_their_own_travel() -> None:
    """A deadline, say: it is read, put into force, and sent on; a name or header that is taken is refused."""
    left: list[float] = []

    @contextmanager
    def within(seconds: float) -> Iterator[None]:
        left.append(seconds)
        yield
        left.pop()

    field = CarrierField(
        "deadline",
        ("x-timeout",),
        parse=lambda text: float(text) if text.isdecimal() else None,
        format=str,
        current=lambda: left[-1] if left else None,
        bind=within,
    )
    back = register(field)
    with received({"X-Timeout": "3", "X-Request-ID": "c-17"}):
        assert outgoing() == {"x-request-id": "c-17", "x-timeout": "3.0"}
    assert extract({"x-timeout": "soon"}) == {}
    with pytest.raises(ValueError, match="deadline: another field has this name"):
        register(field)
    back()
    assert extract({"x-timeout": "3"}) == {}
