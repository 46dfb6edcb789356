"""payments (Flask): charges cards, refunds, and loses its bank now and then."""

from __future__ import annotations

import time

from flask import Flask, request
from opentelemetry import metrics, trace
from werkzeug.serving import make_server

from errorplane.demo._shop._shop import Shop

SLOW_BANK_S = 1.3
_tracer = trace.get_tracer("shop.payments")


class CardNetworkDown(ConnectionError):
    """The card network does not answer."""


class LedgerMismatch(RuntimeError):
    """The books do not balance."""


def build(shop: Shop) -> Flask:
    """The application."""
    app = Flask("payments")
    charged = metrics.get_meter("shop.payments").create_counter(
        "shop.payments.charged", unit="EUR", description="Money taken."
    )

    @app.get("/healthz")
    def healthz() -> str:
        return "ok"

    @app.post("/charge")
    def charge() -> dict[str, object]:
        order = request.get_json()
        with shop.ledger:
            if order["bank"] == "down":
                network_down(shop, order["email"])
            if order["bank"] == "slow":
                time.sleep(SLOW_BANK_S)
        shop.log.info("charged card %s", shop.wares.card("log line"), extra={"order.id": order["id"]})
        charged.add(order["quantity"] * 12.5, {"bank": order["bank"], "payer": shop.wares.email("metric attribute")})
        return {"status": "charged", "order": order["id"]}

    @app.post("/refund")
    def refund() -> dict[str, str]:
        with shop.ledger:
            settle(shop)
        return {"status": "refunded"}

    return app


def network_down(shop: Shop, email: str) -> None:
    """Fail the way a driver does that quotes all it was given."""
    card, token = shop.wares.card("exception message"), shop.wares.bearer("exception message")
    raise CardNetworkDown(f"POST /v2/charge card={card} payer={email} Authorization: Bearer {token}: connection reset")


def settle(shop: Shop) -> None:
    """Put personal data where redaction must look: names, links, events, lists, nested values, status texts."""
    wares = shop.wares
    reviewer = trace.Link(
        trace.get_current_span().get_span_context(), {"reviewer": wares.email("attribute of a span link")}
    )
    name = f"refund to {wares.iban('span name')}"
    with _tracer.start_as_current_span(name, links=[reviewer]) as span:
        span.set_attribute("refund.contact", wares.phone("span attribute"))
        span.set_attribute("refund.accounts", [wares.iban("list in a span attribute"), "cash"])
        span.set_attribute("db.connection_string", f"host=books password={wares.password('span attribute')} user=app")
        span.add_event("identity.checked", {"ssn": wares.ssn("attribute of a span event")})
        shop.log.warning(
            "refund needs a second look",
            extra={
                "customer": {
                    "contact": {
                        "email": wares.email("nested log attribute"),
                        "phone": wares.phone("nested log attribute"),
                    },
                    "cards": [{"number": wares.card("nested log attribute")}],
                }
            },
        )
        key = wares.aws_key("exception message")
        raise LedgerMismatch(f"books differ by 12.50 EUR; export with access key {key} refused")


def run(shop: Shop) -> None:
    """Serve until TERM."""
    make_server("127.0.0.1", shop.port, build(shop), threaded=True).serve_forever()
