"""The shop on Flask, to be served by gunicorn."""

from __future__ import annotations

from flask import Flask, Response, jsonify
from tests.bench.instrumentation.apps import shop

shop.start()
app = Flask(__name__)


@app.get("/orders/<customer>")
def order(customer: str) -> Response:
    """One order."""
    return jsonify(shop.order(customer))
