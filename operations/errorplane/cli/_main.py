"""The command line: one parser, one sub-command a module."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

# Each module has `add(subparsers)`; it sets `run` on its parser. Modules are named here, not discovered.
_COMMANDS = (
    "errorplane.cli._processor",
    "errorplane.cli._check",
    "errorplane.cli._cat",
    "errorplane.demo",
)
DEFAULT_POLICY = Path("errorplane.yaml")


class CommandFailed(Exception):
    """A command that cannot do what was asked; the text says what to do, the code is the exit status."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    parser = build_parser()
    args = parser.parse_args(argv)
    try:
        return int(args.run(args))
    except CommandFailed as failure:
        print(f"errorplane: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        return 130


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command; the documentation is made from it."""
    parser = argparse.ArgumentParser(
        prog="errorplane",
        description="The error control plane for OpenTelemetry.",
        epilog="Every command has its own --help with examples.",
    )
    parser.add_argument("--version", action="version", version=f"errorplane {version('errorplane')}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in _COMMANDS:
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] == "errorplane":
                raise
            _add_unavailable(subparsers, name, error.name)
        else:
            module.add(subparsers)
    return parser


def _add_unavailable(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], name: str, missing: str) -> None:
    """A command whose extra is not installed still exists, and says what to install."""
    command = name.rpartition(".")[2].removeprefix("_")
    extra = "operations" if command == "demo" else "processor"
    parser = subparsers.add_parser(command, help=f"needs: pip install 'errorplane[{extra}]'", add_help=False)
    parser.add_argument("rest", nargs=argparse.REMAINDER)

    def run(args: argparse.Namespace) -> int:
        raise CommandFailed(
            f"`errorplane {command}` needs the package {missing}: pip install 'errorplane[{extra}]'", code=2
        )

    parser.set_defaults(run=run)


def add_policy_argument(parser: argparse.ArgumentParser) -> None:
    """The option that every command has."""
    parser.add_argument(
        "--policy",
        type=Path,
        default=DEFAULT_POLICY,
        metavar="FILE",
        help="the policy file (default: ./errorplane.yaml)",
    )
