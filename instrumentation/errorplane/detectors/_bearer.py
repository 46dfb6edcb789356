"""Credentials that are sent along: Authorization and cookie headers, session tokens, tokens known by their prefix."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._escapes import as_gate
from errorplane.detectors._keys import TOKEN_NAMES, KeyClass, one_of
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors._values import is_placeholder

_TOKEN = KeyClass.TOKEN
_SCHEME_KEPT = re.compile(r"\s*(?:bearer|basic|negotiate|digest|token|api-?key)\s+", re.IGNORECASE | re.ASCII)
_BEARER = re.compile(r"bearer[ +]+(?=[a-z0-9._~+/-]*[0-9._~+/-]|[a-z]{20})(?P<token>[a-z0-9._~+/=-]{6,})")
_BASIC = re.compile(r"basic[ +]+(?P<token>[a-z0-9+/]{6,}={0,2})")
# Prefixes from the issuers' own pages: GitHub, GitLab, Slack, Stripe, Google, npm, PyPI, SendGrid, Hugging Face,
# DigitalOcean, OpenAI, Anthropic, Shopify, Docker, Grafana and Vault.
_PREFIXES = (
    "gh[pousr]_[0-9A-Za-z]{36}",
    "github_pat_[0-9A-Za-z_]{22}",
    "glpat-[0-9A-Za-z_-]{20}",
    "xox[abeoprs]-[0-9A-Za-z-]{10}",
    "[rs]k_(?:live|test)_[0-9A-Za-z]{10}",
    "AIza[0-9A-Za-z_-]{35}",
    "ya29\\.[0-9A-Za-z_-]{20}",
    "npm_[0-9A-Za-z]{36}",
    "pypi-AgEI[0-9A-Za-z_-]{20}",
    "SG\\.[0-9A-Za-z_-]{16}",
    "hf_[0-9A-Za-z]{30}",
    "dop_v1_[0-9a-f]{64}",
    "sk-(?:ant|proj|svcacct|or)-[0-9A-Za-z_-]{16}",
    "shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    "dckr_pat_[0-9A-Za-z_-]{20}",
    "glsa_[0-9A-Za-z]{32}",
    "hvs\\.[0-9A-Za-z_-]{24}",
)
_WEBHOOK = "whsec_"  # base64, of which a plus and a slash may be escaped
_KNOWN = re.compile(
    rf"(?<![0-9A-Za-z])(?:(?:{'|'.join(_PREFIXES)})[0-9A-Za-z_.-]*|{_WEBHOOK}[0-9A-Za-z+/]{{24,}}={{0,2}})"
)


def _find(subject: Subject) -> Iterable[Finding]:
    text, low = subject.text, subject.low
    if subject.key is _TOKEN:
        return _find_whole(text)
    if subject.assignments() or "bearer" in low or "basic" in low or _may_be_known(text):
        return _find_parts(subject)
    return ()


def _find_whole(text: str) -> Iterator[Finding]:
    scheme = _SCHEME_KEPT.match(text)
    start = 0 if scheme is None else scheme.end()
    if not is_placeholder(text[start:]):
        yield Finding("BEARER_TOKEN", start, len(text), 1.0, "the attribute's name says so")


def _find_parts(subject: Subject) -> Iterator[Finding]:
    text, low = subject.text, subject.low
    for start, end, token in subject.assignments():
        if token:
            yield Finding("BEARER_TOKEN", start, end, 0.9, "value of a name that says so")
    if "bearer" in low:
        for match in _BEARER.finditer(low):
            yield Finding("BEARER_TOKEN", *match.span("token"), 0.9, "after Bearer")
    if "basic" in low:
        for match in _BASIC.finditer(low):
            if _is_user_and_password(text[slice(*match.span("token"))]):
                yield Finding("BEARER_TOKEN", *match.span("token"), 1.0, "user and password after Basic")
    if _may_be_known(text):
        for match in _KNOWN.finditer(text):
            yield Finding("BEARER_TOKEN", *match.span(), 1.0, "a prefix that its issuer gives to tokens")


def _may_be_known(text: str) -> bool:
    """Whether a text holds a part of a known prefix."""
    if "_" in text and (
        "ghp_" in text
        or "gho_" in text
        or "ghu_" in text
        or "ghs_" in text
        or "ghr_" in text
        or "k_live_" in text
        or "k_test_" in text
        or "npm_" in text
        or "hf_" in text
        or "dop_v1_" in text
        or "whsec_" in text
        or "shp" in text
        or "_pat_" in text
        or "glsa_" in text
    ):
        return True
    if "-" in text and ("glpat-" in text or "xox" in text or "pypi-A" in text or "sk-" in text):
        return True
    return "AIza" in text or "ya29." in text or "SG." in text or "hvs." in text


def _is_user_and_password(token: str) -> bool:
    try:
        return b":" in base64.b64decode(token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4), validate=True)
    except binascii.Error:
        return False


BEARER = Detector(
    "BEARER_TOKEN",
    (
        as_gate(one_of(TOKEN_NAMES)),
        rb"(?i)basic(?:[ +]|(?:%(?:25){0,2}|\\{1,4}u00)2[0b])",
        *(prefix.encode() for prefix in (*_PREFIXES, _WEBHOOK)),
    ),
    _find,
)
