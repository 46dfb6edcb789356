"""A shop behind gunicorn: Flask, with one counter of its own and one in errorplane's scope, counted at import, too."""

from __future__ import annotations

import os
import threading

from flask import Flask
from opentelemetry import metrics

app = Flask("shop")
theirs = metrics.get_meter("shop").create_counter("shop.orders")
ours = metrics.get_meter("errorplane.shop").create_counter("errorplane.orders")


def count() -> None:
    """One more order, in both counters."""
    theirs.add(1)
    ours.add(1)


count()


def fail(number: int) -> None:
    """The innermost frame of every error here."""
    raise LookupError(f"order {number}")


@app.get("/fail/<int:number>")
def handled_by_flask(number: int) -> str:
    """Flask logs it and answers 500."""
    count()
    fail(number)
    return ""


@app.get("/thread/<int:number>")
def in_a_thread(number: int) -> str:
    """Nobody handles it."""
    count()
    thread = threading.Thread(target=fail, args=(number,))
    thread.start()
    thread.join()
    return str(os.getpid())


@app.get("/greenlet/<int:number>")
def in_a_greenlet(number: int) -> str:
    """Nor this one."""
    import gevent  # only there with the worker that needs it

    count()
    gevent.spawn(fail, number).join()
    return str(os.getpid())
