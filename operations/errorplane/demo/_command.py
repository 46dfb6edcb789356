"""``errorplane demo``."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from errorplane.cli import CommandFailed
from errorplane.demo._folder import Folder
from errorplane.demo._play import Settings, play
from errorplane.demo._progress import Progress
from errorplane.demo._report import print_report, print_verdict
from errorplane.demo._result import document, evaluate
from errorplane.demo._stage import orderly_end

_DEFAULT_POLICY = Path("errorplane.yaml")
_DURATION_S = 14.0
_LONGEST_S = 60.0
_EPILOG = """\
exit status: 0 every error that the shop raised is there and nothing leaked, 1 not so, or something did not work

examples:
  errorplane demo
  errorplane demo --collector               # with the real Collector before and behind the processor
  errorplane demo --policy mine.yaml        # your rules; addresses, journal and destinations are the demo's
  errorplane demo --json --out /tmp/run | jq .errors
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "demo",
        help="start a small shop, let it fail, show what becomes of its errors",
        description="Start a small shop of instrumented services, let them fail, and show what errorplane did with "
        "their errors. Takes about half a minute; everything runs on this machine and ends by itself.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="rules to use (default: ./errorplane.yaml if there, else its own)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out/demo"), metavar="DIR", help="where files go (default: ./out/demo)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document instead of the report")
    parser.add_argument("--collector", action="store_true", help="run through an agent and a gateway Collector")
    parser.add_argument(
        "--duration",
        type=_seconds,
        default=_DURATION_S,
        metavar="SECONDS",
        help=f"how long customers come (default: {_DURATION_S:g}, at most {_LONGEST_S:g})",
    )
    parser.add_argument("--seed", default="1", metavar="TEXT", help="same seed, same customers (default: 1)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Play, verify, report."""
    progress = Progress()
    settings = Settings(_policy(args.policy, progress), args.out, args.collector, args.duration, args.seed)
    folder = Folder(settings.out)
    try:
        with orderly_end(), folder.claimed(), tempfile.TemporaryDirectory(prefix="errorplane-demo-") as scratch:
            played = play(settings, folder, Path(scratch), progress)
            progress.say("comparing what the shop knows with what arrived")
            result = evaluate(settings, folder, played)
    except KeyboardInterrupt:
        progress.say("interrupted: everything that was started has ended")
        raise
    if args.json:
        json.dump(document(result, progress.elapsed_s), sys.stdout, indent=2)
        print()
        print_verdict(result, progress.elapsed_s, sys.stderr)
    else:
        print_report(result, progress.elapsed_s)
    return 0 if result.passed else 1


def _policy(given: Path | None, progress: Progress) -> Path | None:
    if given is not None and not given.is_file():
        raise CommandFailed(f"{given}: there is no such file")
    if given is None and _DEFAULT_POLICY.is_file():
        given = _DEFAULT_POLICY
    if given is not None:
        progress.say(f"the rules are those of {given}; addresses, journal and destinations are the demo's")
    return given


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1.0 <= seconds <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"must be 1 to {_LONGEST_S:g} seconds")
    return seconds
