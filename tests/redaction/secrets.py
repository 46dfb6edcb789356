"""What the tests plant: one of each kind of personal data and secret, and texts around them."""

from __future__ import annotations

import random

SECRETS = {
    "EMAIL_ADDRESS": "jane.doe@example.org",
    "CREDIT_CARD": "4111 1111 1111 1111",
    "IBAN_CODE": "DE89370400440532013000",
    "US_SSN": "536-90-4399",
    "IP_ADDRESS": "203.0.113.77",
    "PHONE_NUMBER": "+49 30 901820000",
    "JWT": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "AWS_KEY": "AKIAIOSFODNN7EXAMPLE",
    "MAC_ADDRESS": "00:1a:2b:3c:4d:5e",
    "CRYPTO": "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    "US_MBI": "1EG4-TE5-MK73",
    "UK_NINO": "AB123456C",
    "GITHUB_TOKEN": "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
}
"""By entity; each is found in any text, whatever its key."""

IN_CONTEXT = {
    "BEARER_TOKEN": ("Authorization: Bearer {}", "mF9.B5f-4.1JqMx0"),
    "PASSWORD": ("password={}", "hunter2horse"),
    "IMEI": ("imei={}", "490154203237518"),
    "DATE_OF_BIRTH": ("date of birth: {}", "1980-03-12"),
    "UK_NHS": ("NHS number: {}", "943 476 5919"),
}
"""What is found by what stands before it: the text, and the part that is secret."""


def padded(length: int) -> tuple[str, str]:
    """A text of ``length`` characters (more where the secret alone is longer) and the secret in it.

    The secret changes with the length, and so does the side that is padded.
    """
    texts = [(secret, secret) for secret in SECRETS.values()]
    texts += [(around.format(secret), secret) for around, secret in IN_CONTEXT.values()]
    text, secret = texts[length % len(texts)]
    room = length - len(text)
    if room <= 1:
        return text, secret
    padding = "n" * (room - 1)
    return (f"{text} {padding}" if length // len(texts) % 2 else f"{padding} {text}"), secret


def word(rnd: random.Random) -> str:
    """A text that may hold a secret, or look as if."""
    match rnd.randrange(5):
        case 0:
            return padded(rnd.randrange(300))[0]
        case 1:
            return rnd.choice(("password", "user.email", "authorization", "phone", "card number", "héllo wörld", ""))
        case 2:
            return rnd.choice(("1.2.3.4", "image@2x.png", "4111111111111112", "2026-11-24T10:00:00Z", "token", "a@b"))
        case _:
            return "x" * rnd.randrange(140)
