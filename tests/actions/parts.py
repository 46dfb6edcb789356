"""Keys and actions for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from errorplane.detectors import Finding
from errorplane.keys import Key, derive
from errorplane.policy import Action


class FixedKeys:
    """A provider whose secrets are a byte repeated, one for each purpose."""

    def __init__(self, **secrets: int) -> None:
        self._secrets = {"journal": 1, "segments": 2, "tokens": 3} | secrets

    def key(self, purpose: str) -> Key:
        """The key for ``purpose``."""
        return derive(bytes([self._secrets[purpose]]) * 32, purpose)

    def retired(self, purpose: str) -> tuple[Key, ...]:
        """There are none."""
        return ()


def finding(entity: str, value: str) -> Finding:
    """A finding that covers all of ``value``."""
    return Finding(entity, 0, len(value), 1.0, "test")


def effective(**destinations: Mapping[str, Any]) -> dict[str, dict[str, Action]]:
    """Actions by destination and entity, each as a policy writes it."""
    return {
        name: {entity: Action.model_validate(action) for entity, action in actions.items()}
        for name, actions in destinations.items()
    }
