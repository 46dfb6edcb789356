"""What each action puts in place of a value."""

from __future__ import annotations

import calendar
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.actions.parts import FixedKeys, finding

from errorplane.detectors import Transform, hide_most
from errorplane.keys import Opener, SealError, write_pair
from errorplane.policy import Action
from errorplane.redaction.actions import SEALED, SEALED_LABEL, Compiler, Keyring, from_base64url, normalise

NOW = calendar.timegm((2026, 11, 25, 0, 0, 0))
RING = Keyring(FixedKeys())
COMPILE = Compiler(RING, clock=lambda: NOW)


ZIP3 = {"do": "generalise", "to": "zip3"}


def transform(action: object) -> Transform:
    """The function of an action as a policy writes it."""
    return COMPILE(Action.model_validate(action))


def done(action: object, entity: str, value: str) -> str:
    """What an action makes of a value."""
    return transform(action)(finding(entity, value), value)


@pytest.mark.parametrize(
    ("action", "entity", "value", "expected"),
    [
        ("replace", "US_SSN", "078-05-1120", "<US_SSN>"),
        ("drop", "US_SSN", "078-05-1120", ""),
        ("keep", "US_SSN", "078-05-1120", "078-05-1120"),
        ("mask", "CREDIT_CARD", "4111 1111 1111 1234", "**** **** **** 1234"),
        ({"do": "mask", "first": 6, "last": 4}, "CREDIT_CARD", "4111111111111234", "411111******1234"),
        ({"do": "mask", "first": 6, "last": 4}, "CREDIT_CARD", "378282246310005", "37828******0005"),
        ({"do": "mask", "last": 0}, "CREDIT_CARD", "4111-1111-1111-1234", "****-****-****-****"),
        ({"do": "mask", "char": "#"}, "US_SSN", "078-05-1120", "###-##-1120"),
        ("mask", "PASSWORD", "s3cre", "*****"),
        ("mask", "PASSWORD", "s3cret", "***ret"),
        ("keep_domain", "EMAIL_ADDRESS", "Bob@Example.COM", "<EMAIL_ADDRESS>@example.com"),
        ("keep_domain", "EMAIL_ADDRESS", "bob%40example.com", "<EMAIL_ADDRESS>@example.com"),
        ("keep_domain", "PASSWORD", "hunter2", "<PASSWORD>"),
        ("ip_prefix", "IP_ADDRESS", "203.0.113.77", "203.0.113.0"),
        ({"do": "ip_prefix", "v4": 16}, "IP_ADDRESS", "203.0.113.77", "203.0.0.0"),
        ("ip_prefix", "IP_ADDRESS", "2001:DB8:1:2::9%eth0", "2001:db8:1::"),
        ("ip_prefix", "IP_ADDRESS", "203.000.113.077", "203.0.113.0"),
        ("ip_prefix", "IP_ADDRESS", "::ffff:203.0.113.7", "203.0.113.0"),
        ("ip_prefix", "IP_ADDRESS", "999.0.113.77", "<IP_ADDRESS>"),
        ({"do": "generalise", "to": "year"}, "DATE_TIME", "2024-03-12T10:00:00Z", "2024"),
        ({"do": "generalise", "to": "year"}, "DATE_TIME", "12/03/84", "<DATE_TIME>"),
        ({"do": "generalise", "to": "year"}, "DATE_OF_BIRTH", "12.03.1984", "1984"),
        ({"do": "generalise", "to": "year"}, "DATE_OF_BIRTH", "1936-12-31", "<DATE_OF_BIRTH>"),
        ({"do": "generalise", "to": "year"}, "DATE_OF_BIRTH", "1937-01-01", "1937"),
        ({"do": "generalise", "to": "zip3"}, "ZIP_CODE", "02139-4307", "021"),
        ({"do": "generalise", "to": "zip3"}, "ZIP_CODE", "03601", "000"),
        ({"do": "generalise", "to": "zip3"}, "ZIP_CODE", "SW1A 1AA", "<ZIP_CODE>"),
        ({"do": "generalise", "to": "age"}, "AGE", "89", "89"),
        ({"do": "generalise", "to": "age"}, "AGE", "90 years old", "90+"),
        ({"do": "generalise", "to": "geo"}, "LOCATION", "52.520008, -13.404954", "52.5, -13.4"),
        ({"do": "generalise", "to": "geo"}, "LOCATION", "Berlin", "<LOCATION>"),
    ],
)
def test_action(action: object, entity: str, value: str, expected: str) -> None:
    """Each action yields what its description says, and hides what it cannot read as a whole."""
    assert done(action, entity, value) == expected


def test_sparsely_populated_areas_are_those_that_were_published() -> None:
    """The 17 prefixes of the guidance for the 2000 census and the two more of 2010 become 000, and no others."""
    hidden = [f"{number:03}" for number in range(1000) if done(ZIP3, "ZIP_CODE", f"{number:03}01") == "000"]
    listed = "000 036 059 063 102 203 205 369 556 692 790 821 823 830 831 878 879 884 890 893"
    assert hidden == listed.split()


@given(st.text(max_size=40), st.integers(0, 64), st.integers(0, 64))
def test_a_mask_never_shows_most_of_a_short_value(value: str, first: int, last: int) -> None:
    """Half of the letters and digits, or six of them, are hidden whatever is asked; separators and length stay."""
    masked = hide_most(value, first, last, "*")
    significant = [at for at, each in enumerate(value) if each.isalnum() or each == "*"]
    hidden = [at for at in significant if masked[at] == "*"]
    assert len(hidden) >= min(6, -(-len(significant) // 2))
    assert len(masked) == len(value)
    assert hide_most(masked, first, last, "*") == masked


@pytest.mark.parametrize(
    ("entity", "spellings"),
    [
        ("EMAIL_ADDRESS", ["bob@example.com", "Bob@EXAMPLE.com", "bob%40example.com", r"bob\u0040example.com"]),
        ("PHONE_NUMBER", ["+1 415-555-2671", "+14155552671", "+1 (415) 555 2671", "%2B1%20415%20555%202671"]),
        ("CREDIT_CARD", ["4111 1111 1111 1111", "4111-1111-1111-1111", "\uff14111111111111111"]),
        ("IBAN_CODE", ["DE89 3704 0044 0532 0130 00", "de89370400440532013000"]),
        ("US_SSN", ["078-05-1120", "078 05 1120", "078051120"]),
        ("IP_ADDRESS", ["2001:DB8::1", "2001:db8:0:0:0:0:0:1", "2001:db8::1%eth0"]),
        ("IP_ADDRESS", ["203.0.113.7", "203.000.113.007", "::ffff:203.0.113.7"]),
        ("MAC_ADDRESS", ["00-1B-63-84-45-E6", "00:1b:63:84:45:e6", "001b.6384.45e6"]),
        ("PASSWORD", ["hunter2", " hunter2 "]),
    ],
)
def test_one_value_has_one_token_however_it_is_written(entity: str, spellings: list[str]) -> None:
    """Spellings of one value get one token and one hash; another value gets others."""
    for action in ("token", "hmac"):
        assert len({done(action, entity, each) for each in spellings}) == 1
        assert done(action, entity, spellings[0]) != done(action, entity, spellings[0] + "1")


def test_telephone_numbers_without_a_country_are_of_the_region() -> None:
    """Without a region the digits count, with one E.164 does; an extension stays."""
    assert normalise("PHONE_NUMBER", "(415) 555-2671") == "4155552671"
    assert normalise("PHONE_NUMBER", "(415) 555-2671", "US") == "+14155552671"
    assert normalise("PHONE_NUMBER", "+1 415 555 2671 ext. 12") == "+14155552671;ext=12"


@given(st.text(max_size=60))
@example("a\\R@b")
@example("\uff05\uff14\uff10")
def test_every_normalisation_is_stable(value: str) -> None:
    """What was normalised stays as it is, whatever stood there."""
    for entity in ("EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "MAC_ADDRESS", "US_SSN"):
        once = normalise(entity, value)
        assert normalise(entity, once) == once


def test_domains_cannot_be_joined() -> None:
    """The same value has another token, hash and address in another domain, and the same one in the same."""
    for action in ({"do": "token"}, {"do": "hmac"}, {"do": "ip_prefix", "keyed": True}):
        one = done({**action, "domain": "one"}, "IP_ADDRESS", "203.0.113.7")
        two = done({**action, "domain": "two"}, "IP_ADDRESS", "203.0.113.7")
        assert one == done({**action, "domain": "one"}, "IP_ADDRESS", "203.0.113.7")
        assert one.rpartition("_")[2] != two.rpartition("_")[2]


def test_a_token_is_bound_to_its_entity() -> None:
    """A value found as something else has another token, so a join says that it was found as the same."""
    assert (
        done("token", "PHONE_NUMBER", "4111111111111111")[-40:]
        != done("token", "CREDIT_CARD", "4111111111111111")[-40:]
    )


def test_addresses_of_one_network_stay_in_one_network() -> None:
    """Encrypted addresses share as many leading bits as the addresses do, v4 and v6."""
    keyed = transform({"do": "ip_prefix", "keyed": True})

    def bits(address: str) -> str:
        written = keyed(finding("IP_ADDRESS", address), address).rpartition("_")[2]
        return "".join(f"{int(part):08b}" for part in written.split("."))

    near, other, far = bits("203.0.113.7"), bits("203.0.113.200"), bits("203.0.114.7")
    assert near[:24] == other[:24] != far[:24]
    assert near[:22] == far[:22]
    assert near != other


def test_what_is_encrypted_opens_with_the_private_key_only(tmp_path: Path) -> None:
    """The holder of the private key gets entity and value; another key, or a damaged text, opens nothing."""
    private, public = write_pair(tmp_path / "one")
    other, _ = write_pair(tmp_path / "two")
    sealed = done({"do": "encrypt", "to": str(public)}, "US_SSN", "078-05-1120")
    match = SEALED.fullmatch(sealed)
    assert match is not None
    opener = Opener.load(private)
    assert match["kid"] == opener.id
    data = from_base64url(match["payload"])
    assert opener.open(data, SEALED_LABEL) == b"US_SSN\x00078-05-1120"
    for key, bytes_ in ((Opener.load(other), data), (opener, data[:-1] + bytes([data[-1] ^ 1])), (opener, b"")):
        with pytest.raises(SealError):
            key.open(bytes_, SEALED_LABEL)


def test_a_key_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    """A missing file, a private key in place of a public one and rubbish are refused with the path."""
    private, _ = write_pair(tmp_path)
    (tmp_path / "rubbish").write_text("rubbish")
    for path in (tmp_path / "missing", private, tmp_path / "rubbish"):
        with pytest.raises(SealError, match=re.escape(str(path))):
            transform({"do": "encrypt", "to": str(path)})


def test_a_pair_is_private_and_overwrites_nothing(tmp_path: Path) -> None:
    """The private key has mode 0600; a second pair in the same folder is refused and leaves the first."""
    private, public = write_pair(tmp_path)
    before = private.read_bytes(), public.read_bytes()
    assert private.stat().st_mode & 0o777 == 0o600
    with pytest.raises(SealError, match="exists already"):
        write_pair(tmp_path)
    assert (private.read_bytes(), public.read_bytes()) == before


ACTIONS: list[Any] = [
    "replace",
    "drop",
    "keep",
    "mask",
    {"do": "mask", "first": 6},
    "token",
    "hmac",
    "ip_prefix",
    {"do": "ip_prefix", "keyed": True},
    "keep_domain",
    *({"do": "generalise", "to": to} for to in ("year", "zip3", "age", "geo")),
]


@given(
    st.sampled_from(ACTIONS),
    st.sampled_from(["EMAIL_ADDRESS", "IP_ADDRESS", "PASSWORD", "DATE_OF_BIRTH"]),
    st.text(max_size=60),
)
def test_every_action_leaves_its_own_result_alone(action: object, entity: str, value: str) -> None:
    """Done a second time, on what it made of any text, an action changes nothing."""
    once = done(action, entity, value)
    assert done(action, entity, once) == once
