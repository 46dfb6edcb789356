"""Which hosts and keys a rule means."""

from __future__ import annotations

import pytest

from errorplane.propagation import Hosts, Keys

PRIVATE = Hosts(["private"])


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "orders",
        "ORDERS",
        "orders.",
        "127.0.0.1",
        "127.8.9.10",
        "10.1.2.3",
        "172.31.255.255",
        "192.168.0.1",
        "::1",
        "[::1]",
        "fd00::17",
        "::ffff:10.0.0.1",
        "printer.local",
        "shop.localhost",
        "db.internal",
        "orders.shop.svc",
        "orders.shop.svc.cluster.local",
        "2130706433",
        "0x7f.1",
    ],
)
def test_private_hosts(host: str) -> None:
    """Names without a dot, names that only lead inside, loopback and private addresses in any spelling."""
    assert host in PRIVATE


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        ".",
        "api.stripe.com",
        "internal.example.com",
        "svc.example.com",
        "8.8.8.8",
        "172.32.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
        "134744072",
        "0x08080808",
        "8.2056",
        "127.0.0.1.example.com",
        "orders%2eexample%2ecom",
        "orders%.example.com",
        "orders\u3002example\uff0ecom",
        "user@example.com",
        "example.com/.internal",
        "example.com:80.internal",
    ],
)
def test_other_hosts(host: str | None) -> None:
    """Everything else, an address in disguise too, and a host that nobody knows."""
    assert host not in PRIVATE


def test_lists_of_hosts() -> None:
    """Exact names, suffixes, addresses and networks, in any case; nothing private is among them by itself."""
    hosts = Hosts(["Api.Example.com", "*.partner.example", "203.0.113.7", "198.51.100.0/24", "2001:db8::/32"])
    allowed = (
        "api.example.com",
        "API.example.com.",
        "a.b.partner.example",
        "203.0.113.7",
        "198.51.100.9",
        "2001:db8::1",
    )
    assert [host for host in allowed if host not in hosts] == []
    others = ("example.com", "x.api.example.com", "partner.example", "evilpartner.example", "203.0.113.8", "localhost")
    assert [host for host in others if host in hosts] == []


@pytest.mark.parametrize("listed", ["b\u00fccher.example", "XN--Bcher-kva.example"])
def test_a_name_in_other_letters_is_the_same_in_ascii(listed: str) -> None:
    """Clients hand it on in either form. A letter that the editions of IDNA read differently is in no list."""
    hosts = Hosts([listed, "strasse.example"])
    assert [host for host in ("B\u00fccher.example", "xn--bcher-kva.example.") if host not in hosts] == []
    assert "stra\u00dfe.example" not in hosts


def test_all_and_none() -> None:
    """`*` allows even a host that nobody knows; `none` and nothing allow none."""
    assert None in Hosts(["*"])
    for words in (["none"], []):
        assert "localhost" not in Hosts(words)
        assert "tenant" not in Keys(words)


def test_a_host_that_cannot_be_meant_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """With the variable and the value; the others hold."""
    wrong = [
        "a*.example.com",
        "https://api.example.com",
        "api.example.com:8443",
        ".example.com",
        "*.",
        "stra\u00dfe.example",
    ]
    hosts = Hosts([*wrong, "orders"])
    assert "orders" in hosts
    assert len(caplog.messages) == len(wrong)
    assert caplog.messages[0].startswith("ERRORPLANE_BAGGAGE_HOSTS: 'a*.example.com' is no name")


def test_lists_of_keys() -> None:
    """Exact keys, prefixes, all."""
    keys = Keys(["tenant", "shop.*"])
    assert [key for key in ("tenant", "shop.cart", "shop.", "Tenant", "tenants", "shop") if key in keys] == [
        "tenant",
        "shop.cart",
        "shop.",
    ]
    assert "anything" in Keys(["*"])
