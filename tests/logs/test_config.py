"""The ready configuration: with the loggers of real servers, which keep theirs apart."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from errorplane.logs import dict_config, schema

APPS = Path(__file__).with_name("apps")
SECONDS = 60
UVICORN = ("-m", "uvicorn", "asgi:app", "--fd", "FD", "--lifespan", "off")
GUNICORN = ("-m", "gunicorn", "-b", "fd://FD", "--access-logfile", "-", "wsgi:app")


def lines_of(*command: str, **more: str) -> list[dict[str, Any]]:
    """What a server writes that is started, asked once and stopped; every line of it is one of ours."""
    with socket.create_server(("127.0.0.1", 0)) as listener, tempfile.TemporaryFile() as output:
        number = str(listener.fileno())
        process = subprocess.Popen(
            [sys.executable, *(part.replace("FD", number) for part in command)],
            cwd=APPS,
            env={**_environment(), **more},
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
        )
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/orders?email=petra.kohl7@firma-beispiel.de"
            with urllib.request.urlopen(url, timeout=SECONDS) as answer:
                assert answer.read() == b"ok"
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS)
        finally:
            process.kill()
            process.wait(SECONDS)
        output.seek(0)
        return [line for line in map(_parsed, output.read().decode().splitlines()) if line is not None]


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ}


def _parsed(line: str) -> dict[str, Any] | None:
    return json.loads(line) if line.startswith("{") else None


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("command", "environ", "logger"),
    [
        (("run_uvicorn.py", "FD"), {}, "uvicorn.access"),
        (UVICORN, {"own": "1"}, "uvicorn.access"),
        ((*GUNICORN[:2], "-c", "gunicorn_conf.py", *GUNICORN[2:]), {}, "gunicorn.access"),
        (GUNICORN, {"own": "1"}, "gunicorn.access"),
    ],
    ids=["uvicorn", "uvicorn of the application", "gunicorn", "gunicorn of the application"],
)
def test_access_lines_of_servers(command: tuple[str, ...], environ: dict[str, str], logger: str) -> None:
    """Each once, as JSON, without the address that stands in the query; of uvicorn with the trace of the request."""
    lines = lines_of(*command, **environ)
    for line in lines:
        jsonschema.validate(line, schema())
    assert [line["body"] for line in lines if line["otel.scope.name"] == "shop"] == ["served"]
    (access,) = (line for line in lines if line["otel.scope.name"] == logger)
    assert "/orders?email=<EMAIL_ADDRESS>" in access["body"]
    assert access["severity_text"] == "INFO"
    assert not [line["attributes"] for line in lines if "attributes" in line]  # uvicorn's message in colours
    if logger == "uvicorn.access":
        (served,) = (line for line in lines if line["otel.scope.name"] == "shop")
        assert access["trace_id"] == served["trace_id"]


def test_its_parts() -> None:
    """A level, a stream and options of lines; it can be written as JSON and extended."""
    config = dict_config("shop", level="DEBUG", stream="ext://sys.stderr", mask=False, server_loggers=("mine",))
    assert json.loads(json.dumps(config)) == config
    assert config["root"]["level"] == "DEBUG"
    assert config["handlers"]["errorplane"]["stream"] == "ext://sys.stderr"
    assert config["formatters"]["errorplane"]["mask"] is False
    assert list(config["loggers"]) == ["mine"]
    assert config["disable_existing_loggers"] is False
