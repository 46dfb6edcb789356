"""The traffic of the benchmark: realistic spans, fresh trace ids, traces spread over three requests."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from errorplane.otlp import Signal
from errorplane.otlp._wire import items

SPANS_PER_TRACE = 10
SPANS_PER_REQUEST = 1000
REQUESTS_PER_TRACE = 3
ERROR_TRACES = 0.05
PII_SPANS = 0.02
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


def requests(spans: int, seed: int, pii_spans: float = PII_SPANS) -> Iterator[bytes]:
    """Serialised Export requests of 1,000 spans, ``spans`` in all; every call with another seed has other trace ids.

    ``pii_spans`` is the share of spans with personal data.
    """
    rng = random.Random(seed)
    waiting: list[list[Span]] = [[] for _ in range(REQUESTS_PER_TRACE)]
    made = 0
    while made < spans:
        while len(waiting[0]) < SPANS_PER_REQUEST:
            for number, span in enumerate(_trace(rng, pii_spans)):
                waiting[number % REQUESTS_PER_TRACE].append(span)
        now, waiting[0] = waiting[0][:SPANS_PER_REQUEST], waiting[0][SPANS_PER_REQUEST:]
        made += len(now)
        yield _request(now, rng)
        waiting[0] += waiting[1]
        waiting[1:] = [*waiting[2:], []]
    rest = [span for group in waiting for span in group]
    for start in range(0, len(rest), SPANS_PER_REQUEST):
        yield _request(rest[start : start + SPANS_PER_REQUEST], rng)


def fresh(bodies: Sequence[bytes], seed: int) -> list[bytes]:
    """The same requests with other trace ids: the first half of every id is changed by ``seed``."""
    mask = random.Random(seed).getrandbits(64)
    return [_with_other_ids(body, mask) for body in bodies]


def _with_other_ids(body: bytes, mask: int) -> bytes:
    changed = bytearray(body)
    for start, _ in items(Signal.TRACES, body):
        at = start + 2  # trace_id is written first: a tag byte, a length byte, 16 bytes
        changed[at : at + 8] = (int.from_bytes(changed[at : at + 8], "big") ^ mask).to_bytes(8, "big")
    return bytes(changed)


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
    failed = rng.random() < ERROR_TRACES
    parent = b""
    spans = []
    for number in range(SPANS_PER_TRACE):
        span = _span(rng, trace_id, parent, failed and number == SPANS_PER_TRACE - 1, pii_spans)
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
            _pair("app.note", _note(rng, order, pii_spans)),
        ],
    )
    if failed:
        span.status.code = Status.STATUS_CODE_ERROR
        span.status.message = "upstream answered 500"
    return span


def _note(rng: random.Random, order: int, pii_spans: float) -> str:
    if rng.random() < pii_spans:
        return rng.choice(_PII).format(n=order % 10_000, o=order % 250 + 1)
    return f"order {order} is in state {rng.choice(('open', 'paid', 'sent'))} after {rng.randrange(900)} ms"


def _pair(key: str, value: str | int) -> KeyValue:
    any_value = AnyValue(string_value=value) if isinstance(value, str) else AnyValue(int_value=value)
    return KeyValue(key=key, value=any_value)
