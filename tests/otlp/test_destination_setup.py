"""What a destination cannot be made of is refused when it is made, and nothing secret is quoted."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.otlp.parts import Certificates, with_passphrase

from errorplane.keys import Key
from errorplane.otlp import (
    ClientTls,
    Destination,
    FileDestination,
    GrpcDestination,
    HttpDestination,
    SegmentDestination,
    TargetError,
)

KINDS = [GrpcDestination, HttpDestination]
Kind = type[GrpcDestination] | type[HttpDestination]
kinds = pytest.mark.parametrize("kind", KINDS)


@kinds
@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "http://",
        "ftp://host:1",
        "http://host:0",
        "http://host:65536",
        "http://host:port",
        "http://[::1:4317",
        "http://host:1?key=hidden",
        "http://host:1#hidden",
        "http://user:hidden@host:1",
        "http://:hidden@host:1",
        "http://hidden@host:1",
    ],
)
def test_endpoints_that_are_none(kind: Kind, endpoint: str) -> None:
    """An endpoint that names no host and port, or holds more than that, is refused without being quoted."""
    with pytest.raises(TargetError, match="the endpoint must be") as caught:
        kind("next", endpoint)
    assert "hidden" not in str(caught.value)


def test_endpoints_of_one_protocol_only() -> None:
    """gRPC knows no path; HTTP needs a scheme; the error says what to write."""
    with pytest.raises(TargetError, match=r"no path: write host:port"):
        GrpcDestination("next", "http://host:1/v1/traces")
    with pytest.raises(TargetError, match=r"such as https://collector\.example:4318"):
        HttpDestination("next", "host:4318")


@pytest.mark.parametrize(
    ("kind", "endpoint"),
    [
        (GrpcDestination, "host"),
        (GrpcDestination, "host:4317"),
        (GrpcDestination, "[::1]:4317"),
        (GrpcDestination, "http://host:4317/"),
        (GrpcDestination, "https://host"),
        (HttpDestination, "http://host:4318/"),
        (HttpDestination, "https://[::1]:4318/base"),
    ],
)
def test_endpoints_that_are_some(kind: Kind, endpoint: str) -> None:
    """Host, port, scheme and, for HTTP, a base path make an endpoint; nothing is connected yet."""
    kind("next", endpoint).close()


@kinds
@pytest.mark.parametrize("value", ["hidden\n", " hidden", "hidden ", "hid\r\nden: x", "hidden\0", "hiddén", "hid\tden"])
def test_header_values_that_cannot_be_sent(kind: Kind, value: str) -> None:
    """A value that HTTP cannot carry is refused by the name of its header, without the value."""
    with pytest.raises(TargetError, match="header 'x-token': its value must be printable ASCII") as caught:
        kind("next", "http://host:1", headers={"x-token": value})
    assert "hid" not in str(caught.value)


@kinds
@pytest.mark.parametrize("name", ["", "x token", "x:token", "x\ntoken", "tökén"])
def test_header_names_that_are_none(kind: Kind, name: str) -> None:
    """A name that HTTP does not know as one is refused, without the value."""
    with pytest.raises(TargetError, match="a name has letters, digits") as caught:
        kind("next", "http://host:1", headers={name: "hidden"})
    assert "hidden" not in str(caught.value)


@kinds
def test_an_unknown_compression(kind: Kind) -> None:
    """There is gzip and none."""
    with pytest.raises(ValueError, match="compression is gzip or none, not 'zstd'"):
        kind("next", "http://host:1", compression="zstd")


@kinds
@pytest.mark.parametrize("what", ["no file", "no PEM", "another key", "a key with a passphrase"])
def test_tls_files_that_cannot_be_used(kind: Kind, what: str, certificates: Certificates, tmp_path: Path) -> None:
    """Files that cannot be used are named, and nobody is asked for a passphrase."""
    cert, key = certificates.client
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    tls = {
        "no file": ClientTls(tmp_path / "none.pem"),
        "no PEM": ClientTls(junk),
        "another key": ClientTls(None, cert, certificates.server[1]),
        "a key with a passphrase": ClientTls(None, cert, with_passphrase(key, tmp_path / "locked.key")),
    }[what]
    with pytest.raises(TargetError, match=r"TLS files .* cannot be used") as caught:
        kind("next", "https://host:1", tls)
    assert str(tls.ca or tls.key) in str(caught.value)


def test_grpc_cannot_skip_verification() -> None:
    """What gRPC cannot do is refused with what to do instead."""
    with pytest.raises(TargetError, match=r"as tls\.ca"):
        GrpcDestination("next", "https://host:1", ClientTls(insecure_skip_verify=True))


def test_nothing_secret_is_shown(tmp_path: Path) -> None:
    """The repr of a destination has its name and where it sends, but no header and no key."""
    headers = {"authorization": "Bearer hidden"}
    made: list[Destination] = [
        GrpcDestination("next", "http://host:1", headers=headers),
        HttpDestination("next", "http://host:1", headers=headers),
        SegmentDestination("next", tmp_path, {}, lambda: Key("00000000", b"hidden" * 6)),
        FileDestination("next", tmp_path / "file"),
    ]
    shown = [repr(destination) for destination in made]
    for destination in made:
        destination.close()
    assert shown == [
        "GrpcDestination('next', 'http://host:1')",
        "HttpDestination('next', 'http://host:1')",
        f"SegmentDestination('next', '{tmp_path}', sealed=True)",
        f"FileDestination('next', '{tmp_path / 'file'}')",
    ]
