"""Names before the host, and telling parameters of URLs."""

from __future__ import annotations

import pytest
from tests.detectors.samples import assert_found, spans

from errorplane.detectors import redact


@pytest.mark.parametrize(
    "text",
    [
        "https://x/cb?code=«SplxlOBeZQQYbYS6WxSbIA»&state=«af0ifjsldkj1»&page=2",
        "GET /u?first_name=«Bob»&lastName=«Smith»&theme=dark HTTP/1.1",
        "/login?username=«bob»",
        "/login?login_hint=«bob.smith»#top",
        "/maps?key=«3f9a1c2b4d5e»",
        "/cas?ticket=«ST-1856339-aA5Yuvrxzpv8Tau1cYQ7»",
        "/acs?SAMLResponse=«PHNhbWxwOlJlc3BvbnNl»&x=1",
        "code=«SplxlOBeZQQYbYS6WxSbIA»&page=2",
        "http://«bob»@localhost/x",
        '"/u?user_id=«bob-7»"',
    ],
)
def test_found(text: str) -> None:
    """What tells of a person or opens something is found, and nothing else of the URL."""
    assert_found("URL", text)


def test_user_and_password() -> None:
    """Both parts before a host are hidden, each as what it is, and the rest can be read."""
    assert redact("GET https://bob:hunter2@host/x?page=2")[0] == "GET https://<URL>:<PASSWORD>@host/x?page=2"


@pytest.mark.parametrize(
    "text",
    [
        "https://api.example.com:8443/v1/orders/42?page=2&sort=price&q=shoes",
        "GET /search?code=200&key=name&state=open HTTP/1.1",
        "/x?user=42&name=web",
        "/x?user=<URL>&code=<URL>",
        "https://<URL>:<PASSWORD>@host/x",
        "https://github.com/org/repo/compare/v1.2.3...v1.2.4",
        "git clone https://git@github.com/org/repo.git",
        "status_code=200 user=root code=E1",
        "a?b:c user=bob",
        "/static/app.js?v=3f9a1c2b&hash=9f8e7d6c5b4a",
        "https://medium.com/@bob/a-story",
    ],
)
def test_not_found(text: str) -> None:
    """Plain words and counts, other parameters, what was hidden before, and what is no URL."""
    assert spans(text) == []
