"""TLS, client certificates and tokens, between real processes."""

from __future__ import annotations

import signal
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import trustme
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import policy, read_lines, run_processor, spans_in
from tests.support.telemetry import span, traces

from errorplane.otlp import Signal

TOKEN = "a-long-token-that-nobody-guesses"


class Certificates:
    """An authority, a server certificate for loopback, a client certificate, and a stranger's."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        authority, stranger = trustme.CA(), trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.server = self._issue(authority, folder / "server", "127.0.0.1")
        self.client = self._issue(authority, folder / "client", "sender.example")
        self.stranger = self._issue(stranger, folder / "stranger", "stranger.example")

    @staticmethod
    def _issue(authority: trustme.CA, stem: Path, name: str) -> tuple[Path, Path]:
        issued = authority.issue_cert(name)
        cert, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
        issued.private_key_pem.write_to_path(key)
        key.chmod(0o600)
        for number, pem in enumerate(issued.cert_chain_pems):
            pem.write_to_path(cert, append=number > 0)
        return cert, key

    def credentials(self, identity: tuple[Path, Path] | None) -> grpc.ChannelCredentials:
        """gRPC credentials of a client with this certificate, or none."""
        cert, key = identity or (None, None)
        return grpc.ssl_channel_credentials(
            self.ca.read_bytes(), key.read_bytes() if key else None, cert.read_bytes() if cert else None
        )

    def listen(self) -> dict[str, Any]:
        """A listen section that asks for a client certificate and a token."""
        tls = {"cert": str(self.server[0]), "key": str(self.server[1]), "client_ca": str(self.ca)}
        return {"grpc": "127.0.0.1:0", "http": "127.0.0.1:0", "admin": "127.0.0.1:0", "tls": tls, "token": TOKEN}


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Fresh certificates."""
    return Certificates(tmp_path / "certificates")


def export(address: str, credentials: grpc.ChannelCredentials, token: str | None) -> None:
    """Send one span over gRPC with TLS."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    with grpc.secure_channel(address, credentials) as channel:
        call = channel.unary_unary(Signal.TRACES.grpc_method, None, None)
        call(traces([span(error=True)]).SerializeToString(), timeout=10, metadata=metadata)


def post(address: str, context: ssl.SSLContext, token: str) -> int:
    """Send one span over HTTP with TLS; returns the status."""
    headers = {"Content-Type": "application/x-protobuf", "Authorization": f"Bearer {token}"}
    body = traces([span()]).SerializeToString()
    with httpx.Client(verify=context, timeout=10) as client:
        return client.post(f"https://{address}/v1/traces", content=body, headers=headers).status_code


def test_only_known_senders_are_taken(tmp_path: Path, certificates: Certificates) -> None:
    """Without the right client certificate there is no connection; without the token no request is taken."""
    with run_processor(policy(tmp_path, listen=certificates.listen())) as processor:
        export(processor.grpc, certificates.credentials(certificates.client), TOKEN)
        for identity, token, code in (
            (None, TOKEN, grpc.StatusCode.UNAVAILABLE),
            (certificates.stranger, TOKEN, grpc.StatusCode.UNAVAILABLE),
            (certificates.client, None, grpc.StatusCode.UNAUTHENTICATED),
            (certificates.client, TOKEN[:-1], grpc.StatusCode.UNAUTHENTICATED),
        ):
            with pytest.raises(grpc.RpcError) as refused:
                export(processor.grpc, certificates.credentials(identity), token)
            assert refused.value.code() is code
        assert processor.stats()["received"] == {"traces": 1}
        assert TOKEN not in processor.output()


def test_http_asks_for_the_same(tmp_path: Path, certificates: Certificates) -> None:
    """OTLP/HTTP over TLS wants certificate and token too."""
    with run_processor(policy(tmp_path, listen=certificates.listen())) as processor:
        context = ssl.create_default_context(cafile=str(certificates.ca))
        with pytest.raises(httpx.TransportError):
            post(processor.addresses["OTLP/HTTP"], context, TOKEN)
        context.load_cert_chain(*certificates.client)
        assert post(processor.addresses["OTLP/HTTP"], context, TOKEN) == 200
        assert post(processor.addresses["OTLP/HTTP"], context, "wrong") == 401


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_destination_is_reached_over_mutual_tls(
    tmp_path: Path, certificates: Certificates, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One processor sends to another with a client certificate and a token from the environment."""
    monkeypatch.setenv("NEXT_TOKEN", TOKEN)
    with run_processor(policy(tmp_path / "second", listen=certificates.listen())) as second:
        address = second.grpc if protocol == "grpc" else second.addresses["OTLP/HTTP"]
        tls = {
            "ca": str(certificates.ca),
            "cert": str(certificates.client[0]),
            "key": str(certificates.client[1]),
        }
        headers = {"authorization": "Bearer ${env:NEXT_TOKEN}"}
        target = {"otlp": {"endpoint": f"https://{address}", "protocol": protocol, "tls": tls, "headers": headers}}
        with run_processor(policy(tmp_path / "first", destinations={"next": target})) as first:
            first.send(Signal.TRACES, traces([span("over TLS", error=True)]))
            out = tmp_path / "second" / "out.jsonl"
            wait_until(lambda: [each for each in spans_in(read_lines(out)) if each["name"] == "over TLS"], "the span")
            assert TOKEN not in first.output()


def test_a_destination_that_cannot_be_set_up_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers that cannot be sent end the start, or leave the old policy in force; their values are not shown."""
    monkeypatch.setenv("NEXT_TOKEN", f"{TOKEN}-é")
    headers = {"authorization": "Bearer ${env:NEXT_TOKEN}"}
    bad = {"next": {"otlp": {"endpoint": "http://127.0.0.1:1", "headers": headers}}}
    command = [sys.executable, "-m", "errorplane.cli", "processor", "--policy", str(policy(tmp_path, destinations=bad))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert "destination next: header 'authorization'" in done.stderr
    with run_processor(policy(tmp_path)) as processor:
        policy(tmp_path, destinations=bad)
        processor.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the new policy is refused" in processor.output(), "the refusal")
        processor.send(Signal.TRACES, traces([span("still here", error=True)]))
        wait_until(
            lambda: "still here" in {each["name"] for each in spans_in(read_lines(tmp_path / "out.jsonl"))}, "it"
        )
        assert TOKEN not in done.stderr + processor.output()


def test_beyond_loopback_needs_tls(tmp_path: Path) -> None:
    """A policy that would listen to the world in plain text is refused, with what to do."""
    path = policy(tmp_path, listen={"grpc": "0.0.0.0:0", "http": None, "admin": None})
    command = [sys.executable, "-m", "errorplane.cli", "check", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "listen.grpc" in done.stderr
    assert "tls" in done.stderr
