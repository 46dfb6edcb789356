"""What the policy says about redaction, as an application reads it: JSON that ``errorplane compile`` writes.

The format is that of ``errorplane.policy.application_settings``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from errorplane.detectors import ALL, Detector, Finding, Subject, Transform, hide_most, keep_domain, replacement
from errorplane.masking._mask import Mask, look_for
from errorplane.settings import SETTINGS, environment, text

_FORMAT: Final = 1
_DEFAULT: Final = "default"
_STRICTNESS: Final = ("drop", "replace", "mask", "keep_domain")  # the least that is left comes first
_BY_NAME: Final = {detector.entity: detector for detector in ALL}


class SettingsError(ValueError):
    """A settings file that cannot be used; the text names the file, the place in it and what is allowed."""


def load_mask(path: Path | str) -> Mask:
    """The mask that a settings file describes. Raises ``SettingsError``."""
    path = Path(path)
    try:
        settings = json.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(f"{path}: is no JSON: {error}; write it anew with `errorplane compile`") from error
    try:
        return _mask_of(settings)
    except (SettingsError, TypeError, AttributeError, KeyError) as error:
        told = error if isinstance(error, SettingsError) else f"was not written by `errorplane compile` ({error!r})"
        raise SettingsError(f"{path}: {told}; write it anew with `errorplane compile`") from error


def mask_from(environ: Mapping[str, str] | None = None) -> Mask:
    """The mask of the file that ``ERRORPLANE_SETTINGS`` names; without one, of all detectors. Raises ``SettingsError``."""
    path = text(environment() if environ is None else environ, SETTINGS)
    return load_mask(path) if path else Mask()


def _mask_of(settings: Any) -> Mask:
    if settings["version"] != _FORMAT:
        raise SettingsError(f"version: is {settings['version']!r}, and this errorplane reads {_FORMAT}")
    names = settings["detectors"]
    if unknown := [name for name in names if name not in _BY_NAME]:
        raise SettingsError(f"detectors: {unknown[0]!r} is none of {', '.join(sorted(_BY_NAME))}")
    detectors = [_BY_NAME[name] for name in names]
    detectors += [_of_key(key, entity) for key, entity in settings["keys"].items()]
    actions = {entity: _transform(entity, action) for entity, action in settings["actions"].items()}
    words = {entity: action["do"] for entity, action in settings["actions"].items()}
    return Mask(look_for(detectors, settings["allow"], _by_entity(actions, words)), settings["keys"])


def _of_key(key: str, entity: str) -> Detector:
    """What a detector of the policy's own says about keys; its pattern does not run here."""

    def find(subject: Subject) -> list[Finding]:
        if subject.name.lower() != key or subject.text in ("", replacement(entity)):
            return []
        return [Finding(entity, 0, len(subject.text), 1.0, "the attribute's key says so")]

    return Detector(entity, (), find, frozenset((key,)))


def _by_entity(actions: Mapping[str, Transform], words: Mapping[str, str]) -> Transform:
    """The strictest of the actions on what was found in one place."""
    default = actions[_DEFAULT]

    def leniency(entity: str) -> int:
        return _STRICTNESS.index(words.get(entity, words[_DEFAULT]))

    def transform(finding: Finding, value: str) -> str:
        entity = min(finding.entities, key=leniency) if finding.also else finding.entity
        return actions.get(entity, default)(replace(finding, entity=entity), value)

    return transform


def _transform(entity: str, action: Mapping[str, Any]) -> Transform:
    match action["do"]:
        case "replace":
            return lambda finding, _: replacement(finding.entity)
        case "drop":
            return lambda _finding, _value: ""
        case "mask":
            first, last, char = action["first"], action["last"], action["char"]
            return lambda _, value: hide_most(value, first, last, char)
        case "keep_domain":
            return lambda finding, value: keep_domain(finding.entity, value)
        case other:
            raise SettingsError(f"actions.{entity}.do: {other!r} is none of replace, drop, mask, keep_domain")
