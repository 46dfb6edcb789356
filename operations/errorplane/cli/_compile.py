"""``errorplane compile``: write what others read of a policy."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from errorplane.cli._main import CommandFailed, add_policy_argument, load_policy
from errorplane.policy import application_settings

_EPILOG = """\
DIR/application.json   what applications hide in their own output (ERRORPLANE_SETTINGS names it to them)

examples:
  errorplane compile --out build
  errorplane compile --policy production.yaml --out /etc/errorplane
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "compile",
        help="write the settings that applications read",
        description="Write what applications need of a policy, which neither read YAML nor know the whole of it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to; made if missing")
    add_policy_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write every file and say its name."""
    policy = load_policy(args.policy)
    target = args.out / "application.json"
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        _replace(target, json.dumps(application_settings(policy), indent=2) + "\n")
    except OSError as error:
        raise CommandFailed(f"{target}: cannot be written: {error.strerror}") from error
    print(target)
    return 0


def _replace(target: Path, text: str) -> None:
    """Write as a whole: an application may read it at any time."""
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(target)
