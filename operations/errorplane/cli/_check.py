"""``errorplane check``: read a policy and report every mistake in it."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from errorplane.cli._main import add_policy_argument
from errorplane.policy import check

_EPILOG = """\
exit status: 0 the policy is valid (warnings are printed), 1 it is not

examples:
  errorplane check
  errorplane check production.yaml --json
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "check",
        help="check a policy file",
        description="Read a policy and report every mistake in it, with file, line and what is allowed.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="the policy (default: that of --policy)")
    add_policy_argument(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print every problem; 1 if one of them is an error."""
    path: Path = args.file or args.policy
    problems = check(path)
    errors = [problem for problem in problems if problem.level == "error"]
    if args.json:
        document = {"file": str(path), "valid": not errors, "problems": [asdict(problem) for problem in problems]}
        print(json.dumps(document, indent=2, default=str))
    else:
        for problem in problems:
            print(problem, file=sys.stderr if problem.level == "error" else sys.stdout)
        if not errors:
            print(f"{path}: valid")
    return 1 if errors else 0
