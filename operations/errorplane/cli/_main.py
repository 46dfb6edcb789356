"""The command line: one parser, one sub-command a module."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from errorplane.policy import Policy

# Command -> module with `add(subparsers)`, which sets `run` on its parser; named here, not discovered.
_COMMANDS = {
    "processor": "errorplane.cli._processor",
    "check": "errorplane.cli._check",
    "compile": "errorplane.cli._compile",
    "doctor": "errorplane.cli._doctor",
    "cat": "errorplane.cli._cat",
    "scan": "errorplane.cli._scan",
    "shadow": "errorplane.cli._shadow",
    "why": "errorplane.cli._why",
    "replay": "errorplane.cli._replay",
    "boost": "errorplane.cli._boost",
    "reveal": "errorplane.cli._reveal",
    "keygen": "errorplane.cli._keygen",
    "demo": "errorplane.demo",
}
DEFAULT_POLICY = Path("errorplane.yaml")


class CommandFailed(Exception):
    """A command that cannot do what was asked; the text says what to do, the code is the exit status."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 141 reader gone."""
    words = list(sys.argv[1:] if argv is None else argv)
    # What comes after `--` of a command that starts another one is that one's, with its options.
    at = words.index("--") if words[:1] == ["doctor"] and "--" in words else len(words)
    words, after = words[:at], words[at + 1 :]
    # Only the command that was named is imported: `errorplane check` need not wait for gRPC and the pipeline.
    named = words[:1] if words and words[0] in _COMMANDS else _COMMANDS
    try:
        args = build_parser(named).parse_args(words, argparse.Namespace(after=after))
        return int(args.run(args))
    except CommandFailed as failure:
        print(f"errorplane: {failure}", file=sys.stderr)
        return failure.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, such as head, has seen enough
        discard_output()
        return 141  # as if SIGPIPE had ended it


def discard_output() -> None:
    """Let what could not be written be, else the flush at exit complains."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def build_parser(commands: Iterable[str] = tuple(_COMMANDS)) -> argparse.ArgumentParser:
    """The parser with these commands, all by default; the documentation is made from it."""
    parser = argparse.ArgumentParser(
        prog="errorplane",
        description="The error control plane for OpenTelemetry.",
        epilog="Every command has its own --help with examples.",
    )
    parser.add_argument("--version", action="version", version=f"errorplane {version('errorplane')}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in commands:
        try:
            module = importlib.import_module(_COMMANDS[command])
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] == "errorplane":
                raise
            _add_unavailable(subparsers, command, error.name)
        else:
            module.add(subparsers)
    return parser


def _add_unavailable(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser], command: str, missing: str
) -> None:
    """A command whose extra is not installed still exists, and says what to install."""
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


def load_policy(path: Path, code: int = 1) -> Policy:
    """The policy in a file. Raises ``CommandFailed`` with this code and every mistake."""
    from errorplane.policy import PolicyError, load  # here, so that --help need not wait for it

    try:
        return load(path)
    except PolicyError as error:
        raise CommandFailed(str(error), code) from error
