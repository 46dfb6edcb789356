"""The customers: a plain program without any SDK that sends requests with W3C headers, as a browser would."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from errorplane.demo._shop._shop import Shop
from errorplane.demo._shop._wares import Wares

_CUSTOMERS = 4
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request to the storefront, and the status that it should get."""

    scene: str
    method: str
    path: str
    status: int = 200
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Scene = Callable[[int, Wares], Call]


def _order(scene: str, status: int, **changes: Any) -> Scene:
    def make(number: int, wares: Wares) -> Call:
        body = {
            "id": f"o-{number:05d}",
            "email": wares.email("log line"),
            "phone": wares.phone("log line"),
            "sku": "tea",
            "quantity": 2,
            "bank": "ok",
        }
        buyer = quote(wares.email("baggage that becomes a span attribute"))
        return Call(scene, "POST", "/orders", status, body | changes, {"baggage": f"user.email={buyer}"})

    return make


def _get(scene: str, path: str, status: int = 200) -> Scene:
    return lambda number, wares: Call(scene, "GET", path, status)


def _post(scene: str, path: str, status: int = 200) -> Scene:
    return lambda number, wares: Call(scene, "POST", path, status, {})


def _search(number: int, wares: Wares) -> Call:
    return Call("search", "GET", f"/search?q=tea&email={wares.email('URL query')}")


def _recommendations(number: int, wares: Wares) -> Call:
    user = wares.email("URL query") if number % 2 else "nobody"
    return Call("recommendations", "GET", f"/recommendations?user={user}", 500 if number % 2 else 200)


def _expired(number: int, wares: Wares) -> Call:
    token = wares.jwt("exception message and status text")
    return Call("expired session", "GET", "/account", 401, headers={"authorization": f"Bearer {token}"})


# What a hundred customers do.
SCENES: tuple[tuple[int, Scene], ...] = (
    (22, _get("browse", "/products/tea")),
    (20, _order("order", 200)),
    (6, _search),
    (5, _get("slow report", "/report")),
    (7, _get("article without warehouse", "/products/ghost", 500)),
    (5, _get("forecast that hangs", "/forecast/mug", 500)),
    (7, _order("card network down", 500, bank="down")),
    (6, _order("slow bank", 500, bank="slow")),
    (5, _order("unknown coupon", 500, coupon="LEGACY10")),
    (6, _order("no pieces", 422, quantity=0)),
    (4, _order("not a number", 422, quantity="many")),
    (3, _post("refund", "/refunds", 500)),
    (4, _expired),
)
_BACKGROUND: tuple[int, Scene] = (4, _post("background job", "/jobs/sync"))
_OTHER_LANGUAGE: tuple[int, Scene] = (6, _recommendations)


def plan(count: int, seed: str, wares: Wares, *, recommendations: bool) -> list[Call]:
    """``count`` calls in the order of the seed: every scene in its share, and at least once."""
    scenes = [*SCENES, _BACKGROUND, *([_OTHER_LANGUAGE] if recommendations else [])]
    total = sum(weight for weight, _ in scenes)
    made = [scene(number, wares) for weight, scene in scenes for number in range(max(1, round(weight * count / total)))]
    random.Random(seed).shuffle(made)
    return made


def run(shop: Shop) -> None:
    """Make the calls, at the rate given, and write one line ``{scene, status, expected, ms}`` for each answer."""
    load = shop.load
    calls = plan(load.calls, load.seed, shop.wares, recommendations="recommendations" in shop.ports)
    ids = random.Random(f"{load.seed}/trace ids")
    file = os.open(load.answers, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    started = time.monotonic()
    with ThreadPoolExecutor(_CUSTOMERS) as customers:
        for number, call in enumerate(calls):
            time.sleep(max(0.0, started + number / load.rate - time.monotonic()))
            headers = {"traceparent": f"00-{ids.getrandbits(128):032x}-{ids.getrandbits(64):016x}-01", **call.headers}
            customers.submit(_make, shop, call, headers, file)


def _make(shop: Shop, call: Call, headers: Mapping[str, str], file: int) -> None:
    started = time.monotonic()
    try:
        answer = requests.request(
            call.method,
            shop.url("storefront", call.path),
            json=call.body,
            headers=dict(headers),
            timeout=_PATIENCE_S,
        )
        status = answer.status_code
    except requests.RequestException:
        status = 0
    line = {"scene": call.scene, "status": status, "expected": call.status, "ms": 1000 * (time.monotonic() - started)}
    os.write(file, (json.dumps(line) + "\n").encode())
