"""The same shop behind uvicorn: FastAPI, with errors in handlers, in tasks and in threads."""

from __future__ import annotations

import asyncio
import threading

from fastapi import FastAPI
from opentelemetry import metrics

app = FastAPI()
ours = metrics.get_meter("errorplane.shop").create_counter("errorplane.orders")
ours.add(1)


async def fail(number: int) -> None:
    """The innermost frame of the errors in the loop."""
    raise LookupError(f"order {number}")


def fail_in_thread(number: int) -> None:
    """And of those in threads."""
    raise LookupError(f"order {number}")


@app.get("/fail/{number}")
async def handler(number: int) -> None:
    """Starlette answers 500 and raises on; uvicorn logs it."""
    ours.add(1)
    await fail(number)


@app.get("/task/{number}")
async def in_a_task(number: int) -> None:
    """The loop is told when the task is gone that nobody asked for its result."""
    ours.add(1)
    task = asyncio.ensure_future(fail(number))
    await asyncio.wait([task])


@app.get("/thread/{number}")
async def in_a_thread(number: int) -> None:
    """Nobody handles it."""
    ours.add(1)
    thread = threading.Thread(target=fail_in_thread, args=(number,))
    thread.start()
    await asyncio.to_thread(thread.join)
