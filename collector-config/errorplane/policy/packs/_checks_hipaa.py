"""What the pack ``hipaa`` holds against a whole policy. Each check names the rule that it keeps.

Every destination counts as one that must hold de-identified data only: a policy cannot say which of them may hold more.

Tokens and hashes are codes derived from what they stand for. 164.514(c) allows codes that are not, so such data is
pseudonymised: a policy that makes them is refused while the key lies beside the data, and warned about when it does not,
since other ways than Safe Harbor may allow it (164.514(b)(1), 164.514(e)).
"""

from __future__ import annotations

from collections.abc import Iterator

from errorplane.policy._checks import Check, Remark
from errorplane.policy._policy import Policy
from errorplane.policy.packs._hipaa import HIPAA
from errorplane.policy.packs._model import Rule
from errorplane.policy.packs._uses import Use, allowed, breaks, personal_entities, together, tokens_key_within, uses

_PERSON = "PERSON"
_CODES = ("token", "hmac", "encrypt")
_SAMPLES = (
    *("518-22-9014", "(208) 555-0147", "+1 208-555-0147", "84.115.6.219", "00:1b:63:84:45:e6"),
    *("m.quintero@a-clinic.example", "https://a-portal.example/u/m.quintero"),
)
"""A social security number, telephone numbers, addresses: of nobody, so that no exception can mean them."""


def _identifiers(policy: Policy) -> Iterator[tuple[Use, Rule]]:
    """The use of each identifier with its rule; what has none of its own is "any other unique identifying number"."""
    other = HIPAA.rule_for("UNIQUE_ID")
    assert other is not None  # the pack has a rule (R)
    for use in uses(policy, personal_entities(policy)):
        yield use, HIPAA.rule_for(use.entity) or other


def _names_are_found(policy: Policy) -> Iterator[Remark]:
    """(A): names stand in exception messages, where attribute keys alone do not find them."""
    redaction = policy.redaction
    ner = () if redaction.ner is None else redaction.ner.entities
    if _PERSON in (*ner, *redaction.presidio, *(one.name for one in redaction.custom)):
        return
    path = ("redaction", "packs", redaction.packs.index("hipaa"))
    message = f"needs a way to find names in texts: set redaction.ner, or name your own detector {_PERSON}"
    yield breaks(HIPAA, HIPAA.policy_rule("164.514(b)(2)(i)(A)"), path, message)


def _identifiers_are_removed(policy: Policy) -> Iterator[Remark]:
    """(A) to (R): each is removed, the domain of an e-mail address, which may be a person's own, with it; of dates the year, of ZIP codes three digits, of ages those up to 89 may stay."""
    left: dict[Rule, list[Use]] = {}
    for use, rule in _identifiers(policy):
        if not _is_removed(use, rule) and not _is_code(use):
            left.setdefault(rule, []).append(use)
    for rule, found in left.items():
        for use in together(found):
            yield breaks(HIPAA, rule, use.path, f"{use.action.do} leaves something of {use.entity} {use.where}")


def _is_removed(use: Use, rule: Rule) -> bool:
    if use.action.do == "generalise":
        return (rule.action.do, rule.action.to) == ("generalise", use.action.to)
    return use.action.do in ("drop", "replace") or (use.action.do == "mask" and not use.shows)


def _is_code(use: Use) -> bool:
    return use.action.do in _CODES or use.keyed


def _codes_are_kept_apart(policy: Policy) -> Iterator[Remark]:
    """164.514(c)(1): no code that is derived from the identifier; with a key that is kept apart, a warning."""
    rule = HIPAA.policy_rule("164.514(c)(1)")
    beside = tokens_key_within(policy, policy.journal.path)
    for use in together(use for use, _ in _identifiers(policy) if _is_code(use)):
        what = f"{use.action.do} of {use.entity} {use.where} is pseudonymised, not de-identified"
        if use.keyed and beside:
            message = f"{what}, and its key lies in the journal's folder: replace it, or set keys.tokens"
            yield breaks(HIPAA, rule, use.path, message)
        else:
            yield breaks(HIPAA, rule, use.path, what, "warning")


def _no_pattern_lets_identifiers_through(policy: Policy) -> Iterator[Remark]:
    """(D) to (O): exceptions are for what belongs to nobody, not for whatever an identifier may look like."""
    for path in allowed(policy, _SAMPLES):
        rule = HIPAA.policy_rule("164.514(b)(2)(i)")
        yield breaks(HIPAA, rule, path, "matches identifiers, such as telephone or social security numbers of anybody")


HIPAA_CHECKS: tuple[Check, ...] = (
    _names_are_found,
    _identifiers_are_removed,
    _codes_are_kept_apart,
    _no_pattern_lets_identifiers_through,
)
