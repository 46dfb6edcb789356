"""An application that knows nothing of errorplane, under `opentelemetry-instrument`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.context.servers import Recorder, entries

APP = """
import asyncio, json, sys
import aiohttp, httpx, requests
from fastapi import FastAPI
from flask import Flask
from opentelemetry import baggage, trace

url = sys.argv[1]
flask, fastapi = Flask("shop"), FastAPI()

def seen():
    return [dict(trace.get_current_span().attributes), dict(baggage.get_all())]

@flask.get("/")
def index():
    requests.get(url, timeout=10)
    return seen()

@fastapi.get("/")
async def root():
    async with httpx.AsyncClient(follow_redirects=True, timeout=10) as client:
        await client.get(url)
    async with aiohttp.ClientSession() as session, session.get(url):
        return seen()

async def ask():
    async with httpx.AsyncClient(transport=httpx.ASGITransport(fastapi), base_url="http://shop") as client:
        return await client.get("/", headers=headers)

headers = {"X-Request-ID": "c-17", "baggage": "tenant=acme,admin=true"}
answers = [flask.test_client().get("/", headers=headers), asyncio.run(ask())]
print(json.dumps([[answer.headers["X-Request-ID"], *json.loads(answer.text)] for answer in answers]))
"""
RUN = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"


@pytest.mark.e2e
def test_an_application_under_opentelemetry_instrument(server: Recorder, tmp_path: Path) -> None:
    """It has the fields on its spans and answers and sends them on, to one host and not to the one behind a redirect."""
    (tmp_path / "app.py").write_text(APP)
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    environ |= {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    environ["ERRORPLANE_BAGGAGE_HOSTS"] = "127.0.0.1"  # and not localhost, which is the same machine
    url = server.url("127.0.0.1", then=server.url("localhost"))
    done = subprocess.run(
        [sys.executable, "-c", RUN, sys.executable, "app.py", url],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    for response_id, span, baggage in json.loads(done.stdout):
        assert response_id == "c-17"
        assert (span["errorplane.correlation_id"], span["errorplane.tenant"]) == ("c-17", "acme")
        assert baggage == {"tenant": "acme"}
    assert [host for host, _ in server.requests] == ["127.0.0.1", "localhost"] * 3
    for host, headers in server.requests:
        told = host == "127.0.0.1"
        assert entries(headers) == ({"tenant=acme", "correlation_id=c-17"} if told else set())
        assert headers.get("x-request-id") == ("c-17" if told else None)
