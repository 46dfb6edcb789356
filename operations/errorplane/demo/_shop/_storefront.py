"""storefront (FastAPI): what customers talk to; it calls everybody else."""

from __future__ import annotations

from typing import Any

import requests
import uvicorn
from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from opentelemetry import baggage, trace
from pydantic import BaseModel

from errorplane.demo._shop._ledger import KEY
from errorplane.demo._shop._shop import Shop

_PATIENCE_S = 10.0


class CatalogUnavailable(RuntimeError):
    """inventory failed."""


class CheckoutUnavailable(RuntimeError):
    """checkout failed."""


class RecommenderUnavailable(RuntimeError):
    """recommendations failed."""


class SessionExpired(PermissionError):
    """The customer has to log in again."""


class Order(BaseModel):
    """What a customer orders."""

    id: str
    email: str
    phone: str
    sku: str
    quantity: int
    bank: str = "ok"
    coupon: str | None = None


def build(shop: Shop) -> FastAPI:
    """The application."""
    app = FastAPI()

    @app.get("/healthz")
    async def healthz() -> str:
        return "ok"

    @app.get("/products/{sku}")
    def product(sku: str) -> Any:
        with shop.ledger:
            return fetch(shop, f"/stock/{sku}")

    @app.get("/forecast/{sku}")
    def forecast(sku: str) -> Any:
        with shop.ledger:
            return fetch(shop, f"/forecast/{sku}")

    @app.get("/report")
    def report() -> Any:
        with shop.ledger:
            return fetch(shop, "/report")

    @app.get("/search")
    def search(q: str) -> dict[str, str]:
        shop.log.info("search by %s", shop.wares.address("log line"))
        return {"q": q}

    @app.post("/orders")
    def order(order: Order) -> JSONResponse:
        buyer = baggage.get_baggage("user.email")
        trace.get_current_span().set_attribute("user.email", str(buyer))
        with shop.ledger:
            return forward(shop, "/orders", order.model_dump())

    @app.post("/refunds")
    def refund() -> JSONResponse:
        with shop.ledger:
            return forward(shop, "/refunds", {})

    @app.post("/jobs/sync")
    def sync() -> Any:
        return requests.post(shop.url("inventory", "/jobs/sync"), timeout=_PATIENCE_S).json()

    @app.get("/recommendations")
    def recommendations(user: str) -> Any:
        with shop.ledger:
            answer = requests.get(shop.url("recommendations", "/recommend"), params={"user": user}, timeout=_PATIENCE_S)
            if answer.status_code >= 500:
                raise RecommenderUnavailable(f"recommendations answered {answer.status_code}")
            return answer.json()

    @app.get("/account", response_model=None)
    def account(authorization: str = Header()) -> JSONResponse | dict[str, str]:
        try:
            check_session(authorization)
        except SessionExpired as error:
            shop.ledger.note(error)
            span = trace.get_current_span()
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR, str(error))
            return JSONResponse({"error": "log in again"}, 401)
        return {"status": "welcome"}

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        extra = {KEY: shop.ledger.note(error), "request.body": error.body}
        shop.log.error("request refused", exc_info=error, extra=extra)
        return JSONResponse({"error": "invalid request"}, 422)

    return app


def check_session(authorization: str) -> None:
    """Refuse a session, quoting it."""
    raise SessionExpired(f"session ended: {authorization}")


def fetch(shop: Shop, path: str) -> Any:
    """Ask inventory."""
    answer = requests.get(shop.url("inventory", path), timeout=_PATIENCE_S)
    if answer.status_code >= 500:
        raise CatalogUnavailable(f"inventory answered {answer.status_code} for {path}")
    return answer.json()


def forward(shop: Shop, path: str, body: dict[str, Any]) -> JSONResponse:
    """Ask checkout; an order that it refuses is the customer's business, anything worse is ours."""
    answer = requests.post(shop.url("checkout", path), json=body, timeout=_PATIENCE_S)
    if answer.status_code >= 500:
        raise CheckoutUnavailable(f"checkout answered {answer.status_code}")
    return JSONResponse(answer.json(), answer.status_code)


def run(shop: Shop) -> None:
    """Serve until TERM."""
    uvicorn.run(build(shop), host="127.0.0.1", port=shop.port, access_log=False)
