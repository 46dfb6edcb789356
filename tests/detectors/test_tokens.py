"""Bearer tokens and other credentials that are sent along, JSON web tokens, AWS keys."""

from __future__ import annotations

import base64
import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detectors.samples import ENCODERS, assert_found, spans

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
ALPHANUMERIC = string.ascii_letters + string.digits


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer «mF_9.B5f-4.1JqM»",
        "authorization: bearer «mF9B5f41JqM»",
        "'Authorization': 'Bearer «mF9B5f41JqM»'",
        '{"Authorization":"Bearer «mF9B5f41JqM»","x":1}',
        "headers=[(b'authorization', b'Bearer «mF9B5f41JqM»')]",
        "Authorization: Basic «dXNlcjpwYXNz»",
        "curl -H 'Authorization: Basic «dXNlcjpwYXNz»' http://x",
        "sent Basic «dXNlcjpwYXNz» to proxy",
        "got Bearer «mF9B5f41JqM» from header",
        "Proxy-Authorization: Negotiate «YIIJvwYGKwYBBQUCoIIJ»",
        'Authorization: Digest «username=»"bob", realm="x"',
        "Authorization: «SSWS 00QCjAl4MlV-WPXM»",
        "Authorization: «SharedAccessSignature sr=x&sig=fPBOEZM%3D&se=1»",
        "Authorization: AWS4-HMAC-SHA256 «Credential=x/2026/y, SignedHeaders=host, Signature=fe5f80»",
        "Cookie: «sid=31d4d96e; theme=dark»",
        "set-cookie: «sid=31d4d96e; Path=/; HttpOnly»",
        '"cookie": "«sid=31d4d96e»"',
        "cookies=«{'sid': '31d4d96e', 'csrf': 'x'}»",
        "token=«deadbeef0123»",
        "access_token=«ya29xAbCdEf»&x=1",
        '"refresh_token": "«abcdef»"',
        "csrf-token: «8f14e45fceea»",
        "X-Auth-Token: «gAAAAABh3»",
        "token = «Ab3dEf»; next",
        "id_token%3D«Ab3dEf»%26state%3D1",
        ";jsessionid=«AB12CD34EF»",
        "PHPSESSID=«298zf09hf012fh2»",
        "https://x.blob.core.windows.net/c?sv=2022&sig=«abc%2Bdef%3D»&se=2026",
        "?X-Amz-Signature=«fe5f80f77d5fa3beca038a248ff027d0»&x=1",
        "--token «abc123def»",
        "['--token', '«abc123def»']",
    ],
)
def test_found(text: str) -> None:
    """Of headers, cookies, parameters, options and fields the value is found, the scheme's name stays."""
    assert_found("BEARER_TOKEN", text)


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=10), max_size=4), st.binary(min_size=8))
@settings(max_examples=200)
def test_every_json_web_token(claims: dict[str, str], signature: bytes) -> None:
    """Any header and payload in base64url are found with their signature, alone and in a sentence."""

    def part(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    header = part(json.dumps({"alg": "RS256", "kid": "1"}).encode())
    token = f"{header}.{part(json.dumps(claims).encode())}.{part(signature)}"
    for text in (token, f"got {token} back", f'{{"t":"{token}"}}', f"\\n{token}", f"?x={token}&y"):
        assert ("JWT", token) in spans(text)


@pytest.mark.parametrize("encoder", sorted(ENCODERS))
def test_encoded(encoder: str) -> None:
    """In any encoding headers, parameters and tokens are found."""
    encode = ENCODERS[encoder]
    for text in ('{"Authorization": "Bearer mF_9.B5f-4.1JqM"}', "x?token=mF_9.B5f-4.1JqM&y=1", "Basic dXNlcjpwYXNz\n"):
        encoded = encode(text)
        left = "".join(encoded.split(part, 1)[0] for _, part in spans(encoded)) if spans(encoded) else encoded
        assert "B5f-4" not in left or "dXNlcjpwYXNz" not in left
        assert any(entity == "BEARER_TOKEN" for entity, _ in spans(encoded))
    assert [entity for entity, _ in spans(encode(f'{{"jwt": "{JWT}"}}'))] in (["BEARER_TOKEN"], ["JWT"])


@pytest.mark.parametrize(
    "text",
    [
        "«AKIAIOSFODNN7EXAMPLE»",
        "using «ASIAIOSFODNN7EXAMPLE»:",
        "«AKIAIOSFODNN7EXAMPLE» with «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
        "aws secret «wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY»",
        "\\n«AKIAIOSFODNN7EXAMPLE»\\n",
        "s3://«AKIAIOSFODNN7EXAMPLE»@bucket",
        "密钥«AKIAIOSFODNN7EXAMPLE»的",
    ],
)
def test_aws(text: str) -> None:
    """Access key ids by their prefix and length, and secret keys beside one or beside the words."""
    assert_found("AWS_KEY", text)


@pytest.mark.parametrize(
    "key", ["http.request.header.authorization", "cookie", "accessToken", "x-auth-token", "csrf_token"]
)
def test_under_a_key_that_says_so_the_whole_value_is_one(key: str) -> None:
    """Any value counts, but the scheme's name stays."""
    assert spans("abc", key) == [("BEARER_TOKEN", "abc")]
    assert spans("Bearer abc", key) == [("BEARER_TOKEN", "abc")]
    assert spans("", key) == []
    assert spans("<BEARER_TOKEN>", key) == []


@pytest.mark.parametrize(
    "text",
    [
        "gen_ai.usage.input_tokens=512",
        "max_tokens: 4096",
        "total_token=1024",
        "token expired",
        "token: invalid",
        "token: Invalid",
        "invalid token: expected <eof>",
        "Unexpected token < in JSON at position 0",
        "bearer of bad news",
        "Bearer token missing",
        "authorization: required",
        "Authorization failed for user",
        "authorization=false",
        "basic authentication failed",
        "basic usage information",
        "cookies are disabled",
        "cookie: missing",
        "CancellationToken.None",
        "AppWindowToken{9f4ef63",
        "token=Token{a64f992",
        "nextPageToken: null",
        "token=${TOKEN}",
        "token=<redacted>",
        "Token=***",
        "jwt malformed",
        "eyJust a word. And more",
        "AKIAIOSFODNN7EXAMPL",
        "AKIAIOSFODNN7EXAMPLEX",
        "XAKIAIOSFODNN7EXAMPLE",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "task-queue sk-1",
        "config=debug&design=new",
        "List<Token> tokens = parse(input)",
        "tokenizer: whitespace",
        "design: x&signal=9",
    ],
)
def test_not_found(text: str) -> None:
    """Counts, prose, parsers' tokens, placeholders, printed objects, hashes and near misses of known shapes."""
    assert spans(text) == []
