"""``errorplane doctor``: what is attached to an application, and what is wrong with its set-up."""

from __future__ import annotations

import argparse

from errorplane.doctor import DESCRIPTION, EPILOG, add_arguments
from errorplane.doctor import run as run_doctor


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "doctor",
        help="say what is attached to an application, and what is wrong with its set-up",
        usage="errorplane doctor [-h] [--json] [--wait SECONDS] [--app MODULE[:NAME]] [PATH ...] [-- COMMAND ...]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the report; 1 if an error is in it, 2 if it cannot be made."""
    return run_doctor(args, args.after)
