"""What the pack ``secrets`` holds against a whole policy. Each check names the rule that it keeps."""

from __future__ import annotations

from collections.abc import Iterator

from errorplane.policy._checks import Check, Remark
from errorplane.policy._policy import Policy
from errorplane.policy.packs._secrets import SECRETS
from errorplane.policy.packs._uses import Use, allowed, breaks, own_detectors, together, uses

_SAMPLES = ("Tr0ub4dor-93", "q7Zk2Wv9Rb4Xc8Nd1Ls6Hf3Gj5Mp0Ty")
"""A password and a key of no service."""


def _secrets(policy: Policy) -> Iterator[Use]:
    yield from uses(policy, (*SECRETS.entities, *own_detectors(policy, "secret")))


def _no_secret_is_kept(policy: Policy) -> Iterator[Remark]:
    """CWE-532: no destination gets a secret."""
    for use in together(use for use in _secrets(policy) if use.action.do == "keep"):
        yield breaks(SECRETS, SECRETS.policy_rule("CWE-532"), use.path, f"{use.entity} is kept {use.where}")


def _no_secret_can_be_read_again(policy: Policy) -> Iterator[Remark]:
    """CWE-522: no destination gets what somebody could turn back into a secret."""
    for use in together(use for use in _secrets(policy) if use.action.do in ("token", "encrypt")):
        message = f"{use.action.do} of {use.entity} {use.where} can be turned back: replace or hmac it"
        yield breaks(SECRETS, SECRETS.policy_rule("CWE-522"), use.path, message)


def _no_pattern_lets_secrets_through(policy: Policy) -> Iterator[Remark]:
    """CWE-532: exceptions are for what looks like a secret and is none, not for whatever a secret may look like."""
    for path in allowed(policy, _SAMPLES):
        yield breaks(SECRETS, SECRETS.policy_rule("CWE-532"), path, "matches whatever a secret may look like")


SECRETS_CHECKS: tuple[Check, ...] = (
    _no_secret_is_kept,
    _no_secret_can_be_read_again,
    _no_pattern_lets_secrets_through,
)
