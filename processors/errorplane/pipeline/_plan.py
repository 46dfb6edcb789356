"""One policy compiled into what the pipeline calls: swapped as a whole when the policy is reloaded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from errorplane.classification import Classifier
from errorplane.errors import POLICY_VERSION, RETENTION_CLASS
from errorplane.keys import KeyProvider
from errorplane.pipeline._budgeting import compile_budgets, limited_rules
from errorplane.policy import Policy, effective_actions
from errorplane.redaction import Redactor
from errorplane.redaction.actions import ActionPlan, seal_to
from errorplane.redaction.ner import ErrorTexts
from errorplane.retention import (
    RESOURCE_ATTRIBUTES,
    Assign,
    AssignByData,
    RetentionClass,
    compile_data_rules,
    compile_retention,
    encode_tags,
)
from errorplane.sampling import BudgetLimits, Decide, Deployments, Observer, compile_observer, compile_sampling

QUARANTINED = "QUARANTINED"
"""Entity of what is sealed since it could not be looked at."""


@dataclass(frozen=True)
class Plan:
    """What the stages do, fixed at load; nothing on the per-item path looks anything up in the policy.

    ``budgets`` are those of sampling rules by name; ``limited`` names the rules whose limits keep less than a known share.
    """

    policy: Policy
    revision: str
    actions: ActionPlan
    redactor: Redactor
    classifier: Classifier
    decide: Decide
    observer: Observer | None
    deployments: Deployments
    assign: Assign
    assign_by_data: AssignByData
    budgets: Mapping[str, BudgetLimits]
    limited: frozenset[str]

    def fact_destinations(self, retention_class: str) -> tuple[str, ...]:
        """Where the error facts of a class go."""
        named = self.policy.errors.facts.destinations
        return self.policy.destinations_of(retention_class) if named is None else named

    def retention_class(self, name: str) -> RetentionClass | None:
        """A class by its name; None if the policy has none of that name (any more)."""
        model = self.policy.retention.classes.get(name)
        return None if model is None else RetentionClass(name, model.days, self.policy.destinations_of(name))

    def resource_tags(self, retention_class: str) -> bytes:
        """The attributes appended to every Resource that leaves."""
        tags = ((POLICY_VERSION, self.revision), (RETENTION_CLASS, retention_class))
        return encode_tags(RESOURCE_ATTRIBUTES, tags)


def compile_plan(
    policy: Policy,
    keys: KeyProvider,
    clock: Callable[[], float] = time.monotonic,
    deployments: Deployments | None = None,
) -> Plan:
    """Compile a policy; ``clock`` is monotonic, in seconds. Takes a moment: the redactor builds its database.

    ``deployments`` are the versions of services known so far, which outlive a plan; none by default.

    Raises ``KeyUnavailable`` and ``SealError`` for keys of its actions that cannot be had, ``ExtraUnavailable`` for
    recognisers and models that are not installed.
    """
    known = deployments or Deployments()
    actions = ActionPlan(effective_actions(policy), keys)
    public_key = policy.redaction.quarantine.seal_to
    seal = None if public_key is None else seal_to(public_key, QUARANTINED)
    return Plan(
        policy=policy,
        revision=policy.revision,
        actions=actions,
        redactor=Redactor.from_policy(
            policy.redaction, actions.before, seal, ErrorTexts.from_policy(policy.redaction, actions.before, seal)
        ),
        classifier=Classifier(policy),
        decide=compile_sampling(policy, clock),
        observer=compile_observer(policy.sampling, known),
        deployments=known,
        assign=compile_retention(policy),
        assign_by_data=compile_data_rules(policy),
        budgets=compile_budgets(policy),
        limited=limited_rules(policy),
    )
