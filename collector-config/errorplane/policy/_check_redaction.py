"""What must hold within ``redaction``: names of entities, files of public keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from errorplane.policy._actions import Action, ActionWord
from errorplane.policy._checks import Check, Remark
from errorplane.policy._effective import ALWAYS_DROPPED
from errorplane.policy._policy import Policy
from errorplane.policy._problems import Path as Keys
from errorplane.policy._recognizers import recognizers
from errorplane.policy._vocabulary import ENTITIES

_NO_FILE = "there is no such file on this machine"
_MAX_KEY_BYTES = 1 << 16
_ONLY_FOR: Mapping[ActionWord, str] = {"keep_domain": "EMAIL_ADDRESS", "ip_prefix": "IP_ADDRESS"}


def actions_by_path(policy: Policy) -> Iterator[tuple[Keys, Mapping[str, Action]]]:
    """``redaction.actions`` and what each destination has of its own, with the path where it stands."""
    yield ("redaction", "actions"), policy.redaction.actions
    for name, actions in policy.redaction.destinations.items():
        yield ("redaction", "destinations", name), actions


def _custom_names(policy: Policy) -> Iterator[Remark]:
    seen: dict[str, int] = {}
    for number, detector in enumerate(policy.redaction.custom):
        path: Keys = ("redaction", "custom", number, "name")
        first = seen.setdefault(detector.name, number)
        if first != number:
            yield Remark(path, f"is the name of redaction.custom[{first}] already")
        if detector.name in ENTITIES:
            yield Remark(path, "is a built-in entity: take another name")


def _presidio_names(policy: Policy) -> Iterator[Remark]:
    custom = {detector.name for detector in policy.redaction.custom}
    for number, entity in enumerate(policy.redaction.presidio):
        path: Keys = ("redaction", "presidio", number)
        if entity in ENTITIES:
            yield Remark(path, "is built in: list it under redaction.detectors instead")
        elif entity in custom:
            yield Remark(
                path, "is the name of a detector of redaction.custom already", rests_on=(("redaction", "custom"),)
            )


def _presidio_recognizers(policy: Policy) -> Iterator[Remark]:
    if not policy.redaction.presidio:
        return
    try:
        known = recognizers()
    except ModuleNotFoundError as error:
        yield Remark(
            ("redaction", "presidio"),
            f"needs the package {error.name}, which is not installed here: pip install 'errorplane[presidio]'",
            level="warning",  # the machine that checks a policy need not be the one that runs it; that one refuses to start
        )
        return
    for number, entity in enumerate(policy.redaction.presidio):
        if entity not in known and entity not in ENTITIES:
            allowed = tuple(sorted(set(known) - set(ENTITIES)))
            yield Remark(
                ("redaction", "presidio", number),
                "is no entity that Presidio has a pattern recogniser for",
                allowed=allowed,
            )


def _actions_fit(policy: Policy) -> Iterator[Remark]:
    for path, actions in actions_by_path(policy):
        for entity, action in actions.items():
            fitting = _ONLY_FOR.get(action.do)
            if fitting is not None and entity != fitting:
                yield Remark((*path, entity), f"{action.do} is an action for {fitting} only", about_key=True)
            if entity in ALWAYS_DROPPED and action.do != "drop":
                yield Remark((*path, entity), "is always dropped, whatever stands here", "warning", about_key=True)


def _public_keys(policy: Policy) -> Iterator[Remark]:
    files = [
        ((*path, entity, "to"), Path(action.to))
        for path, actions in actions_by_path(policy)
        for entity, action in actions.items()
        if action.do == "encrypt" and action.to is not None
    ]
    if policy.redaction.quarantine.seal_to is not None:
        files.append((("redaction", "quarantine", "seal_to"), policy.redaction.quarantine.seal_to))
    for where, file in files:
        if (mistake := _no_public_key(file)) is not None:
            yield Remark(where, mistake)


def _shadow_is_there(policy: Policy) -> Iterator[Remark]:
    shadow = policy.redaction.shadow
    if shadow is not None and not shadow.is_file():
        yield Remark(("redaction", "shadow"), _NO_FILE)


def no_shadow(policy: Policy) -> Iterator[Remark]:
    """A policy that is a shadow has none of its own."""
    if policy.redaction.shadow is not None:
        yield Remark(("redaction", "shadow"), "cannot stand in a policy that is a shadow itself")


def _no_public_key(file: Path) -> str | None:
    """What is wrong with a file that should hold a public key; says nothing of its content."""
    try:
        if not file.is_file():
            return _NO_FILE
        with file.open("rb") as opened:
            data = opened.read(_MAX_KEY_BYTES)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if b"PRIVATE KEY" in data:
        return (
            "holds a private key, with which everything that is encrypted here could be read: name the file of the "
            "public key, and keep the private one elsewhere (openssl pkey -in PRIVATE -pubout -out PUBLIC)"
        )
    try:
        key = load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        return "is no public key in PEM"
    return None if isinstance(key, X25519PublicKey) else "is no X25519 key (openssl genpkey -algorithm X25519)"


REDACTION_CHECKS: tuple[Check, ...] = (
    _custom_names,
    _presidio_names,
    _presidio_recognizers,
    _actions_fit,
    _public_keys,
    _shadow_is_there,
)
