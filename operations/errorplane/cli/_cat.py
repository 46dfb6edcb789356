"""``errorplane cat``: print what a file destination holds, encrypted segments too."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from errorplane.access import AllowAll, local_actor
from errorplane.cli._main import CommandFailed, add_policy_argument, load_policy
from errorplane.keys import KeyUnavailable, from_policy
from errorplane.otlp import SegmentError, read_segment

_EPILOG = """\
Every call leaves a line in audit.jsonl in the journal's folder: who read which file.

examples:
  errorplane cat out/audit/2026-11-24.jsonl
  errorplane cat out/audit/2026-11-24.jsonl.enc | jq .
  errorplane cat out/
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "cat",
        help="print the OTLP JSON lines of file destinations",
        description="Print the OTLP JSON lines of files, segments and folders of segments; encrypted ones are opened.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths", type=Path, nargs="+", metavar="PATH", help="a file, a segment, or a folder of segments"
    )
    add_policy_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print every line of every path, in the order of the names."""
    policy = load_policy(args.policy)
    access = AllowAll(policy.journal.path / "audit.jsonl")
    keys = from_policy(policy)
    for path in _segments(args.paths):
        decision = access.decide(local_actor(), "error-data.read", str(path.resolve()))
        if not decision.allowed:
            raise CommandFailed(f"{path}: not allowed: {decision.reason}")
        try:
            key = keys.key("segments") if path.suffix == ".enc" else None
            for line in read_segment(path, key):
                sys.stdout.buffer.write(line.rstrip(b"\n") + b"\n")
        except BrokenPipeError:
            raise
        except SegmentError as error:
            raise CommandFailed(str(error)) from error
        except (OSError, KeyUnavailable) as error:
            raise CommandFailed(f"{path}: {error}") from error
    return 0


def _segments(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            raise CommandFailed(f"{path}: there is no such file or folder")
        if path.is_dir():
            yield from sorted((*path.rglob("*.jsonl"), *path.rglob("*.jsonl.enc")))
        else:
            yield path
