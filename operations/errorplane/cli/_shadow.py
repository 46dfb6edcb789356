"""``errorplane shadow``: what the policy in force and its shadow hide, side by side."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from errorplane.cli._admin import add_admin_argument, admin_of, ask
from errorplane.cli._main import CommandFailed, add_policy_argument, load_policy

_COLUMNS = ("entity", "key", "service", "current", "candidate")
_EPILOG = """\
A policy with redaction.shadow names another policy. The processor looks at requests with the redaction of both, and
sends on what its own one makes of them. The counts start with the processor, and anew with each reload.

examples:
  errorplane shadow
  errorplane shadow --all
  errorplane shadow --json | jq '.rows[] | select(.candidate < .current)'
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "shadow",
        help="compare what a candidate policy hides",
        description="Ask a running processor where the redaction of its policy and that of the shadow differ.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_policy_argument(parser)
    add_admin_argument(parser)
    parser.add_argument("--all", action="store_true", help="also rows where both hide the same")
    parser.add_argument("--json", action="store_true", help="print the whole table as one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the table; 1 if there is nothing to compare."""
    address = args.admin or admin_of(load_policy(args.policy))
    code, page = ask(address, "/shadow")
    if code != 200:
        raise CommandFailed(f"the processor at {address} answers {code}: {page.get('error')}")
    if args.json:
        print(json.dumps(page, indent=2))
    elif page["candidate"] is not None:
        rows = [row for row in page["rows"] if args.all or row["current"] != row["candidate"]]
        sys.stdout.writelines(f"{line}\n" for line in _text(page, rows))
    if page["candidate"] is None:
        raise CommandFailed("the processor runs no shadow: name a policy in redaction.shadow and reload with HUP")
    return 0


def _text(page: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    cells = [_COLUMNS, *(tuple(str(row[column]) for column in _COLUMNS) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS))]
    for line in cells if rows else ():
        texts = (cell.ljust(width) for cell, width in zip(line[:3], widths[:3], strict=True))
        numbers = (cell.rjust(width) for cell, width in zip(line[3:], widths[3:], strict=True))
        yield "  ".join((*texts, *numbers))
    requests = page["requests"]
    verdict = f"{len(rows)} rows" if rows else "no differences"
    left_out = "".join(f", {requests[name]} {name}" for name in ("skipped", "failed") if requests[name])
    yield f"{verdict} in {requests['compared']} requests compared{left_out}"
    yield f"policy {page['current']} in force, {page['candidate']} in its shadow"
