"""``errorplane reveal``: turn tokens back, for those who have the keys, and leave an audit line for each."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

from errorplane.access import AccessPort, AllowAll, local_actor
from errorplane.cli._main import CommandFailed, add_policy_argument
from errorplane.keys import Key, KeyUnavailable, Opener, SealError, SourceProvider, from_policy
from errorplane.policy import Policy, PolicyError, effective_actions, load
from errorplane.redaction.actions import Revealed, Revealer, RevealError, domains_of

_NOT_ALLOWED = 3
_EPILOG = """\
Every token leaves a line in audit.jsonl in the journal's folder before its value is printed: who, which token (by
digest, kid and entity) and the reason; never the value. So does one that was named and cannot be turned back.

exit status: 0 all were turned back, 1 one could not be (the others are printed), 3 not allowed or not recorded

examples:
  errorplane reveal --reason "ticket 4711" tok_email_address_k3x7qa_...
  errorplane reveal --json tok_... tok_...
  grep order-17 export.jsonl | errorplane reveal -
  errorplane reveal --private-key keys/seal.key.pem enc_...
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "reveal",
        help="turn tokens back into what they stand for",
        description="Turn tokens back into what they stand for, in any domain of the policy, under current and retired "
        "keys.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "tokens", nargs="+", metavar="TOKEN", help="a token; - for texts on standard input, printed with values in them"
    )
    add_policy_argument(parser)
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the audit")
    parser.add_argument(
        "--domain",
        action="append",
        default=[],
        metavar="NAME",
        help="a domain that the policy does not name any more; may be repeated",
    )
    parser.add_argument("--private-key", type=Path, metavar="FILE", help="the private key for what was sealed (PEM)")
    parser.add_argument("--json", action="store_true", help="print one JSON object for each token")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what each token stands for; 1 if one cannot be turned back."""
    try:
        policy = load(args.policy)
        revealer = _revealer(policy, args)
    except (PolicyError, KeyUnavailable, SealError) as error:
        raise CommandFailed(str(error)) from error
    record = _Recorder(AllowAll(policy.journal.path / "audit.jsonl"), args.reason)
    show = _as_json if args.json else _as_value
    complete = True
    for token in args.tokens:
        if token == "-":
            _reveal_input(revealer, record, show if args.json else None)
        else:
            complete &= _reveal_one(revealer, record, show, token, args.json)
    return 0 if complete else 1


def _revealer(policy: Policy, args: argparse.Namespace) -> Revealer:
    opener = None if args.private_key is None else Opener.load(args.private_key)
    keys = from_policy(policy, generate=False)
    sealed_only = all(token.startswith("enc_") for token in args.tokens)
    secrets = () if sealed_only else _secrets(keys)
    return Revealer(domains_of(effective_actions(policy)) | set(args.domain), secrets, opener)


def _secrets(keys: SourceProvider) -> tuple[Key, ...]:
    """The current key and the retired ones; these alone where the current one has not been made yet."""
    retired = keys.retired("tokens")
    try:
        return (keys.key("tokens"), *retired)
    except KeyUnavailable as error:
        if not retired:
            raise
        print(f"errorplane: only retired keys are tried: {error}", file=sys.stderr)
        return tuple(retired)


class _Recorder:
    """Asks and records before a value is shown, each token once."""

    def __init__(self, access: AccessPort, reason: str) -> None:
        self._access = access
        self._reason = reason
        self._asked: set[str] = set()

    def __call__(self, revealed: Revealed) -> None:
        if revealed.token not in self._asked:
            self._ask("tokens.reveal", revealed.token, f"kid:{revealed.kid} entity:{revealed.entity}")
            self._asked.add(revealed.token)

    def refused(self, token: str) -> None:
        """Record that somebody tried."""
        self._ask("tokens.reveal.failed", token, "not turned back")

    def _ask(self, action: str, token: str, about: str) -> None:
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        decision = self._access.decide(local_actor(), action, f"token sha256:{digest} {about}", self._reason)
        if not decision.allowed:
            raise CommandFailed(f"not allowed: {decision.reason}", _NOT_ALLOWED)


def _reveal_one(
    revealer: Revealer, record: _Recorder, show: Callable[[Revealed], str], token: str, as_json: bool
) -> bool:
    try:
        revealed = revealer.one(token)
    except RevealError as error:
        record.refused(token)
        print(f"errorplane: {token[:80]} {error}", file=sys.stderr)
        if as_json:
            _print(json.dumps({"token": token, "error": str(error)}) + "\n")
        return False
    record(revealed)
    _print(show(revealed) + "\n")
    return True


def _reveal_input(revealer: Revealer, record: _Recorder, show: Callable[[Revealed], str] | None) -> None:
    """Standard input, line by line: with values in place of the tokens, or one object for each of them."""
    for raw in sys.stdin.buffer:
        line = raw.decode("utf-8", "surrogateescape")
        out: list[str] = []
        done = 0
        for start, end, revealed in revealer.places(line):
            record(revealed)
            out += (line[done:start], revealed.value) if show is None else (show(revealed), "\n")
            done = end
        _print("".join((*out, line[done:]) if show is None else out))


def _as_value(revealed: Revealed) -> str:
    return revealed.value


def _as_json(revealed: Revealed) -> str:
    names = ("token", "entity", "kid", "domain", "value")
    return json.dumps({name: getattr(revealed, name) for name in names})


def _print(text: str) -> None:
    try:
        data = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a pair of surrogates, which no encoding writes
        data = text.encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
