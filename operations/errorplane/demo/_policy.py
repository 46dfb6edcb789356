"""The policy of a run: the rules of the user, or the demo's own, with addresses and places of the demo put in."""

from __future__ import annotations

import re
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
_RELATIVE_FILE = re.compile(r"(?<!\$)\$\{file:(?!/)([^{}]+)\}")


def write_policy(given: Path | None, folder: Folder, gateway: str | None) -> Policy:
    """Write the policy of the run to ``folder.policy`` and return it; raises ``CommandFailed``.

    ``given`` is the user's file, whose addresses, journal, keys and destinations are replaced: a demo must not touch
    what it names. ``gateway`` is the address of a gateway Collector that gets everything as well.
    """
    if given is None:
        text = files("errorplane.demo").joinpath("policy.yaml").read_text(encoding="utf-8")
        rules, home, origin = yaml.safe_load(text), folder.root, "Its rules are the demo's own."
    else:
        _checked(given)  # its mistakes are reported with its own lines
        home, origin = given.parent.absolute(), f"Its rules are those of {given}."
        rules = _with_absolute_files(yaml.safe_load(given.read_text(encoding="utf-8-sig")) or {"version": 1}, home)
    document = _staged(rules, home, folder, gateway)
    policy = _write(document, origin, folder)
    if policy.sampling.decision_wait > _LONGEST_WAIT_S:
        document["sampling"]["decision_wait"] = f"{_LONGEST_WAIT_S:g}s"
        policy = _write(document, origin, folder)
    return policy


def _write(document: dict[str, Any], origin: str, folder: Folder) -> Policy:
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    folder.policy.write_text(f"{_HEADER}{origin}\n{text}", encoding="utf-8")
    return _checked(folder.policy)


def _checked(path: Path) -> Policy:
    try:
        return load(path)
    except PolicyError as error:
        raise CommandFailed(str(error)) from error


def _with_absolute_files(value: Any, folder: Path) -> Any:
    """``${file:PATH}`` starts at the folder of the policy, and the policy of the run lies elsewhere."""
    if isinstance(value, str):
        return _RELATIVE_FILE.sub(lambda found: f"${{file:{folder / found[1]}}}", value)
    if isinstance(value, list):
        return [_with_absolute_files(one, folder) for one in value]
    if isinstance(value, dict):
        return {key: _with_absolute_files(one, folder) for key, one in value.items()}
    return value


def _staged(rules: dict[str, Any], home: Path, folder: Folder, gateway: str | None) -> dict[str, Any]:
    staged = {key: value for key, value in rules.items() if key != "keys"}
    staged["listen"] = {"grpc": "127.0.0.1:0", "http": "127.0.0.1:0", "admin": "127.0.0.1:0"}
    staged["journal"] = (rules.get("journal") or {}) | {"path": str(folder.journal.absolute())}
    destinations = rules.get("destinations") or {"files": {"file": {"path": "./out/"}}}
    staged["destinations"] = {name: _moved(name, entry, home, folder) for name, entry in destinations.items()}
    facts = (staged.get("errors") or {}).get("facts") or {}
    if facts.get("destinations") == []:  # without facts there is nothing to hold against the shop's own count
        del facts["destinations"]
    if gateway is not None:
        staged["destinations"][GATEWAY] = {"otlp": {"endpoint": f"http://{gateway}", "protocol": "grpc"}}
        for named in (facts, *((staged.get("retention") or {}).get("classes") or {}).values()):
            if named.get("destinations") is not None:
                named["destinations"] = list(dict.fromkeys([*named["destinations"], GATEWAY]))
    return staged


def _moved(name: str, entry: dict[str, Any], home: Path, folder: Folder) -> dict[str, Any]:
    """A destination of the same kind below the demo's folder; an OTLP server becomes a folder of segments."""
    target = entry.get("file") or {"path": "./"}
    path = str(target["path"])
    place = str(folder.destinations.absolute() / name)
    is_folder = path.endswith("/") or (home / path).is_dir()
    return {"file": target | {"path": f"{place}/" if is_folder else f"{place}.jsonl"}}
