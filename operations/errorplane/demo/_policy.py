"""The policy of a run: the rules of the user, or the demo's own, with addresses and places of the demo put in."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from errorplane.cli import CommandFailed
from errorplane.demo._folder import Folder
from errorplane.policy import Policy, PolicyError, load

GATEWAY = "gateway"
_LONGEST_WAIT_S = 15.0
_HEADER = "# In force during the last run of `errorplane demo`. "


def write_policy(given: Path | None, folder: Folder, gateway: str | None) -> Policy:
    """Write the policy of the run to ``folder.policy`` and return it; raises ``CommandFailed``.

    ``given`` is the user's file, whose addresses, journal, keys and destinations are replaced: a demo must not touch
    what it names. ``gateway`` is the address of a gateway Collector that gets everything as well.
    """
    if given is not None:
        _checked(given)  # its mistakes are reported with its own lines
    own = files("errorplane.demo").joinpath("policy.yaml")
    text = own.read_text(encoding="utf-8") if given is None else given.read_text(encoding="utf-8")
    rules: dict[str, Any] = yaml.safe_load(text)
    document = _staged(rules, folder, gateway)
    origin = "Its rules are the demo's own." if given is None else f"Its rules are those of {given}."
    folder.policy.write_text(_HEADER + origin + "\n" + yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    policy = _checked(folder.policy)
    if policy.sampling.decision_wait > _LONGEST_WAIT_S:
        document.setdefault("sampling", {})["decision_wait"] = f"{_LONGEST_WAIT_S:g}s"
        folder.policy.write_text(_HEADER + origin + "\n" + yaml.safe_dump(document, sort_keys=False))
        policy = _checked(folder.policy)
    return policy


def _checked(path: Path) -> Policy:
    try:
        return load(path)
    except PolicyError as error:
        raise CommandFailed(str(error)) from error


def _staged(rules: dict[str, Any], folder: Folder, gateway: str | None) -> dict[str, Any]:
    staged = {key: value for key, value in rules.items() if key != "keys"}
    staged["listen"] = {"grpc": "127.0.0.1:0", "http": "127.0.0.1:0", "admin": "127.0.0.1:0"}
    staged["journal"] = (rules.get("journal") or {}) | {"path": str(folder.journal.absolute())}
    destinations = rules.get("destinations") or {"files": {"file": {"path": "./out/"}}}
    staged["destinations"] = {name: _moved(name, entry, folder) for name, entry in destinations.items()}
    if gateway is not None:
        staged["destinations"][GATEWAY] = {"otlp": {"endpoint": f"http://{gateway}", "protocol": "grpc"}}
        _add_gateway(staged)
    return staged


def _moved(name: str, entry: dict[str, Any], folder: Folder) -> dict[str, Any]:
    """A destination of the same kind below the demo's folder; an OTLP server becomes a folder of segments."""
    target = entry.get("file") or {"path": "./"}
    path = folder.destinations.absolute() / name
    place = f"{path}.jsonl" if str(target["path"]).endswith(".jsonl") else f"{path}/"
    return {"file": target | {"path": place}}


def _add_gateway(staged: dict[str, Any]) -> None:
    for model in ((staged.get("retention") or {}).get("classes") or {}).values():
        if model.get("destinations") is not None:
            model["destinations"] = [*model["destinations"], GATEWAY]
    facts = (staged.get("errors") or {}).get("facts") or {}
    if facts.get("destinations") is not None:
        facts["destinations"] = [*facts["destinations"], GATEWAY]
