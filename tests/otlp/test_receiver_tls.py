"""TLS of the receivers: who is let in, who is not, and files that cannot be used."""

from __future__ import annotations

import http.client
import ssl
from pathlib import Path

import grpc
import pytest
from tests.otlp.clients import context_of, credentials_of, export, refusal, request
from tests.otlp.parts import Certificates, Pipeline, grpc_receiver, http_receiver, sample, with_passphrase

from errorplane.otlp import GrpcReceiver, HttpReceiver, ListenError, Signal, TlsFiles

GOOD = sample(Signal.TRACES)
RECEIVERS = [GrpcReceiver, HttpReceiver]


def test_grpc_over_tls(certificates: Certificates) -> None:
    """A client that trusts the authority is served; one that does not, or speaks plaintext, is not."""
    with grpc_receiver(pipeline := Pipeline(), tls=certificates.server_files()) as (_, address):
        export(address, GOOD, credentials=credentials_of(certificates))
        for credentials in (grpc.ssl_channel_credentials(certificates.stranger[0].read_bytes()), None):
            assert refusal(address, GOOD, credentials=credentials).code is grpc.StatusCode.UNAVAILABLE
    assert len(pipeline.taken) == 1


def test_grpc_with_client_certificates(certificates: Certificates) -> None:
    """With a client authority, only a client that it vouches for is served."""
    with grpc_receiver(pipeline := Pipeline(), tls=certificates.server_files(ask_client=True)) as (_, address):
        export(address, GOOD, credentials=credentials_of(certificates, certificates.client))
        for pair in (None, certificates.stranger):
            refused = refusal(address, GOOD, credentials=credentials_of(certificates, pair))
            assert refused.code is grpc.StatusCode.UNAVAILABLE
    assert len(pipeline.taken) == 1


def test_https(certificates: Certificates) -> None:
    """A client that trusts the authority is served; one that does not, or speaks plaintext, is not."""
    with http_receiver(pipeline := Pipeline(), tls=certificates.server_files()) as (_, address):
        assert request(address, GOOD, context=context_of(certificates)).code == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            request(address, GOOD, context=ssl.create_default_context())
        with pytest.raises((http.client.HTTPException, OSError)):
            request(address, GOOD)
        assert request(address, GOOD, context=context_of(certificates)).code == 200
    assert len(pipeline.taken) == 2


def test_https_with_client_certificates(certificates: Certificates) -> None:
    """With a client authority, only a client that it vouches for is served."""
    with http_receiver(pipeline := Pipeline(), tls=certificates.server_files(ask_client=True)) as (_, address):
        for pair in (None, certificates.stranger):
            with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
                request(address, GOOD, context=context_of(certificates, pair))
        assert request(address, GOOD, context=context_of(certificates, certificates.client)).code == 200
    assert len(pipeline.taken) == 1


@pytest.mark.parametrize("kind", RECEIVERS)
@pytest.mark.parametrize("what", ["missing", "no PEM", "another key", "a key with a passphrase", "no authority"])
def test_files_that_cannot_be_used(
    kind: type[GrpcReceiver | HttpReceiver], what: str, certificates: Certificates, tmp_path: Path
) -> None:
    """A receiver that cannot use its TLS files does not listen, names them and never asks for a passphrase."""
    cert, key = certificates.server
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    files = {
        "missing": TlsFiles(cert, tmp_path / "none.key"),
        "no PEM": TlsFiles(junk, key),
        "another key": TlsFiles(cert, certificates.client[1]),
        "a key with a passphrase": TlsFiles(cert, with_passphrase(key, tmp_path / "locked.key")),
        "no authority": TlsFiles(cert, key, junk),
    }[what]
    receiver = kind("127.0.0.1:0", Pipeline(), None, files)
    with pytest.raises(ListenError, match=r"TLS files .* cannot be used") as caught:
        receiver.start()
    assert str(files.cert) in str(caught.value)
    if what == "a key with a passphrase":
        assert "passphrase" in str(caught.value)
