"""IP addresses."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.detectors.samples import ENCODERS, assert_found, spans, wide

PLACES = ("{}", "from {} port 22", "[{}]", '{{"ip":"{}"}}', "client={}", "peer {}.", "({})", "a,{},b")


@given(st.integers(0, 2**32 - 1), st.sampled_from(PLACES))
@settings(max_examples=300)
def test_v4(number: int, place: str) -> None:
    """Every address but loopback, netmasks and whole networks is found."""
    address = ipaddress.IPv4Address(number)
    octets = address.packed
    assume(octets[0] not in (127, 255) and any(octets[1:]))
    assert spans(place.format(address)) == [("IP_ADDRESS", str(address))]


@given(
    st.sampled_from([0x2000, 0x2A02, 0xFC00, 0xFDFF, 0xFE80]),
    st.integers(0, 2**112 - 1) | st.integers(0, 2**16 - 1),
    st.sampled_from([*PLACES, "[{}]:8080", "http://[{}]/"]),
    st.booleans(),
)
@settings(max_examples=300)
def test_v6(prefix: int, rest: int, place: str, short: bool) -> None:
    """Every global, unique local and link-local address is found, in its short and in its long form."""
    address = ipaddress.IPv6Address(prefix << 112 | rest | 1 << 20)
    text = address.compressed if short else address.exploded
    assert spans(place.format(text)) == [("IP_ADDRESS", text)]


@pytest.mark.parametrize(
    "text",
    [
        "«192.168.1.1»:8080",
        "/«10.0.0.7»:5432",
        "db.example.com/«10.0.0.7»:5432",
        "GET /hosts/«10.0.0.7»",
        "connecting...«10.0.0.7»...",
        "ip=«203.0.113.7»",
        "node_«10.0.0.7»_8080",
        "«10.0.0.7»/16 and «10.1.2.3»-«10.1.2.9»",
        "地址«10.0.0.7»的",
        f"«{wide('10.0.0.7')}»",
        "«2001:db8::1»",
        "«2001:db8::»/32",
        "«fe80::1%eth0»",
        "«::ffff:10.1.2.3»",
        "«2001:db8:0:0:1:2:3:4»",
        "node:«fe80::1»",
        "«2001:DB8::A»",
        "X-Forwarded-For: «203.0.113.7», «10.0.0.1»",
        'Mozilla/5.0 (X11) Chrome/120.0.1.2, client "«203.0.113.7»"',
        "version mismatch between «10.0.0.1» and «10.0.0.2»",
        "client_version 3 connected to «10.0.0.2»",
        "tcp/«10.0.0.4»:80",
        "«64:ff9b::1.2.3.4»",
        "curl/8.1.2 /x/«10.0.0.7»:80",
    ],
)
def test_found(text: str) -> None:
    """With ports, paths, prefixes and zones, as Java prints them, in other scripts, several, and beside a user agent."""
    assert_found("IP_ADDRESS", text)


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::7", "2001:db8:0:1:2:3:4:5"])
def test_encoded(encoder: str, address: str) -> None:
    """In any encoding the whole address is found."""
    encoded = ENCODERS[encoder](address)
    assert spans(ENCODERS[encoder](f'from="{address}"\n')) == [("IP_ADDRESS", encoded)]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("127.0.0.1:4317", None),
        ("::1", None),
        ("0.0.0.0:80", None),
        ("255.255.255.0", None),
        ("10.0.0.0/8", None),
        ("::", None),
        ("::ffff:127.0.0.1", None),
        ("1.2.3", None),
        ("1.2.3.4.5", None),
        ("1.3.6.1.4.1.311", None),
        ("256.1.1.1", None),
        ("v1.2.3.4", None),
        ("version 1.2.3.4", None),
        ("version=1.2.3.4", None),
        ("release: 10.11.12.13", None),
        ("log4j-core-2.17.1.1.jar", None),
        ("libfoo_1.2.3.4_amd64.deb", None),
        ("Mozilla/5.0 Chrome/120.1.2.3 Safari/537.36", None),
        ("31bf3856ad364e35~amd64~~6.1.1.0", None),
        ("upgraded from 1.2.3.4 to 1.2.3.5", None),
        ("firmware 2.3.4.5", None),
        ("see section 1.2.3.4", None),
        ('{"appVersion":"1.2.3.4"}', None),
        ("numpy>=1.2.3.4", None),
        ("pulled ghcr.io/shop/web:1.2.3.4", None),
        ('repo tag \\"web:1.2.3.4\\", size 5', None),
        ("implementation(com.fasterxml.jackson.core:jackson-databind:2.9.10.8)", None),
        ("com.fasterxml.jackson.core:jackson-databind:2.9.10 -> 2.9.10.8", None),
        ("shop has requirement numpy>=2, but you have numpy 1.2.3.4.", None),
        ("maven2/org/x/shop/1.2.3.4/shop-1.2.3.4.pom", None),
        ("shop.dll, 1.2.3.4, hash 7", None),
        ("WinSxS/amd64_shop_c7d9a861665d55e5_1.2.3.4_none_b68d", None),
        ("1.2.3.4", "service.version"),
        ("1.2.3.4", "container.image.tag"),
        ("1.2.3.4", "telemetry.sdk.version"),
        ("12:34:56", None),
        ("00:1a:2b:3c:4d:5e", None),
        ("std::vector", None),
        ("a1::b2", None),
        ("dead::beef", None),
        ("Foo::Bar12", None),
        ("2026-11-24T10:00:00.123", None),
        ("3.14159", None),
    ],
)
def test_not_found(text: str, key: str | None) -> None:
    """Loopback, netmasks, networks, versions in texts, packages and user agents, times, MAC addresses and code."""
    assert "IP_ADDRESS" not in [entity for entity, _ in spans(text, key)]
