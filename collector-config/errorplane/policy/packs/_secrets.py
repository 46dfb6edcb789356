"""Secrets: what opens something has no place in telemetry, not even reversibly.

There is no law behind this pack. Its rules have the numbers of the weaknesses that they avoid in the Common Weakness
Enumeration (CWE); quotes are the titles of those entries.
"""

from __future__ import annotations

from collections.abc import Mapping

from errorplane.policy.packs._model import REPLACE, Pack, PolicyRule, Rule

_QUOTE = "Insertion of Sensitive Information into Log File"

# Entity: where it hides, and attribute keys beyond those that the detectors know by themselves.
_SECRETS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "PASSWORD": ("connection strings, bodies of log-ins, command lines, key=value texts", ("user.password",)),
    "BEARER_TOKEN": ("request headers in attributes and in texts", ("http.request.header.authorization",)),
    "JWT": ("request headers, cookies, queries of URLs", ("http.request.header.x-id-token",)),
    "AWS_KEY": ("environment of processes, exception messages of cloud clients", ("aws.secret_access_key",)),
    "API_KEY": ("request headers, queries of URLs, key=value texts", ("http.request.header.x-api-key",)),
    "GCP_API_KEY": ("queries of URLs of Google's services", ()),
    "GITHUB_TOKEN": ("URLs of repositories, output of builds", ()),
    "GITLAB_TOKEN": ("URLs of repositories, output of builds", ("http.request.header.private-token",)),
    "SLACK_TOKEN": ("URLs of web hooks, exception messages of bots", ()),
    "STRIPE_KEY": ("exception messages of payment clients", ()),
    "PRIVATE_KEY": ("configuration that is logged, exception messages about TLS", ("tls.private_key",)),
    "COOKIE": (
        "request and response headers in attributes",
        ("http.request.header.cookie", "http.response.header.set-cookie"),
    ),
}

SECRETS = Pack(
    "secrets",
    "Common Weakness Enumeration, CWE-532 and CWE-522",
    tuple(
        Rule("CWE-532", entity, _QUOTE, REPLACE, places, keys, "secret") for entity, (places, keys) in _SECRETS.items()
    ),
    (
        PolicyRule("CWE-532", _QUOTE, "keep for a secret; allow_patterns that let any password or key through."),
        PolicyRule(
            "CWE-522", "Insufficiently Protected Credentials", "token or encrypt for a secret: it could be read again."
        ),
    ),
)
