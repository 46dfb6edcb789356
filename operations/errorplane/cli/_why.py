"""``errorplane why``: what was decided about a trace, and by which rule."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from errorplane.access import AllowAll, local_actor
from errorplane.cli._admin import NoAnswer, add_admin_argument, admin_of, ask
from errorplane.cli._main import CommandFailed, add_policy_argument, load_policy
from errorplane.journal import JournalError, WrongKey, describe, read_verdict, undecided, unknown, waits
from errorplane.keys import KeyUnavailable, from_policy
from errorplane.policy import PolicyError, load

_NOT_ALLOWED = 3
_TRACE_ID = re.compile(r"(?!0{32})[0-9a-fA-F]{32}")
_REASONS = {
    "rule": "the rule keeps everything that it matches",
    "probability": "the trace id fell on this side of the rule's probability",
    "drop": "the rule drops everything that it matches",
    "rate": "a limit of the rule, or its share of a total, was used up",
    "budget": "the rule's budget for the error's fingerprint had some left, or nothing",
    "bytes": "it is healthy, and beyond what a destination's daily byte budget leaves",
    "room": "it is healthy, and the journal had no room for it",
    "boost": "a boost raised the rule's probability, and the trace id fell on this side of that",
    "no_rule": "no rule matched",
    "late": "it arrived after its trace was decided, and followed that",
    "waiting": "its window is open; it is decided when that closes, or when the processor starts again",
}
_EPILOG = """\
It asks the processor at --admin, or reads the journal in the folder --journal, of a processor that is stopped or runs.
With neither, it asks at listen.admin of the policy, and reads journal.path if nobody answers there. Verdicts are
remembered for journal.remember, and for less while they fill their share of the journal. Of a trace that waits for its
verdict the journal tells only where the policy's key opens it. Every call leaves a line in audit.jsonl in the journal's folder.

exit status: 0 the trace is known, 1 it is not, or nothing could be asked, 2 wrong usage, 3 not allowed or not recorded

examples:
  errorplane why 4bf92f3577b34da6a3ce929d0e0e4736
  errorplane why --admin 127.0.0.1:4319 4bf92f3577b34da6a3ce929d0e0e4736
  errorplane why --journal /var/lib/errorplane --json 4bf92f3577b34da6a3ce929d0e0e4736 | jq .rule
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "why",
        help="tell why a trace was kept or dropped",
        description="Tell what was decided about a trace, kept or dropped: by which rule, for what reason, when.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("trace_id", metavar="TRACE_ID", help="32 hex digits")
    add_policy_argument(parser)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--journal", type=Path, metavar="PATH", help="read the journal in this folder")
    add_admin_argument(where)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the verdict; 1 if the trace is not known."""
    trace_id: str = args.trace_id.lower()
    if not _TRACE_ID.fullmatch(trace_id):
        raise CommandFailed(f"{args.trace_id[:80]}: a trace id is 32 hex digits, not all zero", code=2)
    document = _explained(args, trace_id)
    known = document["verdict"] != "unknown"
    if args.json:
        print(json.dumps(document, indent=2))
    elif known:
        print("\n".join(_text(document)))
    if not known:
        raise CommandFailed(
            f"trace {trace_id} is unknown: it never came here, or its verdict is older than those remembered"
        )
    return 0


def _explained(args: argparse.Namespace, trace_id: str) -> Mapping[str, Any]:
    if args.journal is not None:
        return _from_journal(args.journal, trace_id, args.policy)
    if args.admin is not None:
        return _from_processor(args.admin, trace_id)
    policy = load_policy(args.policy)
    address = policy.listen.admin
    if address is None or address.endswith(":0"):
        return _from_journal(policy.journal.path, trace_id, args.policy)
    try:
        return _from_processor(admin_of(policy), trace_id)
    except NoAnswer as silent:
        try:
            return _from_journal(policy.journal.path, trace_id, args.policy)
        except CommandFailed as failed:
            raise CommandFailed(f"{silent}\n{failed}", failed.code) from None


def _from_processor(address: str, trace_id: str) -> Mapping[str, Any]:
    code, document = ask(address, f"/why/{trace_id}")
    if "verdict" not in document:
        status = _NOT_ALLOWED if code == 403 else 1
        raise CommandFailed(f"the processor at {address} answers {code}: {document.get('error')}", status)
    return document


def _from_journal(path: Path, trace_id: str, policy: Path) -> Mapping[str, Any]:
    """From the folder that the policy names, or from the journal itself within it."""
    folder = path / "journal" if (path / "journal").is_dir() else path
    audit = folder.parent / "audit.jsonl"
    try:
        if not folder.is_dir():
            raise JournalError(f"{path} is no folder of a journal: name the one that journal.path of the policy names")
        decision = AllowAll(audit).decide(local_actor(), "verdicts.read", f"trace {trace_id}")
        if not decision.allowed:
            raise CommandFailed(f"not allowed: {decision.reason}", _NOT_ALLOWED)
        return _read(folder, bytes.fromhex(trace_id), policy)
    except JournalError as error:
        raise CommandFailed(str(error)) from error


def _read(folder: Path, trace_id: bytes, policy: Path) -> Mapping[str, Any]:
    record = read_verdict(folder, trace_id)
    if record is not None:
        return describe(trace_id, record)
    try:
        key = from_policy(load(policy), generate=False).key("journal")
        return undecided(trace_id, None) if waits(folder, trace_id, key) else unknown(trace_id)
    except (PolicyError, KeyUnavailable, WrongKey):
        return unknown(trace_id)


def _text(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"trace {document['trace_id']}: {document['verdict']}"
    meaning = _REASONS.get(document["reason"])
    reason = document["reason"] + (f": {meaning}" if meaning else "")
    rows = (("reason", reason), *((name, document.get(name)) for name in _ROWS))
    for name, value in rows:
        if value is not None:
            yield f"  {name.replace('_', ' '):<16}  {value}"


_ROWS = ("rule", "probability", "budget", "errors", "retention_class", "decided_at")
