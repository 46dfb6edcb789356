"""Traffic whose traces differ in everything that tail_sampling decides on, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status
from tests.support.telemetry import Scalar, pairs

_START_NS = 1_790_000_000 * 10**9
_JUST_NS = 400 * 10**6  # some traces take exactly as long as a policy asks
_SERVICES: dict[str, dict[str, Scalar]] = {
    "checkout": {"k8s.cluster.name": "prod-eu", "host.cores": 8},
    "payments": {"k8s.cluster.name": "prod-us", "host.cores": 32, "tenant.shared": True},
    "search": {"k8s.cluster.name": "staging", "host.cores": 64},
    "images": {},
}
_PATHS = ("/checkout/cart", "/checkout/pay", "/search", "/export/all.json", "/healthz", "/a/checkout/b")
_TENANTS = ("acme", "initech", "globex", "acme-eu", "")
_STATES = ("", "", "", "vendor=gold", "other=1,vendor=silver", "vendor=bronze", "vendor=gold2,x=gold", "gold=vendor")
_CODES = (Status.STATUS_CODE_UNSET,) * 9 + (Status.STATUS_CODE_OK,) * 2 + (Status.STATUS_CODE_ERROR,)


@dataclass(frozen=True, slots=True)
class Recorded:
    """Requests in the order in which they were sent, and the trace id of each span in them."""

    bodies: tuple[bytes, ...]
    ids: tuple[tuple[bytes, ...], ...]

    @property
    def traces(self) -> frozenset[bytes]:
        """All trace ids."""
        return frozenset(trace_id for ids in self.ids for trace_id in ids)


def record(traces: int, seed: int, per_request: int = 40) -> Recorded:
    """So many traces, each over up to three requests, its root alone in the first of them.

    The root comes first since tail_sampling's latency with an upper bound keeps every trace that was once within its
    bounds while its spans were counted one by one, so that it depends on their order.
    """
    rng = random.Random(seed)
    waiting: list[list[tuple[str, Span]]] = [[], [], []]
    bodies, ids = [], []
    for number in range(1, traces + 1):
        for place, span in enumerate(_trace(rng)):
            waiting[0 if place == 0 else 1 + place % 2].append(span)
        if number % per_request == 0 or number == traces:
            for group in waiting:
                body, own = _request(group)
                bodies.append(body)
                ids.append(own)
            waiting = [[], [], []]
    return Recorded(tuple(bodies), tuple(ids))


def _request(spans: Sequence[tuple[str, Span]]) -> tuple[bytes, tuple[bytes, ...]]:
    groups = []
    ids: list[bytes] = []
    for service, resource in _SERVICES.items():
        own = [span for name, span in spans if name == service]
        ids += [span.trace_id for span in own]
        attributes = pairs({"service.name": service, **resource})
        groups.append(ResourceSpans(resource=Resource(attributes=attributes), scope_spans=[ScopeSpans(spans=own)]))
    return ExportTraceServiceRequest(resource_spans=groups).SerializeToString(), tuple(ids)


def _trace(rng: random.Random) -> list[tuple[str, Span]]:
    trace_id = rng.randbytes(16)
    duration = _JUST_NS if rng.random() < 0.05 else int(rng.lognormvariate(0, 1.2) * 3e8)
    names = rng.sample(sorted(_SERVICES), rng.choice((1, 1, 2, 3)))
    odd = rng.random() < 0.5  # half of the traces have nothing special, or nearly all would match
    root = _span(rng, trace_id, b"", _START_NS, duration, odd)
    spans = [(names[0], root)]
    for _ in range(rng.randrange(15)):
        begins = rng.randrange(duration + 1)
        child = _span(rng, trace_id, root.span_id, _START_NS + begins, rng.randrange(duration - begins + 1), odd)
        spans.append((rng.choice(names), child))
    return spans


def _span(rng: random.Random, trace_id: bytes, parent: bytes, start: int, duration: int, odd: bool) -> Span:
    attributes: dict[str, Scalar] = {"http.response.status_code": 200, "note": "tenant acme, user.vip true"}
    if odd and rng.random() < 0.3:
        attributes["http.response.status_code"] = rng.choice((201, 302, 404, 499, 500, 503, 599, 600, -1))
    if odd and rng.random() < 0.2:
        attributes["tenant"] = rng.choice(_TENANTS)
    if odd and rng.random() < 0.1:
        attributes["user.vip"] = rng.random() < 0.5
    if odd and rng.random() < 0.2:
        attributes["url.path"] = rng.choice(_PATHS)
    span = Span(
        trace_id=trace_id,
        span_id=rng.randbytes(8),
        parent_span_id=parent,
        name="GET",
        start_time_unix_nano=start,
        end_time_unix_nano=start + duration,
        attributes=pairs(attributes),
        trace_state=rng.choice(_STATES) if odd and rng.random() < 0.2 else "",
        flags=0x101 if odd and rng.random() < 0.1 else 0x100,
    )
    if odd:
        span.status.code = rng.choice(_CODES)
    if rng.random() < 0.2:  # what looks like an attribute of a span but is one of an event, or of a link
        decoy = pairs({"tenant": "acme", "user.vip": True, "http.response.status_code": 503, "url.path": "/checkout/x"})
        span.events.append(Span.Event(name="cache miss", time_unix_nano=start, attributes=decoy))
        span.links.append(Span.Link(trace_id=rng.randbytes(16), span_id=rng.randbytes(8), attributes=decoy))
    return span
