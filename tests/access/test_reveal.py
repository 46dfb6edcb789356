"""What ``errorplane reveal`` turns back, what it refuses, and what it leaves in the audit."""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.actions.parts import finding

from errorplane.cli import main
from errorplane.keys import KeyUnavailable, from_policy
from errorplane.policy import Action, load
from errorplane.redaction.actions import Compiler, Keyring

POLICY = """
version: 1
destinations: {archive: {file: {path: ./out/}}, support: {file: {path: ./support/}}}
retention: {classes: {audit: {days: 400}}}
redaction:
  actions: {EMAIL_ADDRESS: token}
  destinations: {support: {PHONE_NUMBER: token}}
"""
PATH = Path("errorplane.yaml")
EMAIL = "bob@example.com"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a policy and its key, which is also where the test works."""
    monkeypatch.chdir(tmp_path)
    PATH.write_text(POLICY)
    from_policy(load(PATH)).key("tokens")
    return tmp_path


def token(domain: str = "all", value: str = EMAIL, entity: str = "EMAIL_ADDRESS") -> str:
    """A token as the processor of this policy makes it."""
    return Keyring(from_policy(load(PATH))).tokens(domain).token(entity, value)


def audit() -> list[dict[str, object]]:
    """The lines of the audit."""
    path = Path("data/audit.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Put a text on standard input."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text.encode())))


def test_a_token_is_turned_back_and_recorded(capfd: pytest.CaptureFixture[str]) -> None:
    """The value is printed; the audit says who, which token by its digest, and why, and holds no value."""
    one = token()
    assert main(["reveal", "--reason", "ticket 4711", one]) == 0
    assert capfd.readouterr().out == f"{EMAIL}\n"
    (line,) = audit()
    digest = hashlib.sha256(one.encode()).hexdigest()
    kid = one.split("_")[3]
    assert line["resource"] == f"token sha256:{digest} kid:{kid} entity:EMAIL_ADDRESS"
    assert (line["action"], line["purpose"], line["allowed"]) == ("tokens.reveal", "ticket 4711", True)
    assert EMAIL not in json.dumps(audit())


def test_every_domain_of_the_policy_is_known(capfd: pytest.CaptureFixture[str]) -> None:
    """Tokens of actions and of a destination are turned back; one of another domain once it is named."""
    assert main(["reveal", token(), token("support", "+14155552671", "PHONE_NUMBER")]) == 0
    assert capfd.readouterr().out == f"{EMAIL}\n+14155552671\n"
    assert main(["reveal", token("former")]) == 1
    assert "--domain" in capfd.readouterr().err
    assert main(["reveal", "--domain", "former", token("former")]) == 0


def test_json_is_one_object_a_token(capfd: pytest.CaptureFixture[str]) -> None:
    """With --json what is known of each token is printed in order, and the reason where there is no value."""
    assert main(["reveal", "--json", token(), "nonsense"]) == 1
    good, bad = (json.loads(line) for line in capfd.readouterr().out.splitlines())
    assert (good["entity"], good["domain"], good["value"]) == ("EMAIL_ADDRESS", "all", EMAIL)
    assert bad["token"] == "nonsense"
    assert "is no token" in bad["error"]


def test_texts_come_out_with_values(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """On standard input tokens are turned back where they stand; all else, other tokens too, stays; each is recorded once."""
    other = token("former")
    give(monkeypatch, f"a {token()}, {token()}b\n{other} \u00e4 no token\n")
    assert main(["reveal", "-"]) == 0
    assert capfd.readouterr().out == f"a {EMAIL}, {EMAIL}b\n{other} \u00e4 no token\n"
    assert len(audit()) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one[:-2], "is damaged"),
        (lambda one: one.replace("email", "phone"), "is damaged"),
        (lambda one: one.replace(one.split("_")[3], "aaaaaa"), "kid aaaaaa"),
        (lambda one: f"hmac_{one.split('_')[3]}_{'a' * 26}", "nobody turns it back"),
        (lambda one: f"enc_{one.split('_')[3]}_{'a' * 70}", "--private-key"),
        (lambda one: "bob", "is no token"),
    ],
)
def test_what_cannot_be_turned_back_is_told(
    change: Callable[[str], str], said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A damaged, foreign or one-way token ends with status 1, says why and is recorded; the others are turned back."""
    bad = change(token())
    assert main(["reveal", bad, token()]) == 1
    printed = capfd.readouterr()
    assert said in printed.err
    assert printed.out == f"{EMAIL}\n"
    failed, _ = audit()
    digest = hashlib.sha256(bad.encode()).hexdigest()
    assert (failed["action"], failed["resource"]) == ("tokens.reveal.failed", f"token sha256:{digest} not turned back")


def test_without_the_record_nothing_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    """Where the audit cannot be written, the value is not printed and the status is 3."""
    one = token()
    Path("data/audit.jsonl").mkdir()
    assert main(["reveal", one]) == 3
    printed = capfd.readouterr()
    assert printed.out == ""
    assert "not allowed" in printed.err


def test_retired_keys_still_read(capfd: pytest.CaptureFixture[str]) -> None:
    """After a rotation new tokens have another kid, and tokens of both keys are turned back."""
    before = token()
    Path("data/tokens.key").rename("data/old.key")
    PATH.write_text(POLICY + "keys: {retired_tokens: [{file: ./data/old.key}]}\n")
    from_policy(load(PATH)).key("tokens")
    after = token()
    assert before.split("_")[3] != after.split("_")[3]
    assert main(["reveal", before, after]) == 0
    assert capfd.readouterr().out == f"{EMAIL}\n{EMAIL}\n"


def test_retired_keys_do_where_the_new_one_is_not_made_yet(capfd: pytest.CaptureFixture[str]) -> None:
    """Between a rotation and the first token under the new key, tokens of the retired one are turned back."""
    before = token()
    Path("data/tokens.key").rename("data/old.key")
    PATH.write_text(POLICY + "keys: {retired_tokens: [{file: ./data/old.key}]}\n")
    assert main(["reveal", before]) == 0
    printed = capfd.readouterr()
    assert printed.out == f"{EMAIL}\n"
    assert "only retired keys are tried" in printed.err
    assert not Path("data/tokens.key").exists()


def test_reading_makes_no_keys(capfd: pytest.CaptureFixture[str]) -> None:
    """Whoever has no key is told so; none is generated, neither as the current one nor as a retired one."""
    one = token()
    Path("data/tokens.key").unlink()
    assert main(["reveal", one]) == 1
    assert "there is no file" in capfd.readouterr().err
    assert not Path("data/tokens.key").exists()
    PATH.write_text(POLICY + "keys: {retired_tokens: [{file: ./data/old.key}]}\n")
    with pytest.raises(KeyUnavailable, match=r"retired_tokens\[0\]"):
        from_policy(load(PATH)).retired("tokens")
    assert not Path("data/old.key").exists()


def test_sealed_values_need_the_private_key(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """What was encrypted to a made pair is turned back with its private key, alone and in texts, and recorded."""
    assert main(["keygen", "--out", "keys"]) == 0
    sealing = Compiler(Keyring(from_policy(load(PATH))))(Action(do="encrypt", to="keys/seal.pub.pem"))
    sealed = sealing(finding("US_SSN", "078-05-1120"), "078-05-1120")
    capfd.readouterr()
    assert main(["reveal", "--private-key", "keys/seal.key.pem", sealed]) == 0
    assert capfd.readouterr().out == "078-05-1120\n"
    give(monkeypatch, f"[QUARANTINED:size:{sealed}] {token()}\n")
    assert main(["reveal", "--private-key", "keys/seal.key.pem", "-"]) == 0
    assert capfd.readouterr().out == f"[QUARANTINED:size:078-05-1120] {EMAIL}\n"
    assert [str(line["resource"]).rpartition(":")[2] for line in audit()] == ["US_SSN", "US_SSN", "EMAIL_ADDRESS"]


def test_a_second_pair_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    """``errorplane keygen`` overwrites nothing."""
    assert main(["keygen", "--out", "keys"]) == 0
    assert main(["keygen", "--out", "keys"]) == 1
    assert "exists already" in capfd.readouterr().err
