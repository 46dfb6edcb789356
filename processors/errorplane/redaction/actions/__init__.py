"""What is done to what was found: one function for what is journalled, one rewriting for each destination."""

from __future__ import annotations

from errorplane.redaction.actions._compile import COMMON_DOMAIN, SEALED_LABEL, Compiler, seal_to
from errorplane.redaction.actions._forms import ADDRESS, HMAC, SEALED, TOKEN, from_base64url, is_output
from errorplane.redaction.actions._keyed import HashKey, Keyring, Opened, TokenKey
from errorplane.redaction.actions._normalise import normalise
from errorplane.redaction.actions._plan import DEFAULT, ActionPlan, Effective, action_for
from errorplane.redaction.actions._reveal import Revealed, Revealer, RevealError, domains_of
from errorplane.redaction.actions._rewrite import Rewriter, Rewritten

__all__ = [
    "ADDRESS",
    "COMMON_DOMAIN",
    "DEFAULT",
    "HMAC",
    "SEALED",
    "SEALED_LABEL",
    "TOKEN",
    "ActionPlan",
    "Compiler",
    "Effective",
    "HashKey",
    "Keyring",
    "Opened",
    "RevealError",
    "Revealed",
    "Revealer",
    "Rewriter",
    "Rewritten",
    "TokenKey",
    "action_for",
    "domains_of",
    "from_base64url",
    "is_output",
    "normalise",
    "seal_to",
]
