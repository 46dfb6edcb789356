"""What both applications do for a request: read an order, price it, answer; some orders fail, three spans down."""

from __future__ import annotations

import json
import os
from typing import Any

from opentelemetry import trace

_tracer = trace.get_tracer("shop")
_WARES = [{"sku": f"ware-{number}", "price": number * 37 % 900 + 99, "stock": number % 13} for number in range(40)]
FAILING = "failing"
"""The customer whose orders fail."""


class OutOfStock(Exception):
    """What fails."""


def start() -> None:
    """As an application that uses sentry-sdk: start it first. Nobody else does anything here."""
    if os.environ.get("BENCH_SENTRY"):
        from tests.bench.instrumentation.contenders import BESIDE
        from tests.bench.instrumentation.worker import start_sentry

        start_sentry(BESIDE)


def order(customer: str) -> dict[str, Any]:
    """An order with its price. Raises OutOfStock for one customer."""
    with _tracer.start_as_current_span("price") as span:
        span.set_attribute("shop.customer", customer)
        lines = _lines(customer)
        return {"customer": customer, "lines": lines, "total": sum(line["price"] * line["count"] for line in lines)}


def _lines(customer: str) -> list[dict[str, Any]]:
    with _tracer.start_as_current_span("query", attributes={"db.system.name": "sqlite", "db.operation.name": "SELECT"}):
        found = [ware for ware in _stock() if _reserve(ware, customer)]
    return [{"sku": ware["sku"], "price": ware["price"], "count": len(customer)} for ware in found]


def _stock() -> list[dict[str, Any]]:
    """The wares, through JSON, as a database driver or a client would hand them over."""
    wares: list[dict[str, Any]] = json.loads(json.dumps(_WARES))
    return wares


def _reserve(ware: dict[str, Any], customer: str) -> bool:
    if customer == FAILING and ware["sku"] == "ware-7":
        _refuse(ware, customer)
    return bool(ware["stock"] > 2)


def _refuse(ware: dict[str, Any], customer: str) -> None:
    raise OutOfStock(f"{ware['sku']}: {ware['stock']} left, none for {customer} <jo@example.org>")
