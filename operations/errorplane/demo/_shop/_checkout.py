"""checkout (Flask): takes orders, and depends on payments."""

from __future__ import annotations

from typing import Any

import requests
from flask import Flask, jsonify, request
from flask.typing import ResponseReturnValue
from opentelemetry import metrics
from werkzeug.serving import make_server

from errorplane.demo._shop._ledger import KEY
from errorplane.demo._shop._shop import Shop

PAYMENTS_PATIENCE_S = 0.7
_DISCOUNTS = {"WELCOME": 10, "SUMMER": 15}


class OrderValidationError(ValueError):
    """An order that makes no sense."""


class PaymentTimeout(TimeoutError):
    """payments took too long."""


class PaymentsUnavailable(ConnectionError):
    """payments failed."""


def build(shop: Shop) -> Flask:
    """The application."""
    app = Flask("checkout")
    orders = metrics.get_meter("shop.checkout").create_counter("shop.orders", description="Orders by outcome.")

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    @app.post("/orders")
    def place() -> ResponseReturnValue:
        order = request.get_json()
        shop.log.info("order of %s, phone %s", order["email"], order["phone"], extra={"order.id": order["id"]})
        with shop.ledger:
            try:
                validate(order)
            except OrderValidationError as error:
                return refuse(error)
            price(order)
            charge(shop, order)
        orders.add(1, {"outcome": "placed"})
        return {"order": order["id"]}

    @app.post("/refunds")
    def refund() -> ResponseReturnValue:
        with shop.ledger:
            answer = requests.post(shop.url("payments", "/refund"), json={}, timeout=10)
            if answer.status_code >= 500:
                raise PaymentsUnavailable(f"payments answered {answer.status_code} to a refund")
        return {"status": "refunded"}

    def refuse(error: OrderValidationError) -> ResponseReturnValue:
        orders.add(1, {"outcome": "invalid"})
        shop.log.exception(
            "order refused", extra={KEY: shop.ledger.note(error), "client.address": shop.wares.address("log attribute")}
        )
        return jsonify({"error": "invalid order"}), 422

    @app.errorhandler(PaymentTimeout)
    def timed_out(error: PaymentTimeout) -> ResponseReturnValue:
        orders.add(1, {"outcome": "timeout"})
        shop.log.error("order not paid in time", exc_info=error)
        return jsonify({"error": "payment takes too long"}), 504

    return app


def validate(order: dict[str, Any]) -> None:
    """Refuse what cannot be sold; the text quotes what the customer typed."""
    if order["quantity"] < 1:
        raise OrderValidationError(f"{order['email']} orders {order['quantity']} pieces; callback {order['phone']}")


def price(order: dict[str, Any]) -> float:
    """The bug: a coupon that nobody has heard of."""
    coupon = order.get("coupon")
    discount = _DISCOUNTS[coupon] if coupon else 0
    return float(order["quantity"] * 12.5 * (100 - discount) / 100)


def charge(shop: Shop, order: dict[str, Any]) -> None:
    """Ask payments for the money."""
    try:
        answer = requests.post(shop.url("payments", "/charge"), json=order, timeout=PAYMENTS_PATIENCE_S)
    except requests.ReadTimeout as error:
        shop.ledger.note(error)
        raise PaymentTimeout(f"no answer from payments for the order of {order['email']}") from error
    if answer.status_code >= 500:
        raise PaymentsUnavailable(f"payments answered {answer.status_code} to order {order['id']}")


def run(shop: Shop) -> None:
    """Serve until TERM."""
    make_server("127.0.0.1", shop.port, build(shop), threaded=True).serve_forever()
