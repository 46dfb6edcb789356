"""inventory (FastAPI): knows the stock, forecasts slowly, and works in the background."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import uvicorn
from fastapi import FastAPI
from opentelemetry import metrics

from errorplane.demo._shop._ledger import KEY
from errorplane.demo._shop._shop import Shop

REPORT_S = 0.8
_FORECAST_S = 0.2
_STOCK: dict[str, dict[str, Any]] = {
    "tea": {"pieces": 120, "warehouse": "north"},
    "mug": {"pieces": 40, "warehouse": "south"},
    "jam": {"pieces": 7, "warehouse": "south"},
    "ghost": {"pieces": 1},
}


class WarehouseSyncError(RuntimeError):
    """The nightly comparison with the warehouse failed."""


def build(shop: Shop) -> FastAPI:
    """The application."""
    app = FastAPI()
    looked_up = metrics.get_meter("shop.inventory").create_counter("shop.stock.lookups")

    @app.get("/healthz")
    async def healthz() -> str:
        return "ok"

    @app.get("/stock/{sku}")
    async def stock(sku: str) -> dict[str, Any]:
        looked_up.add(1, {"sku": sku})
        with shop.ledger:
            return locate(sku)

    @app.get("/forecast/{sku}")
    async def forecast(sku: str) -> dict[str, Any]:
        with shop.ledger:
            await asyncio.wait_for(asyncio.Event().wait(), _FORECAST_S)
        return {"sku": sku}

    @app.get("/report")
    def report() -> dict[str, int]:
        time.sleep(REPORT_S)
        return {sku: entry["pieces"] for sku, entry in _STOCK.items()}

    @app.post("/jobs/sync")
    async def sync() -> dict[str, str]:
        threading.Thread(target=compare, args=(shop,)).start()
        return {"status": "started"}

    return app


def locate(sku: str) -> dict[str, Any]:
    """The bug: one article was never put into a warehouse."""
    entry = _STOCK[sku]
    return {"sku": sku, "pieces": entry["pieces"], "warehouse": entry["warehouse"]}


def compare(shop: Shop) -> None:
    """Work in a thread of its own, where no trace is: what it logs stands alone."""
    shop.log.info("comparison with the warehouse started by %s", shop.wares.email("log line without a trace"))
    try:
        raise WarehouseSyncError(
            f"login refused: password={shop.wares.password('exception message without a trace')} "
            f"from {shop.wares.address('exception message without a trace')}"
        )
    except WarehouseSyncError as error:
        shop.log.exception(
            "comparison failed",
            extra={KEY: shop.ledger.note(error), "session": shop.wares.jwt("log attribute without a trace")},
        )


def run(shop: Shop) -> None:
    """Serve until TERM."""
    uvicorn.run(build(shop), host="127.0.0.1", port=shop.port, access_log=False)
