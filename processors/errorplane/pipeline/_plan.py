"""One policy compiled into what the pipeline calls: swapped as a whole when the policy is reloaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from errorplane.classification import Classifier
from errorplane.errors import POLICY_VERSION, RETENTION_CLASS
from errorplane.policy import Policy
from errorplane.redaction import Redactor
from errorplane.retention import (
    RESOURCE_ATTRIBUTES,
    Assign,
    AssignByData,
    RetentionClass,
    compile_data_rules,
    compile_retention,
    encode_tags,
)
from errorplane.sampling import Decide, compile_rules


@dataclass(frozen=True)
class Plan:
    """What the stages do, fixed at load; nothing on the per-item path looks anything up in the policy."""

    policy: Policy
    redactor: Redactor
    classifier: Classifier
    decide: Decide
    assign: Assign
    assign_by_data: AssignByData

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
        tags = ((POLICY_VERSION, self.policy.revision), (RETENTION_CLASS, retention_class))
        return encode_tags(RESOURCE_ATTRIBUTES, tags)


def compile_plan(policy: Policy, clock: Callable[[], float] = time.monotonic) -> Plan:
    """Compile a policy; ``clock`` is monotonic, in seconds. Takes a moment: the redactor builds its database."""
    return Plan(
        policy=policy,
        redactor=Redactor.from_policy(policy.redaction),
        classifier=Classifier(policy),
        decide=compile_rules(policy.sampling.rules, clock),
        assign=compile_retention(policy),
        assign_by_data=compile_data_rules(policy),
    )
