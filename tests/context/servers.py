"""A server that writes down what it is sent, under several names; and names that lead to it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

INSIDE = "shop.internal"
THIRD_PARTY = "api.third-party.test"
NAMES = (INSIDE, THIRD_PARTY)


@dataclass
class Recorder:
    """What came in: each request's host, without the port, and its headers in lower case."""

    port: int
    requests: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def url(self, host: str, then: str | None = None) -> str:
        """The URL of this server under a name; with `then`, one that redirects there."""
        query = f"?to={quote(then, safe='')}" if then else ""
        return f"http://{host}:{self.port}/{query}"

    def sent_to(self, host: str) -> Mapping[str, str]:
        """The headers of the only request for a host."""
        (headers,) = [headers for name, headers in self.requests if name == host]
        return headers


@contextmanager
def recording() -> Iterator[Recorder]:
    """A server on 127.0.0.1 for the length of the `with`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = self.headers["Host"].rpartition(":")[0]
            headers = {name.lower(): value for name, value in self.headers.items()}
            recorder.requests.append((host, headers))
            target = parse_qs(urlsplit(self.path).query).get("to")
            self.send_response(302 if target else 200)
            if target:
                self.send_header("Location", target[0])
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        recorder = Recorder(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield recorder
        finally:
            server.shutdown()
            thread.join(10)


def resolve_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `NAMES` lead to 127.0.0.1, as an entry in the hosts file would."""
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        return real("127.0.0.1" if host in NAMES or host in map(str.encode, NAMES) else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def entries(headers: Mapping[str, str]) -> set[str]:
    """The entries of a header `baggage`."""
    return set(headers.get("baggage", "").split(",")) - {""}
