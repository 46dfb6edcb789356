"""E-mail addresses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import ENCODERS, assert_found, spans, wide

LOCALS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_+-]|\.(?=[a-z])){0,20}[A-Za-z0-9]", fullmatch=True).filter(
    lambda local: local != "git"
)
DOMAINS = st.builds(
    ".".join,
    st.tuples(
        st.from_regex(r"[a-z]([a-z0-9-]{0,12}[a-z0-9])?", fullmatch=True),
        st.sampled_from(["com", "org", "co.uk", "de", "museum", "io", "internal", "xn--p1ai", "example.travel"]),
    ),
)


@given(
    LOCALS, DOMAINS, st.sampled_from(["{}", "to {} now", "<{}>", '{{"mail":"{}"}}', "mailto:{}?x", "a={}&b", "({})"])
)
@settings(max_examples=120)
def test_a_mailbox_is_found_wherever_it_stands(local: str, domain: str, place: str) -> None:
    """Exactly the address is found."""
    assert spans(place.format(f"{local}@{domain}")) == [("EMAIL_ADDRESS", f"{local}@{domain}")]


@given(LOCALS, DOMAINS, st.sampled_from(sorted(ENCODERS)))
@settings(max_examples=120)
def test_encoded(local: str, domain: str, encoder: str) -> None:
    """In any encoding the whole address is found, a plus in it included."""
    address = ENCODERS[encoder](f"{local}@{domain}")
    text = ENCODERS[encoder](f'"{local}@{domain}"\n')
    assert any(entity == "EMAIL_ADDRESS" and address in part for entity, part in spans(text))


@pytest.mark.parametrize(
    "text",
    [
        "«bob@example.com»",
        "«bob@example.com».",
        "«bob@example.com», «eve@example.org»;«a.b+c@x-y.example.co.uk»",
        '«"bob smith"@example.com» wrote',
        "«o'brien@example.ie»",
        "'«bob@example.com»'",
        "«jörg@müller.de»",
        "«用户@例子.公司»",
        "«BOB@EXAMPLE.COM»",
        "«bob@example.com»_backup",
        "«bob@example.com»2",
        "«report-alice@example.com».json",
        "«alice@example.com».tar.gz",
        "user/«bob@example.com»/inbox",
        "bounce: «bob@example.com»>",
        f"«{wide('bob@example.com')}»",
        "«bob%40example.com»",
        "q=«bob%2540example.com»",
        "q=«j%C3%BCrgen%40b%C3%BCcher.example.de»&x",
        "q=«%E7%94%A8%E6%88%B7%40%E4%BE%8B%E5%AD%90.%E5%85%AC%E5%8F%B8»",
        "«%25C3%25BCb%2540x%25C3%25A4.de»",
        r'{"mail": "«j\u00fcrgen@b\u00fccher.de»"}',
        r"\"«\\u7528\\u6237@\\u4f8b\\u5b50.\\u516c\\u53f8»\"",
        "https://host/?to=«bob@example.com»&x",
        "http://localhost:80/x?email=«bob@example.com»",
        "https://«3f9a1c@o1.ingest.sentry.io»/2",
        "[Account «xpc@163.com»",
        "«postmaster@sub.example.internal»",
    ],
)
def test_found(text: str) -> None:
    """With punctuation, quotes, other scripts, URL encoding, JSON, paths, file names and before other characters."""
    assert_found("EMAIL_ADDRESS", text)


@pytest.mark.parametrize(
    "text",
    [
        "image@2x.png",
        "icon@3x.jpg?v=1",
        "handler@main.js:10:5",
        "onclick@app.min.js",
        "chunk@vendors.js.map",
        "git@github.com:org/repo.git",
        "@app.route('/x')",
        "  @pytest.fixture",
        "    at @Override.method",
        "node_modules/@babel/core/lib",
        "express@4.18.2",
        "react-dom@18.2.0_react@18.2.0",
        "golang.org/toolchain@v0.0.1-go1.21.0.linux-amd64/src/net",
        "com.example.Foo@1b2c3d4e",
        "user@1000.service",
        "getty@tty1.service: Failed",
        "root@localhost",
        "a@b",
        "foo@ bar.com",
        "@example.com",
        "docker.io/x@sha256:abc",
        "10% @ 5.com",
    ],
)
def test_not_found(text: str) -> None:
    """Retina images, script locations, decorators, packages, modules, objects, systemd units, host-only mailboxes."""
    assert spans(text) == []
