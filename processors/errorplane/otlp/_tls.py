"""TLS files of receivers and destinations, and what the two transports make of them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from errorplane.otlp._errors import ListenError, TargetError


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files of a server. With ``client_ca`` only clients with a certificate of that authority are let in."""

    cert: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class ClientTls:
    """PEM files of a client; ``ca`` replaces the system's authorities, ``cert`` and ``key`` show who we are."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    insecure_skip_verify: bool = False


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """The server side for HTTPS; raises ``ListenError``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(files.cert, files.key, _no_passphrase)
        if files.client_ca is not None:
            context.load_verify_locations(files.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except OSError as error:  # ssl.SSLError is one too
        raise ListenError(
            f"TLS files {_names(files.cert, files.key, files.client_ca)} cannot be used: {error}"
        ) from error
    return context


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """The server side for gRPC; raises ``ListenError``. The files are tried with OpenSSL first: gRPC says little."""
    server_context(files)
    try:
        chain = (files.key.read_bytes(), files.cert.read_bytes())
        client_ca = None if files.client_ca is None else files.client_ca.read_bytes()
    except OSError as error:
        raise ListenError(
            f"TLS files {_names(files.cert, files.key, files.client_ca)} cannot be used: {error}"
        ) from error
    return grpc.ssl_server_credentials([chain], client_ca, require_client_auth=client_ca is not None)


def client_context(files: ClientTls) -> ssl.SSLContext:
    """The client side for HTTPS; raises ``TargetError`` if a file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=None if files.ca is None else str(files.ca))
        if files.cert is not None:
            context.load_cert_chain(files.cert, files.key, _no_passphrase)
    except OSError as error:
        raise TargetError(f"TLS files {_names(files.ca, files.cert, files.key)} cannot be used: {error}") from error
    if files.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def channel_credentials(files: ClientTls) -> grpc.ChannelCredentials:
    """The client side for gRPC; raises ``TargetError`` if a file cannot be used.

    OpenSSL tries them first: it says why.
    """
    if files.insecure_skip_verify:
        raise TargetError(
            "gRPC cannot skip verification: give the certificate of the destination, or of its authority, as tls.ca"
        )
    client_context(files)
    try:
        return grpc.ssl_channel_credentials(_read(files.ca), _read(files.key or files.cert), _read(files.cert))
    except OSError as error:
        raise TargetError(f"TLS files {_names(files.ca, files.cert, files.key)} cannot be used: {error}") from error


def _no_passphrase() -> str:
    """Instead of OpenSSL's question on the terminal, which nobody would answer."""
    raise OSError("the key is protected by a passphrase: give one that is not")


def _read(path: Path | None) -> bytes | None:
    return None if path is None else path.read_bytes()


def _names(*paths: Path | None) -> str:
    return ", ".join(str(path) for path in paths if path is not None)
