"""The traffic of the benchmark: realistic spans, traces spread over three requests, failures with their stacks."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

SPANS_PER_TRACE = 10
SPANS_PER_REQUEST = 1000
REQUESTS_PER_TRACE = 3
ERROR_TRACES = 0.05
PII_SPANS = 0.02
ATTRIBUTES_PER_SPAN = 14
FAULTS = 150
"""Distinct causes of errors; the first is the most frequent, the n-th an n-th as frequent."""
COMMON_FAULTS = 30
"""The first of them; the others are rare, and in every replay they are others (``TOKEN``)."""
TOKEN = "wqvorntz"
"""In the names of the functions of rare faults; a replay writes its own letters over it."""
NOTE = "app.note"
"""The attribute that holds personal data in some spans."""
_ROUTES = [f"/api/v{major}/{noun}" for major in (1, 2) for noun in ("cart", "orders", "items", "users", "search")]
_PII = (
    "mail to jane.doe{n}@example.org bounced",
    "card 4111 1111 1111 1111 declined",
    "caller +49 30 9018{n:04d} hung up",
    "ssn 536-90-4399 on file",
    "from 203.0.113.{o}",
    "iban DE89 3704 0044 0532 0130 00",
    "Authorization: Bearer abcdefghijklmnopqrstuvwxyz{n}",
)
_CLEAN = "order "
_VERBS = ("load", "store", "charge", "refund", "reserve", "ship", "price", "render", "index", "merge")
_NOUNS = (
    *("cart", "order", "invoice", "parcel", "coupon", "basket", "ledger", "review"),
    *("stock", "voucher", "address", "payout", "ticket", "bundle", "wallet"),
)
_EXCEPTIONS = ("UpstreamFailed", "TimedOut", "Conflict", "Refused", "Corrupt", "Exhausted", "Unknown")
_FAULT_WEIGHTS = tuple(accumulate(1 / (number + 1) for number in range(FAULTS)))


def requests(spans: int, seed: int, pii_spans: float = PII_SPANS) -> Iterator[bytes]:
    """Serialised Export requests of 1,000 spans or few more, ``spans`` in all or more; the same for the same seed.

    No request holds spans of one trace twice over: the last two requests are smaller, with what is left of the last
    traces. ``pii_spans`` is the share of spans with personal data.
    """
    rng = random.Random(seed)
    waiting: list[list[Span]] = [[] for _ in range(REQUESTS_PER_TRACE)]
    made = 0
    while made < spans:
        while len(waiting[0]) < SPANS_PER_REQUEST:
            for number, span in enumerate(_trace(rng, pii_spans)):
                waiting[number % REQUESTS_PER_TRACE].append(span)
        now, *later = waiting
        made += len(now)
        yield _request(now, rng)
        waiting = [*later, []]
    for rest in waiting:
        if rest:
            yield _request(rest, rng)


def _request(spans: list[Span], rng: random.Random) -> bytes:
    half = len(spans) // 2
    groups = [
        ResourceSpans(
            resource=Resource(
                attributes=[
                    _pair("service.name", name),
                    _pair("service.version", "4.2.1"),
                    _pair("k8s.pod.name", f"{name}-{rng.getrandbits(32):08x}"),
                ]
            ),
            scope_spans=[ScopeSpans(scope=InstrumentationScope(name="bench", version="1"), spans=part)],
        )
        for name, part in (("checkout", spans[:half]), ("payments", spans[half:]))
    ]
    return ExportTraceServiceRequest(resource_spans=groups).SerializeToString()


def _trace(rng: random.Random, pii_spans: float) -> list[Span]:
    trace_id = rng.randbytes(16)
    failed = rng.randrange(1, SPANS_PER_TRACE) if rng.random() < ERROR_TRACES else None
    parent = b""
    spans = []
    for number in range(SPANS_PER_TRACE):
        span = _span(rng, trace_id, parent, number == failed, pii_spans)
        parent = span.span_id if number < 4 else parent
        spans.append(span)
    return spans


def _span(rng: random.Random, trace_id: bytes, parent: bytes, failed: bool, pii_spans: float) -> Span:
    start = 1_790_000_000_000_000_000 + rng.randrange(10**9)
    route = rng.choice(_ROUTES)
    order = rng.randrange(10**6)
    span = Span(
        trace_id=trace_id,
        span_id=rng.randbytes(8),
        parent_span_id=parent,
        name=f"GET {route}",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=start,
        end_time_unix_nano=start + rng.randrange(10**6, 5 * 10**8),
        attributes=[
            _pair("http.request.method", "GET"),
            _pair("url.path", f"{route}/{order}"),
            _pair("http.route", f"{route}/{{id}}"),
            _pair("http.response.status_code", 500 if failed else 200),
            _pair("server.address", "checkout.shop.svc.cluster.local"),
            _pair("server.port", 8443),
            _pair("network.protocol.version", "1.1"),
            _pair("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131 Safari/537.36"),
            _pair("db.system.name", "postgresql"),
            _pair("db.query.text", "SELECT id, state, total FROM orders WHERE id = $1 AND state <> $2 ORDER BY id"),
            _pair("db.response.returned_rows", rng.randrange(50)),
            _pair("thread.name", f"worker-{rng.randrange(32)}"),
            _pair("app.feature.variant", rng.choice(("control", "blue-button", "one-click"))),
            _pair(NOTE, _note(rng, order, pii_spans)),
        ],
    )
    if failed:
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = "upstream answered 500"
        span.events.append(_exception(rng, span.end_time_unix_nano))
    return span


def _exception(rng: random.Random, at: int) -> Span.Event:
    """What the SDK of Python records of an exception; the cause is in the names of its functions."""
    (number,) = rng.choices(range(FAULTS), cum_weights=_FAULT_WEIGHTS)
    verb, noun = _VERBS[number % len(_VERBS)], _NOUNS[number // len(_VERBS)]
    function = f"{verb}_{noun}" if number < COMMON_FAULTS else f"{verb}_{noun}_{TOKEN}"
    kind = _EXCEPTIONS[number % len(_EXCEPTIONS)]
    message = f"no answer for order {rng.randrange(10**6)} after {rng.randrange(900)} ms"
    frames = "".join(
        f'  File "/srv/shop/{module}.py", line {rng.randrange(20, 900)}, in {name}\n    {code}\n'
        for module, name, code in (
            ("http/handlers", "handle", "return self.dispatch(request)"),
            (f"{noun}/service", f"{verb}_all", f"self.{function}(item)"),
            (f"{noun}/steps", function, f"raise {kind}(message)"),
        )
    )
    stack = f"Traceback (most recent call last):\n{frames}shop.errors.{kind}: {message}\n"
    attributes = [
        _pair("exception.type", f"shop.errors.{kind}"),
        _pair("exception.message", message),
        _pair("exception.stacktrace", stack),
        _pair("exception.escaped", "False"),
    ]
    return Span.Event(name="exception", time_unix_nano=at, attributes=attributes)


def _note(rng: random.Random, order: int, pii_spans: float) -> str:
    if rng.random() < pii_spans:
        return rng.choice(_PII).format(n=order % 10_000, o=order % 250 + 1)
    return f"{_CLEAN}{order} is in state {rng.choice(('open', 'paid', 'sent'))} after {rng.randrange(900)} ms"


def is_private(note: str) -> bool:
    """Whether a note holds personal data."""
    return not note.startswith(_CLEAN)


def _pair(key: str, value: str | int) -> KeyValue:
    any_value = AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)
    return KeyValue(key=key, value=any_value)
