"""Text in base64, and the escapes of HTML and of byte strings."""

from __future__ import annotations

import base64
import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import spans

from errorplane.detectors import ALL, find, redact
from errorplane.detectors._model import Subject
from errorplane.detectors.text._base64 import decoded_runs

SECRET = "mail bob.smith@example.com now"


def _encoded(data: str | bytes, *, url: bool = False, padded: bool = True) -> str:
    raw = data.encode() if isinstance(data, str) else data
    out = (base64.urlsafe_b64encode if url else base64.b64encode)(raw).decode()
    return out if padded else out.rstrip("=")


@pytest.mark.parametrize("url", [False, True])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("offset", range(4))
@pytest.mark.parametrize(
    "around", ["{}", "q={}&x=1", '"{}"', "Authorization2 {}", "data:text/plain;base64,{}", "x={}\\n"]
)
def test_hidden_as_a_whole(around: str, offset: int, url: bool, padded: bool) -> None:
    """Wherever it begins, with any length and alphabet, all of it is hidden under what is in it."""
    encoded = _encoded("?" * offset + SECRET + "~" * offset + "ü", url=url, padded=padded)
    text = around.format(encoded)
    assert [(entity, part) for entity, part in spans(text) if entity == "EMAIL_ADDRESS"] == [("EMAIL_ADDRESS", encoded)]


@pytest.mark.parametrize("cut", range(1, 6))
def test_cut_off(cut: int) -> None:
    """Where the start or the end was cut off, what is left is hidden."""
    encoded = _encoded("2026 user " + SECRET + " thanks")
    assert _encoded(SECRET)[4:20] not in redact(encoded[cut:])[0]
    assert _encoded(SECRET)[4:20] not in redact(encoded[:-cut])[0]


def test_base64_in_base64() -> None:
    """It is looked into up to three times, and an end there is."""
    encoded = SECRET
    for _ in range(3):
        encoded = _encoded(encoded)
        assert spans(f"got {encoded}") == [("EMAIL_ADDRESS", encoded)]


def test_within_binary() -> None:
    """A text between control characters, as in protobuf, is hidden, and what is around it stays."""
    data = b"\x0a\x03abc\x00\x12\x1e" + SECRET.encode() + b"\x1a\x00\x01\x02\x03\x04\x05\x06"
    text = redact(_encoded(data))[0]
    assert text.startswith(_encoded(data)[:8])
    assert text.endswith(_encoded(data)[-8:])
    assert "<EMAIL_ADDRESS>" in text


def test_percent_encoded() -> None:
    """Padding and signs may be percent-encoded."""
    encoded = _encoded(SECRET + "?>?>~~").replace("=", "%3D").replace("+", "%2B").replace("/", "%2F")
    assert spans(f"q={encoded}") == [("EMAIL_ADDRESS", encoded)]


@given(st.text(alphabet=string.printable, min_size=18, max_size=60), st.sampled_from([False, True]))
@settings(max_examples=300)
def test_any_text_is_read(text: str, url: bool) -> None:
    """Every text without control characters that begins with fifteen printable ones is read as it is."""
    plain = "prefix-of-fifteen" + text.replace("\x0b", "").replace("\x0c", "")
    encoded = _encoded(plain, url=url)
    subject = Subject.of(encoded)
    assert [run.text for run in decoded_runs(encoded, subject.shape)] == [plain]


@pytest.mark.parametrize("seed", range(3))
def test_random_data(seed: int) -> None:
    """Of ten thousand digests, identifiers and names in code none is taken for text that tells something."""
    rnd = random.Random(seed)
    for _ in range(10_000):
        text = rnd.choice(
            (
                rnd.randbytes(16).hex(),
                rnd.randbytes(32).hex(),
                _encoded(rnd.randbytes(32)),
                "".join(rnd.choices(("Order", "Service", "Impl", "Factory", "Bean", "Abstract"), k=6)),
                "/".join(rnd.choices(("usr", "lib", "python3", "site", "packages", "app"), k=8)),
            )
        )
        assert [finding for finding in find(text) if "base64" in finding.reason] == []


def test_an_image_stays() -> None:
    """Two hundred kilobytes of binary data hold nothing."""
    text = "data:image/png;base64," + _encoded(random.Random(7).randbytes(200_000))
    assert [finding for finding in find(text) if "base64" in finding.reason] == []


def test_text_without_anything_to_hide_stays() -> None:
    """Base64 is no secret by itself."""
    assert spans(_encoded("the quick brown fox jumps over the lazy dog")) == []


@pytest.mark.parametrize(
    "text",
    [
        "mail bob&#64;example.com",
        "mail bob&#x40;example.com",
        "mail bob&#0064;example.com",
        "mail bob&amp;#64;example.com",
        "mail bob&commat;example.com",
        r"mail bob\x40example.com",
        r"user=\x22bob@example.com\x22",
    ],
)
def test_escapes(text: str) -> None:
    """Numeric entities of HTML, also escaped twice, and the escapes of byte strings are read."""
    ((entity, part),) = spans(text)
    assert entity == "EMAIL_ADDRESS"
    assert "bob@" in part or "bob&" in part or "bob\\" in part
    assert part.endswith("example.com")


def test_one_detector_alone() -> None:
    """Only what the detectors in use find counts."""
    (email,) = (each for each in ALL if each.entity == "EMAIL_ADDRESS")
    (iban,) = (each for each in ALL if each.entity == "IBAN_CODE")
    assert find(_encoded(SECRET), None, [email])
    assert find(_encoded(SECRET), None, [iban]) == []
