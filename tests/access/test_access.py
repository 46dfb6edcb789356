"""The port that decides and records."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

from errorplane.access import AccessPort, Actor, AllowAll, Decision, local_actor

ACTOR = Actor("ada", "os")
MOMENT = 1_700_000_000.25


def port(audit: Path) -> AccessPort:
    """The port under test with a clock that stands still."""
    return AllowAll(audit, clock=lambda: MOMENT)


def test_decision_is_recorded_before_it_is_given(tmp_path: Path) -> None:
    """One JSON line says when, who, what, to what, whether and why."""
    audit = tmp_path / "audit.jsonl"
    decision = port(audit).decide(ACTOR, "traces.read", "trace/1")
    assert decision == Decision(True, "everything is allowed")
    assert audit.read_text() == (
        '{"time": "2023-11-14T22:13:20.250000Z", "actor": "ada", "origin": "os", "action": "traces.read", '
        '"resource": "trace/1", "allowed": true, "reason": "everything is allowed"}\n'
    )


def test_audit_is_private(tmp_path: Path) -> None:
    """File 0600 and a new folder 0700, also where the file was open to others before."""
    audit = tmp_path / "new" / "audit.jsonl"
    port(audit).decide(ACTOR, "a", "r")
    assert oct(audit.stat().st_mode & 0o777) == "0o600"
    assert oct(audit.parent.stat().st_mode & 0o777) == "0o700"
    audit.chmod(0o644)
    port(audit).decide(ACTOR, "a", "r")
    assert oct(audit.stat().st_mode & 0o777) == "0o600"
    assert len(audit.read_text().splitlines()) == 2


def test_names_cannot_forge_a_line(tmp_path: Path) -> None:
    """Line breaks in a name stay inside its JSON text; endless names are cut."""
    audit = tmp_path / "audit.jsonl"
    port(audit).decide(Actor('x\n{"allowed": false}', "os"), "a\r\n", "r" * 100_000)
    (line,) = audit.read_bytes().splitlines()
    assert json.loads(line)["actor"] == 'x\n{"allowed": false}'
    assert len(line) < 5000


def test_torn_line_stays_alone(tmp_path: Path) -> None:
    """After a crash in the middle of a line, the next record starts on a line of its own."""
    audit = tmp_path / "audit.jsonl"
    audit.write_text('{"time": "20')
    port(audit).decide(ACTOR, "a", "r")
    torn, whole = audit.read_text().splitlines()
    assert torn == '{"time": "20'
    assert json.loads(whole)["actor"] == "ada"


def test_what_cannot_be_recorded_is_denied(tmp_path: Path) -> None:
    """Without a record there is no access."""
    (tmp_path / "file").write_text("")
    decision = port(tmp_path / "file" / "audit.jsonl").decide(ACTOR, "a", "r")
    assert not decision.allowed
    assert "cannot be written: [Errno 20] Not a directory" in decision.reason


def test_audit_does_not_follow_a_link(tmp_path: Path) -> None:
    """A link in the place of the audit file is not written through."""
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "elsewhere")
    assert not port(tmp_path / "audit.jsonl").decide(ACTOR, "a", "r").allowed
    assert not (tmp_path / "elsewhere").exists()


def test_processes_share_one_file(tmp_path: Path) -> None:
    """Lines of processes that write at the same time do not mix."""
    audit = tmp_path / "audit.jsonl"
    program = (
        "import sys, pathlib; from errorplane.access import Actor, AllowAll\n"
        f"port = AllowAll(pathlib.Path({str(audit)!r}))\n"
        "for n in range(100): assert port.decide(Actor(sys.argv[1], 'os'), 'a', 'r' * 200).allowed"
    )
    started = [subprocess.Popen([sys.executable, "-c", program, f"p{n}"]) for n in range(3)]
    assert [process.wait(timeout=60) for process in started] == [0, 0, 0]
    actors = [json.loads(line)["actor"] for line in audit.read_text().splitlines() if line]
    assert sorted(actors) == sorted(f"p{n}" for n in range(3) for _ in range(100))


def test_local_actor_is_the_user_of_the_process() -> None:
    """The actor of a command is the operating-system user that runs it."""
    assert local_actor() == Actor(pwd.getpwuid(os.geteuid()).pw_name, "os")
