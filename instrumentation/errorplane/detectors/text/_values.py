"""What counts as the value of a secret's name: where it ends, and what only stands in its place."""

from __future__ import annotations

import re

from errorplane.detectors._lazy import lazy

_ENTITIES = "EMAIL_ADDRESS|CREDIT_CARD|IBAN_CODE|US_SSN|IP_ADDRESS|PHONE_NUMBER|BEARER_TOKEN|JWT|AWS_KEY|PASSWORD"
_ENTITIES += "|GITHUB_TOKEN|GITLAB_TOKEN|SLACK_TOKEN|STRIPE_KEY|GCP_API_KEY|API_KEY|PRIVATE_KEY|URL|SQL_LITERAL"
_ENTITIES += "|TRACK_DATA|CVV|CRYPTO|MAC_ADDRESS|IMEI|VIN_CODE|LICENSE_PLATE|LOCATION|DATE_OF_BIRTH|AGE|UK_NHS"
_ENTITIES += "|UK_NINO|EU_VAT|US_ITIN|US_NPI|US_MBI|MEDICAL_LICENSE|US_PASSPORT|US_DRIVER_LICENSE"
_ENTITIES += "|US_BANK_NUMBER|ABA_ROUTING_NUMBER|MEDICAL_RECORD_NUMBER|HEALTH_PLAN_NUMBER|ACCOUNT_NUMBER"
_ENTITIES += "|ZIP_CODE|ES_NIF|ES_NIE|IT_FISCAL_CODE|FI_PERSONAL_IDENTITY_CODE|CH_AHV|PL_PESEL|SE_PERSONNUMMER"
_ENTITIES += "|NO_FODSELSNUMMER|DK_CPR|DE_TAX_ID|FR_NIR|NL_BSN|BE_NATIONAL_NUMBER|PT_NIF|IE_PPSN|AT_SVNR"
_ENTITIES += "|CZ_BIRTH_NUMBER|RO_CNP|BG_EGN|HR_OIB|EE_PERSONAL_CODE|LT_PERSONAL_CODE|LV_PERSONAL_CODE|GR_AMKA"
_ENTITIES += "|GR_AFM|SI_EMSO|HU_TAX_ID"
_SEALED = "enc_[a-z2-7]{6}_[0-9A-Za-z_-]{16,}"
_ADDRESS = "pfx_[a-z2-7]{6}_[0-9a-f.:]{2,39}"
_KEYED = rf"(?:tok_[a-z0-9_]{{1,64}}_[a-z2-7]{{6}}|hmac_[a-z2-7]{{6}})_[a-z2-7]{{16,}}|{_ADDRESS}|{_SEALED}"
_OTHERS = rf"(?<![0-9A-Za-z])(?:{_KEYED})|\[QUARANTINED:[a-z]{{1,16}}(?::{_SEALED})?\]"
REPLACEMENT = lazy(f"<(?:{_ENTITIES})>|{_OTHERS}")
"""What an earlier call put in place of a finding, or of a text that could not be looked at."""
REPLACED = lazy(f"<(?P<entity>{_ENTITIES})>(?![^<]{{0,500}}</(?P=entity)>)|{_OTHERS}")
"""The same, but no element such as ``<PASSWORD>x</PASSWORD>``."""
BARE = lazy(
    r"""(?: [^\s;&"'`,)}\]\\] | \\(?!["'rn]|u00(?:22|26|27)) | [,)}\]] (?! [\s,;)}\]"'&] | \Z | [\w.-]{1,40}["']?\s?[=:] ) )+""",
    re.VERBOSE | re.ASCII,
)
"""A value without quotes. A comma or a bracket belongs to it unless a space or another name comes next."""
ENCODED = lazy(r"(?:(?!%(?:25){0,2}(?:2[267cC]|3[bB]))[^\s;&\"'`])+")
"""A percent-encoded value: up to a percent-encoded ``&``, quote, comma or semicolon."""
LINE = lazy(r"""[^\r\n"'\\]+""")
OBJECT = lazy(r"\{[^{}]*\}?")

_HIDDEN = rf"(?:{REPLACEMENT.pattern})[.,:;!?)\]}}>]*"
_WORD = "redacted|masked|hidden|filtered|removed|secret|password|token"
_PLACEHOLDER = lazy(
    r"(?i)(?:none|null|nil|undefined|true|false|n/?a|redacted|masked|hidden|filtered|empty|missing"
    r"|\*+|x{3,}|\.{3,}|-+|\?+"
    rf"|[\[<({{]+(?:{_WORD})[\])>}}]*|\$\{{(?:env:)?\w+\}}?|\$\(\w+\)?|(?-i:\$[A-Z_][A-Z0-9_]*)|\{{\{{[^{{}}]{{0,80}}\}}*|%[sdr]|\{{\w*\}}?|(?-i:{_HIDDEN}))\Z"
)
_FEWEST_STARS = 3
_SEPARATORS = lazy(r"[\s.:@/()+-]")
_MASKED = lazy(r"\*+([0-9A-Za-z]*)")
_WORDS = (
    "a an and are auth authentication been cannot correct does empty error expired failed for format from has header "
    "include incorrect invalid is length matches mismatch missing must no not of omit or please provided realm rejected "
    "required reset revoked same-origin scheme sensitive set should the to token tokens too type unexpected unknown user validation verification "
    "was weak with wrong your requis incorrecte invalide obligatoire falsch erforderlich leer"
)
_PROSE = frozenset(_WORDS.split())
_RANDOM = lazy(r"(?=.{20}|.*[0-9]|.*[a-z].*[A-Z]|[A-Z].*[A-Z].*[a-z]).{4}", re.DOTALL)
_LONGEST_PASSWORD = 256
_LIKE_PASSWORD = lazy(
    r"(?=.*[0-9])(?=.*[a-z].*[A-Z]|.*[A-Z].*[a-z]|.*[A-Za-z].*[!$^*#?@%&~+=]|.*[!$^*#?@%&~+=].*[A-Za-z])"
    r"(?![A-Z]?[a-z]+[0-9]{1,2}\Z)(?!.*(?:[Pp]ass|[Aa]uth|[Cc]rypt|[Hh]ash|SHA|Sha(?=[0-9])|[Pp]bkdf|PBKDF|[Aa]rgon|MD5|Base64|[Uu]tf8|UTF|X509|RSA|Ed25519|AES|Http|V[0-9]\b))[^\s./:\\<>(){}\[\]\"'`,;]{8,}\Z"
)
_OBJECT_NAME = lazy(r"[A-Za-z_$][\w$.]*[{@(\[]|[a-z]+(?:\.[a-z]+){2,8}[/:]", re.ASCII)


def may_hold_replacement(text: str) -> bool:
    """Whether a part of one is there; an expression's look takes ten times as long."""
    return (
        "<" in text or "tok_" in text or "hmac_" in text or "enc_" in text or "pfx_" in text or "[QUARANTINED:" in text
    )


def is_placeholder(value: str) -> bool:
    """Whether a value stands for none, or was hidden before.

    >>> is_placeholder("<PASSWORD>"), is_placeholder("****1111"), is_placeholder("hunter2")
    (True, True, False)
    """
    return not value or _PLACEHOLDER.match(value) is not None or _is_masked(value)


def _is_masked(value: str) -> bool:
    """All but a few last characters are asterisks: at least three, and as many as are left; separators do not count."""
    stars = value.count("*")
    left = None if stars < _FEWEST_STARS else _MASKED.fullmatch(_SEPARATORS.sub("", value))
    return left is not None and len(left[1]) <= stars


def is_prose(value: str) -> bool:
    """Whether a sentence goes on with this word: ``password: must have 8 characters``."""
    return value.strip(".,:;!(").lower() in _PROSE


def is_random(value: str) -> bool:
    """Whether this may be a token: no plain word, no count, no printed object.

    >>> is_random("3f9a1c"), is_random("expired"), is_random("512"), is_random("Token{a64f992")
    (True, False, False, False)
    """
    if (value.isdigit() and len(value) < 6) or (value.startswith("-") and value[1:].isdigit()):
        return False
    return _RANDOM.match(value) is not None and _OBJECT_NAME.match(value) is None


def is_like_password(value: str) -> bool:
    """Whether a word is so unlike those of sentences and code that after a secret's name it must be one.

    >>> is_like_password("Hk8xo0qW"), is_like_password("hunter2!"), is_like_password("Argon2Encoder"), is_like_password("db-secret-7")
    (True, True, False, False)
    """
    return len(value) <= _LONGEST_PASSWORD and _LIKE_PASSWORD.match(value) is not None


def closing(text: str, start: int, quote: str) -> int:
    """Where the quote closes that opened before ``start``; the end of the text if it does not."""
    mark, own = quote[-1], len(quote) - 1
    at = start
    while (at := text.find(mark, at)) >= 0:
        slashes = at
        while slashes > start and text[slashes - 1] == "\\":
            slashes -= 1
        # In JSON in JSON a quote has 1, 3 or 7 backslashes, a quote within it twice as many and one, a backslash two more.
        closes = (at - slashes) % (2 * own + 2) == own
        if closes and (quote != "'" or at == start or text[at + 1 : at + 2] != "'"):
            return at - own
        at += 2 if closes else 1
    return len(text)
