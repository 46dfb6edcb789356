"""What the pack ``gdpr`` holds against a whole policy. Each check names the rule that it keeps."""

from __future__ import annotations

from collections.abc import Iterator

from errorplane.policy._checks import Check, Remark
from errorplane.policy._effective import effective_actions
from errorplane.policy._policy import Policy
from errorplane.policy.packs._gdpr import GDPR
from errorplane.policy.packs._uses import (
    Use,
    breaks,
    own_detectors,
    personal_entities,
    together,
    tokens_key_within,
    uses,
)


def _personal(policy: Policy) -> Iterator[Use]:
    yield from uses(policy, personal_entities(policy))


def _key_is_kept_separately(policy: Policy) -> Iterator[Remark]:
    """Art. 4(5): pseudonyms are such only while the key is elsewhere."""
    if tokens_key_within(policy, policy.journal.path) and any(use.keyed for use in _personal(policy)):
        path = ("redaction", "packs", policy.redaction.packs.index("gdpr"))
        message = "the key of tokens lies in the journal's folder: take it from elsewhere with keys.tokens"
        yield breaks(GDPR, GDPR.policy_rule("Art. 4(5)"), path, message, "warning")


def _nothing_is_kept_for_ever(policy: Policy) -> Iterator[Remark]:
    """Art. 5(1)(e) and (c): what is kept readable is deleted in time by us, and even so is worth a thought."""
    kept = (u for u in _personal(policy) if u.action.do == "keep" and not _is_special(policy, u.entity))
    for use in together(kept):
        endless = [name for name in use.destinations if not _deletes(policy, name)]
        if endless:
            message = (
                f"{use.entity} is kept for {' and '.join(endless)}, where nothing is deleted when its days are over"
            )
            yield breaks(GDPR, GDPR.policy_rule("Art. 5(1)(e)"), use.path, message)
        else:
            message = f"{use.entity} is kept {use.where}"
            yield breaks(GDPR, GDPR.policy_rule("Art. 5(1)(c)"), use.path, message, "warning")


def _deletes(policy: Policy, name: str) -> bool:
    """Whether errorplane itself deletes there: only segments in a folder are."""
    target = policy.destinations[name].file
    return target is not None and target.is_folder


def _special_data_is_hidden(policy: Policy) -> Iterator[Remark]:
    """Art. 9(1): data about health, and biometric data, is not kept readable anywhere."""
    kept = (u for u in _personal(policy) if u.action.do == "keep" and _is_special(policy, u.entity))
    for use in together(kept):
        yield breaks(GDPR, GDPR.policy_rule("Art. 9(1)"), use.path, f"{use.entity} is kept {use.where}")


def _is_special(policy: Policy, entity: str) -> bool:
    rule = GDPR.rule_for(entity)
    return entity in own_detectors(policy, "health") or (rule is not None and rule.id == "Art. 9(1)")


def _destinations_cannot_be_joined(policy: Policy) -> Iterator[Remark]:
    """Art. 25(1): the pseudonyms of one destination say nothing to another."""
    by_domain: dict[tuple[str, str, str | None], list[str]] = {}
    for destination, actions in effective_actions(policy).items():
        for entity, action in actions.items():
            by_domain.setdefault((entity, action.do, action.domain), []).append(destination)
    shared = (u for u in _personal(policy) if u.keyed and len(by_domain[u.entity, u.action.do, u.action.domain]) > 1)
    for use in together(shared):
        message = (
            f"{use.action.do} of {use.entity} has the domain {use.action.domain}, which several destinations share, so that "
            "they can be joined: set it under redaction.destinations, or give it a domain for each"
        )
        yield breaks(GDPR, GDPR.policy_rule("Art. 25(1)"), use.path, message)


GDPR_CHECKS: tuple[Check, ...] = (
    _key_is_kept_separately,
    _nothing_is_kept_for_ever,
    _special_data_is_hidden,
    _destinations_cannot_be_joined,
)
