"""``errorplane boost``: keep more of a service, a fingerprint or a deployment until a time."""

from __future__ import annotations

import argparse
import datetime
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from errorplane.access import local_actor
from errorplane.cli._admin import add_admin_argument, admin_of, ask
from errorplane.cli._main import CommandFailed, add_policy_argument, load_policy
from errorplane.keys import KeyUnavailable, from_policy
from errorplane.pipeline import admin_token
from errorplane.policy import Policy
from errorplane.policy._units import parse_duration

_USAGE, _NOT_ALLOWED = 2, 3
_EPILOG = """\
A running processor keeps what a boost names with the probability --keep where that is higher than the policy's, and
no limit or budget of a rule holds it back; what a rule drops outright stays dropped. Of each option that is given, one
name must be in a trace. A deployment is known by service.version or deployment.environment.name, of what comes after
the boost began. Boosts end by themselves, and outlive a restart of the processor. `errorplane why` gives their verdicts
the reason boost; /stats shows those in force.

Starting and ending one needs the policy's journal key, with which the call is signed, and leaves a line in audit.jsonl
in the journal's folder. Without an option, those in force are listed.

exit status: 0 done, 1 no processor answers, or not as asked, 2 wrong usage, 3 not allowed or not recorded

examples:
  errorplane boost
  errorplane boost --service checkout --for 30m --reason "INC-4711"
  errorplane boost --fingerprint v1:0123456789abcdef --keep 0.5 --until 2026-11-25T18:00:00Z
  errorplane boost --deployment 1.4.2 --for 2h --json
  errorplane boost --end 5f2c9a01
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "boost",
        help="keep more of a service, fingerprint or deployment for a while",
        description="Raise what a running processor keeps of a service, a fingerprint or a deployment, until a time.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name in ("service", "fingerprint", "deployment"):
        parser.add_argument(f"--{name}", action="append", default=[], metavar="NAME", help="may be repeated")
    parser.add_argument("--keep", type=float, default=1.0, metavar="SHARE", help="above 0, at most 1 (default: 1)")
    end = parser.add_mutually_exclusive_group()
    end.add_argument("--for", dest="length", metavar="DURATION", help="how long, such as 30m; at most 7d")
    end.add_argument("--until", metavar="TIME", help="until when, such as 2026-11-25T18:00:00Z")
    end.add_argument("--end", metavar="ID", help="end this boost now")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the audit")
    add_policy_argument(parser)
    add_admin_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start, end or list."""
    named = args.service or args.fingerprint or args.deployment
    if named and args.end is None and args.length is None and args.until is None:
        raise CommandFailed("say how long, with --for 30m or --until TIME", _USAGE)
    if not named and (args.length is not None or args.until is not None):
        raise CommandFailed("name what to boost, with --service, --fingerprint or --deployment", _USAGE)
    policy = load_policy(args.policy)
    address = args.admin or admin_of(policy)
    if args.end is not None:
        _show(args, _changed(address, f"/boost/{args.end}", "DELETE", None, policy), "ended")
    elif named:
        _show(args, _changed(address, "/boost", "POST", _asked(args), policy), "in force")
    else:
        page = _checked(address, *ask(address, "/boost"))
        print(json.dumps(page, indent=2) if args.json else "\n".join(_lines(page["boosts"])))
    return 0


def _asked(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "services": args.service,
        "fingerprints": args.fingerprint,
        "deployments": args.deployment,
        "keep": args.keep,
        "until": _until(args),
        "actor": local_actor().name,
        "reason": args.reason,
    }


def _until(args: argparse.Namespace) -> float:
    """Unix seconds."""
    try:
        if args.length is not None:
            return time.time() + parse_duration(args.length)
        moment = datetime.datetime.fromisoformat(args.until)
    except ValueError:
        wanted = "a duration such as 30m" if args.length is not None else "a time such as 2026-11-25T18:00:00Z"
        raise CommandFailed(f"{args.length or args.until}: must be {wanted}", _USAGE) from None
    if moment.tzinfo is None:
        raise CommandFailed(f"{args.until}: say the time zone, such as {args.until}Z", _USAGE)
    return moment.timestamp()


def _changed(address: str, path: str, method: str, body: Mapping[str, Any] | None, policy: Policy) -> Mapping[str, Any]:
    try:
        token = admin_token(from_policy(policy, generate=False))
    except KeyUnavailable as error:
        raise CommandFailed(f"not allowed: {error}", _NOT_ALLOWED) from error
    return _checked(address, *ask(address, path, method, body, token, local_actor().name))


def _checked(address: str, code: int, document: Mapping[str, Any]) -> Mapping[str, Any]:
    if code < 300:
        return document
    status = {400: _USAGE, 401: _NOT_ALLOWED, 403: _NOT_ALLOWED}.get(code, 1)
    raise CommandFailed(f"the processor at {address} answers {code}: {document.get('error')}", status)


def _show(args: argparse.Namespace, boost: Mapping[str, Any], state: str) -> None:
    if args.json:
        print(json.dumps(boost, indent=2))
    else:
        print(f"{_line(boost)}  {state}")


def _lines(boosts: list[Mapping[str, Any]]) -> Iterator[str]:
    yield from map(_line, boosts)
    if not boosts:
        yield "no boost is in force"


def _line(boost: Mapping[str, Any]) -> str:
    names = [f"{kind} {name}" for kind in ("service", "fingerprint", "deployment") for name in boost[f"{kind}s"]]
    until = datetime.datetime.fromtimestamp(boost["until"], datetime.UTC).isoformat(timespec="seconds")
    by = f"  by {boost['actor']}" if boost["actor"] else ""
    why = f"  ({boost['reason']})" if boost["reason"] else ""
    return f"{boost['id']}  {', '.join(names)}  keep {boost['keep']:g}  until {until.replace('+00:00', 'Z')}{by}{why}"
