"""The shop on FastAPI, to be served by uvicorn."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from tests.bench.instrumentation.apps import shop

shop.start()
app = FastAPI()


@app.get("/orders/{customer}")
async def order(customer: str) -> dict[str, Any]:
    """One order."""
    return shop.order(customer)
