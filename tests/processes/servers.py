"""Real servers under `opentelemetry-instrument`, on a socket that is open before they start, and what they reported."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import IO

from tests.instrumentation.sink import Sink, attributes

from errorplane.errors import ERROR_ID, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE

APPS = Path(__file__).with_name("apps")
SECONDS = 60.0
"""For anything to happen: a machine may be slow, and a test that fails shows what it waited for."""
_RUN = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"


def environment(sink: Sink, *wanted: str, **more: str) -> dict[str, str]:
    """What the processes see: where to send to, and which instrumentations to load, as each takes its time."""
    known = {entry.name for entry in entry_points(group="opentelemetry_instrumentor")}
    assert known >= set(wanted)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH") if name in os.environ}
    return {
        **kept,
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
        "ERRORPLANE_EXIT_SECONDS": str(SECONDS / 2),
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": ",".join(sorted(known - set(wanted))),
        **more,
    }


def run(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the folder of applications to its end."""
    return subprocess.run(
        instrumented(*arguments), env=env, cwd=APPS, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def instrumented(*arguments: str) -> list[str]:
    """A command line of Python's under `opentelemetry-instrument`."""
    return [sys.executable, "-c", _RUN, sys.executable, *arguments]


@dataclass
class Server:
    """A server that was started: its port, and its output in a file, so that it is never held up."""

    process: subprocess.Popen[bytes]
    port: int
    output: IO[bytes]

    def ask(self, paths: Iterable[str], at_once: int = 4) -> list[str]:
        """The answers, in order; of an error its status."""
        with ThreadPoolExecutor(at_once) as pool:
            return list(pool.map(self._one, paths))

    def _one(self, path: str) -> str:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=SECONDS) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return str(error.code)

    def stop(self) -> str:
        """End it as a supervisor does; its output. It must end by itself, and well."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(SECONDS)
        said = self.said()
        assert code == 0, said
        return said

    def wait_until(self, told: Callable[[str], bool]) -> None:
        """Wait for its output to say something."""
        deadline = time.monotonic() + SECONDS
        while not told(self.said()):
            assert time.monotonic() < deadline, self.said()
            assert self.process.poll() is None, self.said()
            time.sleep(0.05)

    def said(self) -> str:
        """Its output so far."""
        self.output.seek(0)
        return self.output.read().decode(errors="replace")


@contextmanager
def serving(env: dict[str, str], *arguments: str) -> Iterator[Server]:
    """Start a server; `FD` in its arguments is the number of its listening socket. It is killed if it is left over."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener, tempfile.TemporaryFile() as output:
        command = instrumented(*(argument.replace("FD", str(listener.fileno())) for argument in arguments))
        process = subprocess.Popen(
            command,
            env=env,
            cwd=APPS,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
        try:
            yield Server(process, listener.getsockname()[1], output)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def told(sink: Sink) -> dict[str, list[str]]:
    """By message, the id of each full record, with the stack, that arrived of an error, whether on a span or a log."""
    found: dict[str, list[str]] = defaultdict(list)
    for pairs in (event.attributes for span in sink.all_spans for event in span.events):
        _add(found, attributes(pairs))
    on_spans = {name for names in found.values() for name in names}
    for record in sink.logs:
        stated = attributes(record.attributes)
        if stated.get(ERROR_ID) not in on_spans:  # else it is a line about an error that a span told already
            _add(found, stated)
    return found


def _add(found: dict[str, list[str]], stated: dict[str, str]) -> None:
    if EXCEPTION_STACKTRACE in stated:
        found[stated[EXCEPTION_MESSAGE]].append(stated[ERROR_ID])


def assert_told_once(sink: Sink, numbers: Iterable[int], said: str = "") -> None:
    """Each order failed once, and arrived once, under an id of its own; nothing else did."""
    found = told(sink)
    assert {message: len(ids) for message, ids in found.items()} == {f"order {n}": 1 for n in numbers}, said
    assert len({id_ for ids in found.values() for id_ in ids}) == len(found)
