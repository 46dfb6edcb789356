"""What an application needs to know of a policy to hide the same things in its own output."""

from __future__ import annotations

from typing import Any

from errorplane.policy._effective import DEFAULT, choose, detection, entities_of
from errorplane.policy._policy import Policy

FORMAT = 1
"""Version of the format of ``application_settings``."""
_LOCAL = ("replace", "mask", "drop", "keep_domain")


def application_settings(policy: Policy) -> dict[str, Any]:
    """Settings for ``errorplane.masking``, as a mapping that JSON can hold.

    ``version``: of this format, 1. ``revision``: of the policy. ``detectors``: built-in entities that are hidden.
    ``allow``: literal values that are not. ``actions``: by entity, and ``default``: ``{"do": ...}`` with the options of
    the action, which is replace, mask, drop or keep_domain. ``keys``: attribute keys, in lower case, whose whole value is
    hidden, with their entity. ``custom``: names of the policy's own detectors.

    An application has no keys and no RE2. So token, hmac, encrypt, generalise and ip_prefix become replace,
    ``allow_patterns`` do not hold, and patterns of custom detectors do not run there: their texts are hidden by the
    processor only. An entity is left alone only if every destination keeps it.
    """
    names = [name for name in entities_of(policy.redaction) if not _kept(policy, name)]
    found = detection(policy.redaction)
    actions = {name: _action(policy, name) for name in names}
    default = _action(policy, DEFAULT)
    return {
        "version": FORMAT,
        "revision": policy.revision,
        "detectors": [entity for entity in found.entities if entity in names],
        "allow": list(policy.redaction.allow),
        "actions": {DEFAULT: default, **{name: action for name, action in actions.items() if action != default}},
        "keys": {key.lower(): one.name for one in found.custom if one.name in names for key in one.keys},
        "custom": [one.name for one in policy.redaction.custom],
    }


def _kept(policy: Policy, entity: str) -> bool:
    return all(choose(policy, name, entity).action.do == "keep" for name in (None, *policy.destinations))


def _action(policy: Policy, entity: str) -> dict[str, Any]:
    action = choose(policy, None, entity).action
    return {"do": action.do, **action.options} if action.do in _LOCAL else {"do": "replace"}
