"""The vocabulary, the kinds, the message templates and the error fact."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import socket
import time
from collections.abc import Callable

import grpc
import httpx
import pydantic
import pytest
import requests
import urllib3.exceptions
import werkzeug.exceptions
from hypothesis import given
from hypothesis import strategies as st

from errorplane import errors
from errorplane.errors import (
    ATTRIBUTES,
    TEMPLATE_LENGTH,
    Category,
    ErrorFact,
    Kind,
    MalformedFact,
    Severity,
    category_hint,
    kind_of,
    kind_of_grpc_status,
    kind_of_http_status,
    kind_of_type,
    message_of,
    message_template,
    qualified_type,
)

FACT = ErrorFact(
    id="0" * 32,
    time_unix_nano=1_700_000_000_000_000_000,
    fingerprint="v1:0123456789abcdef",
    type="builtins.ValueError",
    message="order <num> lost",
    service="shop",
    source="span",
)

FULL = dataclasses.replace(
    FACT, trace_id="1" * 32, span_id="2" * 16, category=Category.CASCADING, kind=Kind.TIMEOUT, severity=Severity.P1,
    component="cart", team="shop", tier="1", zone="eu", deployment="prod", correlation_id="c", count=17,
    retention_class="audit", policy_version="abc", data_class="financial", handled=False, attempt=3,
)  # fmt: skip


class Order(pydantic.BaseModel):
    """Something to validate."""

    amount: int


class Denied(grpc.RpcError):
    """What a gRPC client raises carries its status code behind a method."""

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.PERMISSION_DENIED


def _invalid() -> BaseException:
    with pytest.raises(pydantic.ValidationError) as caught:
        Order(amount="x")  # type: ignore[arg-type]  # the wrong type is the point
    return caught.value


def _refused(status: int) -> BaseException:
    response = requests.Response()
    response.status_code = status
    return requests.HTTPError(response=response)


def _from(cause: BaseException) -> BaseException:
    error = RuntimeError("cannot pay")
    error.__cause__ = cause
    return error


def _answer(status: int) -> BaseException:
    request = httpx.Request("GET", "http://shop.test")
    return httpx.HTTPStatusError("x", request=request, response=httpx.Response(status))


LIVE: list[tuple[BaseException, Kind, Category | None]] = [
    (TimeoutError(), Kind.TIMEOUT, Category.TRANSIENT),
    (TimeoutError(), Kind.TIMEOUT, Category.TRANSIENT),
    (requests.ConnectTimeout(), Kind.TIMEOUT, Category.TRANSIENT),
    (httpx.ReadTimeout("x"), Kind.TIMEOUT, Category.TRANSIENT),
    (urllib3.exceptions.ReadTimeoutError(None, None, "x"), Kind.TIMEOUT, Category.TRANSIENT),  # type: ignore[arg-type]  # nobody looks at pool and url
    (ConnectionRefusedError(), Kind.DEPENDENCY, Category.TRANSIENT),
    (requests.ConnectionError(), Kind.DEPENDENCY, Category.TRANSIENT),
    (httpx.ConnectError("x"), Kind.DEPENDENCY, Category.TRANSIENT),
    (socket.gaierror(), Kind.DEPENDENCY, Category.TRANSIENT),
    (_refused(503), Kind.DEPENDENCY, Category.TRANSIENT),
    (_refused(429), Kind.RATE_LIMIT, Category.TRANSIENT),
    (_refused(404), Kind.NOT_FOUND, None),
    (_answer(500), Kind.UNKNOWN, None),
    (werkzeug.exceptions.BadRequest(), Kind.VALIDATION, None),
    (werkzeug.exceptions.TooManyRequests(), Kind.RATE_LIMIT, Category.TRANSIENT),
    (Denied(), Kind.AUTHORIZATION, None),
    (_invalid(), Kind.VALIDATION, None),
    (PermissionError(), Kind.AUTHORIZATION, None),
    (FileNotFoundError(), Kind.NOT_FOUND, None),
    (MemoryError(), Kind.RESOURCE, None),
    (asyncio.CancelledError(), Kind.CANCELLED, None),
    (KeyError(1), Kind.BUG, None),
    (ZeroDivisionError(), Kind.BUG, None),
    (ValueError("anything"), Kind.UNKNOWN, None),
    (_from(requests.ReadTimeout()), Kind.TIMEOUT, Category.TRANSIENT),
    (ExceptionGroup("x", [TimeoutError(), TimeoutError()]), Kind.TIMEOUT, Category.TRANSIENT),
    (ExceptionGroup("x", [TimeoutError(), KeyError()]), Kind.UNKNOWN, None),
]


@pytest.mark.parametrize(("error", "kind", "category"), LIVE, ids=lambda value: type(value).__name__)
def test_kind_and_category_of_live_exceptions(error: BaseException, kind: Kind, category: Category | None) -> None:
    """Exceptions of common libraries say what went wrong, and whether a retry has a chance."""
    assert kind_of(error) is kind
    assert category_hint(error) is category
    assert category_hint(error, kind) is category


def test_a_subclass_inherits_the_kind() -> None:
    """An application's own exception is what it derives from, unless its own name says more."""
    upstream = type("UpstreamGone", (ConnectionError,), {})
    missing = type("OrderNotFoundError", (Exception,), {})
    assert kind_of(upstream()) is Kind.DEPENDENCY
    assert kind_of(missing()) is Kind.NOT_FOUND


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("java.net.SocketTimeoutException", Kind.TIMEOUT),
        ("context.DeadlineExceeded", Kind.TIMEOUT),
        ("context.deadlineExceededError", Kind.TIMEOUT),
        ("System.Threading.Tasks.TaskCanceledException", Kind.CANCELLED),
        ("java.lang.NullPointerException", Kind.BUG),
        ("ECONNREFUSED", Kind.DEPENDENCY),
        ("*net.OpError", Kind.DEPENDENCY),
        ("psycopg2.errors.UniqueViolation", Kind.CONFLICT),
        ("com.acme.Cart$EmptyCartValidationException", Kind.VALIDATION),
        ("marshmallow.exceptions.ValidationError", Kind.VALIDATION),
        ("jsonschema.exceptions.ValidationError", Kind.VALIDATION),
        ("grpc.RpcError", Kind.UNKNOWN),
        ("StatusCode.DEADLINE_EXCEEDED", Kind.TIMEOUT),
        ("503", Kind.DEPENDENCY),
        ("ActiveRecord::RecordNotFound", Kind.NOT_FOUND),
        ("PaymentDeclined", Kind.UNKNOWN),
        ("", Kind.UNKNOWN),
    ],
)
def test_kind_by_name(name: str, kind: Kind) -> None:
    """Names of types, error codes and status codes of any language are understood."""
    assert kind_of_type(name) is kind


def test_kind_by_status() -> None:
    """Status codes that say something have a kind; success and 500 have none."""
    http = {200: Kind.UNKNOWN, 401: Kind.AUTHENTICATION, 403: Kind.AUTHORIZATION, 404: Kind.NOT_FOUND,
            409: Kind.CONFLICT, 422: Kind.VALIDATION, 429: Kind.RATE_LIMIT, 500: Kind.UNKNOWN, 503: Kind.DEPENDENCY,
            504: Kind.TIMEOUT}  # fmt: skip
    assert {status: kind_of_http_status(status) for status in http} == http
    by_name = {"OK": Kind.UNKNOWN, "DEADLINE_EXCEEDED": Kind.TIMEOUT, "UNAVAILABLE": Kind.DEPENDENCY,
               "RESOURCE_EXHAUSTED": Kind.RATE_LIMIT, "UNAUTHENTICATED": Kind.AUTHENTICATION}  # fmt: skip
    assert {name: kind_of_grpc_status(grpc.StatusCode[name].value[0]) for name in by_name} == by_name


def test_type_and_message_are_spelled_as_on_spans() -> None:
    """Builtins stand alone, everything else is qualified; what cannot be printed has a fixed text."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert qualified_type(ValueError) == "ValueError"
    assert qualified_type(requests.ConnectTimeout()) == "requests.exceptions.ConnectTimeout"
    assert qualified_type(Mute()).endswith("<locals>.Mute")
    assert message_of(Mute()) == "<exception str() failed>"
    assert message_of(KeyError("x")) == "'x'"


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("order 17 of 3,000.50 EUR lost", "order <num> of <num> EUR lost"),
        ("can't open /srv/shop/a.txt", "can't open <path>"),
        ("no key 'O'Brien' here", "no key <str> here"),
        ('unexpected "jo said \\"x\\"" there', "unexpected <str> there"),
        ("cut off 'jo@example", "cut off <str>"),
        ("mail to jo+x@example.org failed", "mail to <email> failed"),
        ("GET https://shop.test/u/jo?t=1 failed", "GET <url> failed"),
        ("from 10.1.2.3:8080 and fe80::1%eth0", "from <ip>:<num> and <ip>"),
        ("id 550e8400-e29b-41d4-a716-446655440000", "id <uuid>"),
        ("object at 0x7f3a", "object at <hex>"),
        ("user=jo, age=3", "user=<val>, age=<val>"),
        ("token ghp16C7e42F292c6912E7", "token <id>"),
        ("a\n\tb", "a b"),
        ("read/write and/or", "read/write and/or"),
        ("C:\\Users\\jo\\x.txt gone", "<path> gone"),
    ],
)
def test_message_templates(text: str, template: str) -> None:
    """Values go, words stay."""
    assert message_template(text) == template


PERSONAL: list[st.SearchStrategy[str]] = [
    st.emails(),
    st.uuids().map(str),
    st.ip_addresses().map(str),
    st.integers(10_000, 10**18).map(str),
    st.from_regex(r"[a-f0-9]{12,40}", fullmatch=True),
    st.from_regex(r"/(?:home|Users)/[a-z]{3,12}/[a-z]{3,12}\.txt", fullmatch=True),
    st.from_regex(r"[C-F]:\\Users\\[a-z]{3,12}\\[a-z]{3,12}", fullmatch=True),
    st.from_regex(r"https?://[a-z]{3,12}\.test/[a-z]{3,12}", fullmatch=True),
    st.from_regex(r"'[A-Z][a-z]{3,12} [A-Z][a-z]{3,12}'", fullmatch=True),
]
WORDS = st.text("abcdefgh .,:;()-\n", max_size=1500)


@given(WORDS, st.one_of(PERSONAL), WORDS)
def test_templates_leave_no_personal_data(before: str, secret: str, after: str) -> None:
    """Whatever stands around it, and wherever the message is cut."""
    template = message_template(f"{before} {secret} {after}")
    assert len(template) <= TEMPLATE_LENGTH
    parts = [part for part in re.findall(r"\w{4,}", secret) if part not in f"{before} {after} https home Users test"]
    assert [part for part in parts if part in template] == []


@pytest.mark.parametrize(
    "part", ["a", "1", "a.", "'", '"\\', "a@", "/", "a/", "1.", ":", "=", "a=", "+1", " ", "\u201c"]
)
def test_templates_take_a_bounded_time(part: str) -> None:
    """A megabyte of anything is cut before it is searched."""
    started = time.thread_time()  # what else runs on the machine does not count
    message_template(part * 1_000_000)
    assert time.thread_time() - started < 0.1


def test_a_fact_survives_its_attributes() -> None:
    """What is written can be read again, and unknown attributes do no harm."""
    for fact in (FACT, FULL):
        assert ErrorFact.from_attributes({**fact.to_attributes(), "other": 1.5}) == fact


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.pop(errors.ERROR_ID), "errorplane.error.id missing"),
        (lambda a: a.update({errors.ERROR_COUNT: "17"}), "errorplane.error.count must be an integer, not str"),
        (lambda a: a.update({errors.ERROR_COUNT: True}), "must be an integer, not bool"),
        (lambda a: a.update({errors.ERROR_HANDLED: 1}), "errorplane.error.handled must be a boolean, not int"),
        (lambda a: a.update({errors.SERVICE_NAME: 1}), "service.name must be a string, not int"),
        (lambda a: a.update({errors.ERROR_KIND: "x"}), "must be one of timeout, validation"),
        (lambda a: a.update({errors.SCHEMA_VERSION: 2}), "schema version 2 is newer than 1"),
    ],
)
def test_what_is_no_fact_is_refused(change: Callable[[dict[str, object]], None], words: str) -> None:
    """The message says which attribute is wrong and what was expected."""
    attributes: dict[str, object] = dict(FACT.to_attributes())
    change(attributes)
    with pytest.raises(MalformedFact, match=re.escape(words)):
        ErrorFact.from_attributes(attributes)


def test_every_attribute_of_a_fact_is_in_the_table() -> None:
    """The table that generates the documentation is complete and has no name twice."""
    names = [attribute.name for attribute in ATTRIBUTES]
    assert len(set(names)) == len(names)
    written = FULL.to_attributes()
    assert set(written) == {a.name for a in ATTRIBUTES if "error fact" in a.signals}
