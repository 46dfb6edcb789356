"""Keys and tokens of well-known services, and private keys. What looks real is made at run time, from parts."""

from __future__ import annotations

import base64
import random
import re
import string

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.detectors.samples import ENCODERS, assert_found, spans

from errorplane.detectors import ALL, find
from errorplane.detectors.services._scan import SERVICES, Rule, rules

_ATOM = re.compile(
    r"(?P<one>\[[^\]]+\]|\\.|[^\\\[(){}*+?|])(?:\{(?P<least>[0-9]+)(?:,(?P<most>[0-9]*))?\}|(?P<any>[*+?]))?"
)
RULES = sorted(set(rules()))


def _signs(one: str) -> str:
    if not one.startswith("["):
        return one.removeprefix("\\")
    return "".join(char for char in string.printable if re.fullmatch(one, char))


def sample(rnd: random.Random, pattern: str) -> str:
    """A random text that an expression of the table matches; of alternatives the first."""
    pattern = re.sub(r"\(\?:([^|()]*)(?:\|[^()]*)?\)\??", r"\1", re.sub(r"\(\?:\(\?:(.*?)\)\?", r"\1", pattern))
    out = ""
    for atom in _ATOM.finditer(pattern):
        times = int(atom["least"] or (0 if atom["any"] in ("*", "?") else 1))
        times = min(int(atom["most"] or times), times + 12)
        out += "".join(rnd.choices(_signs(atom["one"]), k=times))
    return out


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}-{rule.literal}")
def test_each_rule(rule: Rule) -> None:
    """Each finds what its issuer gives out, wherever that stands, in any encoding, under its entity and name."""
    rnd = random.Random(rule.pattern)
    for _ in range(3):
        token = sample(rnd, rule.pattern)
        for text in (token, f"pushed {token}, done", f'"{token}"', f"a='{token}'", f"x?q={token}&b", f"\\n{token}\\n"):
            assert any(
                finding.entity == rule.entity and text[finding.start : finding.end].startswith(token)
                for finding in find(text)
            ), text
        for encode in ENCODERS.values():
            text = encode(f"got {token} from them")
            assert any(each.entity == rule.entity for each in find(text)), text


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}-{rule.literal}")
def test_what_only_has_the_form(rule: Rule) -> None:
    """No rule finds the example of a manual, in which one letter stands for all."""
    token = re.sub(r"(?<=.{4})[0-9A-Za-z]", "x", sample(random.Random(1), rule.pattern))
    assert [entity for entity, _ in spans(f"use {token} here")] == []


@pytest.mark.parametrize(("service", "shapes"), SERVICES.items(), ids=SERVICES)
def test_each_service(service: str, shapes: tuple[str, ...]) -> None:
    """A value of the service's form is found after a name of the service that speaks of a key or token."""
    rnd = random.Random(service)
    for shape in shapes:
        length = int(shape[1:].split("-")[0] or 0)
        hexadecimal = "".join(rnd.choices("0123456789abcdef", k=max(length, 32)))
        dashed = "-".join(hexadecimal[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
        value = dashed if shape == "u" else hexadecimal[:length]
        for text in (
            f'{service}_token = "{value}"',
            f"{service.upper()}_SECRET_KEY={value}",
            f'System.setProperty("{service}.auth", "{value}")',
            f"{{\n  '{service}-Login': '{value}'\n}}",
        ):
            assert value in [part for entity, part in spans(text) if entity in ("API_KEY", "PASSWORD", "BEARER_TOKEN")]


@pytest.mark.parametrize(
    "text",
    [
        "discord_key=0123456789",
        "sentry.release=4f92f3577b34da6a3ce929d0e0e4736abcdef0123456789abcdef0123456789a",
        "datadog agent 7.52.0 started with 40 checks",
        "linear.workspace: 4bf92f3577b34da6a3ce929d0e0e4736",
        "image docker.io/library/confluent@sha256:9f1a7d7e7b8c1c0f2b8c2c9c5a0d3f2e1b0a9f8e7d6c5b4a3f2e1d0c9b8a7f6e",
        "sk-learn-estimator-0123456789 task_live_view_0123456789 risk_test_case",
        "test_0123456789abcdef rk_live_x live_2026 hf_hub_download npm_config_registry SG.enabled",
        "github_pat_ ghp_ glpat- xoxb- AIza",
        "us-east-1a ami-0abcdef1234567890 vpc-0123456789abcdef0 key-pair-main",
        "/var/lib/docker/overlay2/3f1a7d7e7b8c1c0f2b8c2c9c5a0d3f2e1b0a9f8e7d6c5b4a3f2e1d0c9b8a7f6e/merged",
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBa\n-----END CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----<PRIVATE_KEY>-----END PRIVATE KEY-----",
        "the PRIVATE KEY is missing",
        '{"kty":"RSA","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri","e":"AQAB"}',
    ],
)
def test_not_found(text: str) -> None:
    """Identifiers, digests, names in code, prefixes alone and what is public of a key."""
    assert spans(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----«\nMIIEpAIBAAKCAQEA\n»-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----«\\nMIIEvQIBADANBg\\n»-----END PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----«\nb3BlbnNzaC1rZXk»",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----«\n\nlQOYBF\n»-----END PGP PRIVATE KEY BLOCK-----",
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----«\nP2/56wAAAi4\n»---- END SSH2 ENCRYPTED PRIVATE KEY ----",
        "tail «Zm9vYmFyYmF6cXV4Zm9v\nYmFyYmF6cXV4\n»-----END EC PRIVATE KEY-----",
        "PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1«\nAAABAQCxLmTqUNNkEMdkGk\n»Private-MAC: 00",
        '{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub","d":"«870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE»"}',
    ],
)
def test_private_keys(text: str) -> None:
    """A private key is found between its marks, also where one of them was cut off, and marks and names stay."""
    assert_found("PRIVATE_KEY", text)


@pytest.mark.parametrize("encoder", ["none", *sorted(ENCODERS)])
def test_real_private_keys(encoder: str) -> None:
    """Of keys that a library makes nothing but the marks stays, in PEM, in bare base64 and in every encoding."""
    encode = ENCODERS.get(encoder, str)
    keys = (
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP256R1()),
        ed25519.Ed25519PrivateKey.generate(),
    )
    for key in keys:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        text = encode(f"loaded {pem} now")
        secret = encode(pem.splitlines()[1][8:40])
        assert secret in text
        assert all(secret not in left for left in _left(text))
    der = keys[0].private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert _left(encode(f"key={base64.b64encode(der).decode()}"))[0] in ("key=", encode("key="))


def test_public_keys_stay() -> None:
    """Nothing is found in a public key, neither in PEM nor in DER."""
    key = rsa.generate_private_key(65537, 2048).public_key()
    assert spans(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()) == []
    der = base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    assert [entity for entity, _ in spans(der) if entity == "PRIVATE_KEY"] == []


def _left(text: str) -> list[str]:
    """What is between the findings."""
    ends = [0, *(finding.end for finding in find(text))]
    starts = [*(finding.start for finding in find(text)), len(text)]
    return [text[end:start] for end, start in zip(ends, starts, strict=True)]


def test_entities_of_the_tables_are_detectors() -> None:
    """Every entity of the rules has its detector, so that a policy can name it."""
    assert {rule.entity for rule in RULES} <= {detector.entity for detector in ALL}
