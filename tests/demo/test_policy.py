"""The policy of a run: a person's rules stay, what they name outside of the demo does not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from errorplane.cli import CommandFailed
from errorplane.demo._folder import Folder
from errorplane.demo._policy import write_policy
from errorplane.policy import Policy

MINE = """\
version: 1
listen: {grpc: 0.0.0.0:4317, http: null, tls: {cert: ./cert.pem, key: ./key.pem}, token: secret-token}
journal: {path: /var/lib/somewhere, max_bytes: 64MiB}
keys: {journal: {env: MY_KEY}}
sampling: {decision_wait: 1h, rules: [{name: mine, when: {status: error}}, {name: rest, keep: 0.5}]}
redaction: {allow: ["${file:allowed.txt}"]}
destinations:
  backend: {otlp: {endpoint: "https://backend.example:4317", headers: {authorization: "Bearer x"}}}
  lines: {file: {path: /srv/errors.txt}}
  sealed: {file: {path: /srv/segments/, encrypt: true}}
retention:
  classes: {long: {days: 90, destinations: [backend, lines]}, short: {days: 3}}
  rules: [{when: {status: error}, class: long}, {class: short}]
errors: {facts: {destinations: []}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder as a run finds it."""
    made = Folder(tmp_path / "out")
    with made.claimed():
        return made


def stage(text: str, folder: Folder, gateway: str | None = None) -> Policy:
    """The policy of a run with these rules."""
    home = folder.root.parent / "home"
    home.mkdir(exist_ok=True)
    for name in ("cert.pem", "key.pem"):
        (home / name).touch()
    (home / "allowed.txt").write_text("support@example.com\n")
    (home / "mine.yaml").write_text(text)
    return write_policy(home / "mine.yaml", folder, gateway)


def test_rules_and_classes_of_the_user_are_kept(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sampling, retention, sizes and allowed values are the user's; a file that one refers to is still found."""
    monkeypatch.setenv("MY_KEY", "00" * 32)
    policy = stage(MINE, folder)
    assert [(rule.name, rule.keep) for rule in policy.sampling.rules] == [("mine", 1.0), ("rest", 0.5)]
    assert policy.retention.classes["long"].days == 90
    assert policy.destinations_of("long") == ("backend", "lines")
    assert policy.redaction.allow == ("support@example.com",)
    assert policy.journal.max_bytes == 64 << 20


def test_nothing_outside_of_the_folder_is_touched(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses, journal, keys and destinations are the demo's own, whatever the user's file says."""
    monkeypatch.setenv("MY_KEY", "00" * 32)
    policy = stage(MINE, folder)
    assert (policy.listen.grpc, policy.listen.http, policy.listen.admin) == ("127.0.0.1:0",) * 3
    assert policy.listen.tls is None
    assert policy.listen.token is None
    assert policy.journal.path == folder.journal
    assert policy.key_source("journal").file == folder.journal / "journal.key"
    places = {name: each.file for name, each in policy.destinations.items()}
    assert all(place is not None and place.location.is_relative_to(folder.destinations) for place in places.values())
    assert {name: place.is_folder for name, place in places.items() if place} == {
        "backend": True,
        "lines": False,
        "sealed": True,
    }
    assert "secret-token" not in folder.policy.read_text()
    assert "Bearer x" not in folder.policy.read_text()


def test_a_run_does_not_wait_an_hour(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long decision wait is cut to 15 s."""
    monkeypatch.setenv("MY_KEY", "00" * 32)
    assert stage(MINE, folder).sampling.decision_wait == 15.0


def test_facts_go_somewhere(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without error facts nothing could be verified, so a policy that sends them nowhere sends them by class."""
    monkeypatch.setenv("MY_KEY", "00" * 32)
    assert stage(MINE, folder).errors.facts.destinations is None


@pytest.mark.parametrize("text", ["version: 1\n", MINE, MINE.replace("[]", "[lines]")])
def test_the_gateway_gets_everything_as_well(text: str, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Collectors, every retention class and the error facts go to the gateway too."""
    monkeypatch.setenv("MY_KEY", "00" * 32)
    policy = stage(text, folder, "127.0.0.1:14317")
    assert all("gateway" in policy.destinations_of(name) for name in policy.retention.classes)
    assert policy.errors.facts.destinations in (None, ("lines", "gateway"))
    assert policy.destinations["gateway"].otlp is not None


def test_mistakes_are_reported_with_the_users_own_lines(folder: Folder) -> None:
    """A policy with a mistake names the user's file and line, not the staged copy."""
    with pytest.raises(CommandFailed, match=r"mine\.yaml:2:"):
        stage("version: 1\nsampling: {rulez: []}\n", folder)


def test_a_policy_without_any_section_runs_on_the_defaults(folder: Folder) -> None:
    """The smallest policy is staged with one destination."""
    assert list(stage("version: 1\n", folder).destinations) == ["files"]


def test_the_demos_own_policy_keeps_every_error_and_names_every_service(folder: Folder) -> None:
    """The demo's own rules keep all errors, and say who owns each service."""
    policy = write_policy(None, folder, None)
    assert policy.sampling.rules[0].when.status == "error"
    assert policy.sampling.rules[0].keep == 1.0
    named = {"storefront", "checkout", "payments", "inventory", "recommendations", "legacy-mailer"}
    assert policy.services.keys() == named
    assert all(service.team for service in policy.services.values())
    assert yaml.safe_load(folder.policy.read_text())["version"] == 1
