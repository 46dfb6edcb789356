"""``errorplane scan``: what would be hidden in recorded logs and telemetry, and what leaks."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

from errorplane.cli._main import DEFAULT_POLICY, CommandFailed, discard_output, load_policy
from errorplane.keys import SealError
from errorplane.policy import Policy
from errorplane.redaction import ExtraUnavailable
from errorplane.scan import (
    FORMATS,
    PACK_NAMES,
    Checker,
    Leaks,
    Lines,
    Progress,
    Runner,
    Scanner,
    Tally,
    checker_of,
    rules_of,
    summary,
)

_USAGE = 2
_EPILOG = """\
formats:
  text    each line is a text
  ndjson  each line is a JSON document; keys are context, the redacted line is JSON again
  otlp    each line is an Export request as OTLP JSON, as file destinations and the Collector's file exporter write it

The redacted lines go to standard output, what was counted to standard error. With --json, one object for each line:
text (after redaction), entities (type, start and end in code points of the line as it was, score, action, and path
except in texts), and where they apply quarantined, note and the rule that forbids an entity. What cannot be scanned
is quarantined: lines that are not UTF-8 or endless, texts of more than a million characters.

Tokens, hashes and the like are made with keys of this run: they are equal for equal values, and nothing opens them.
With redaction.ner, names are looked for in texts, in JSON strings of several words, and in requests where the processor
does: messages of exceptions and statuses, bodies of error logs.

exit status: 0 scanned, 1 with --fail-on-leak: something leaks, or could not be scanned, 2 cannot read, or wrong usage

examples:
  errorplane scan app.log
  tail -f app.log | errorplane scan -
  errorplane scan --policy candidate.yaml --format ndjson --json app.ndjson | jq '.entities[].type'
  errorplane cat out/ | errorplane scan --format otlp --pack hipaa --fail-on-leak -
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "scan",
        help="show what a policy hides in recorded logs and telemetry",
        description="Scan recorded logs or telemetry as the processor would, and show what it would make of them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", metavar="FILE", help="what to scan; - is standard input")
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="the policy file (default: ./errorplane.yaml if there, else the default detectors)",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="what a line is (default: text)")
    parser.add_argument("--json", action="store_true", help="print one JSON object for each line")
    parser.add_argument(
        "--pack",
        action="append",
        choices=PACK_NAMES,
        default=[],
        help="look for what this pack forbids too, and cite its rules; may be repeated",
    )
    parser.add_argument(
        "--destination", metavar="NAME", help="show the policy's actions for this destination (default: those for all)"
    )
    parser.add_argument(
        "--fail-on-leak",
        action="store_true",
        help="exit 1 if something is found that a --pack forbids (without one: anything) or that cannot be scanned",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Scan every file; 1 if something leaks and that was asked for."""
    policy = _policy(args.policy)
    if args.destination is not None and (policy is None or args.destination not in policy.destinations):
        known = ", ".join(policy.destinations) if policy else "none without a policy"
        raise CommandFailed(f"--destination: {args.destination}: there are {known}", _USAGE)
    forbidden = rules_of(args.pack)
    runner = Runner(Scanner(_checker(policy, args), args.format), _output(args.json), forbidden)
    command = _Command(runner, Progress(sys.stderr, sys.stderr.isatty() and not sys.stdout.isatty()))
    interrupted = False
    try:
        for name in args.paths:
            with _opened(name) as stream:
                command.scan(stream, name)
    except KeyboardInterrupt:
        interrupted = True
    command.finish(interrupted)
    if interrupted:
        return 130
    return int(args.fail_on_leak and command.leaks(by_rule=bool(forbidden)))


class _Command:
    """One run: lines out, progress, and the count of everything."""

    def __init__(self, runner: Runner, progress: Progress) -> None:
        self._runner = runner
        self._progress = progress
        self._told = Leaks(sys.stderr)
        self._tally = Tally()
        self._bytes = 0

    def scan(self, stream: BufferedReader, name: str) -> None:
        lines = Lines(stream)
        before, number = self._bytes, 1
        total = _size(stream)
        for batch in lines.batches():
            done = self._runner.run(batch, name, number)
            number += len(batch)
            self._tally.add(done.tally)  # before the lines are seen, so that an interrupt then counts them
            self._bytes = before + lines.bytes_read
            _write(done.output)
            if done.leaks:
                self._progress.clear()
                self._told.tell(done.leaks)
            self._progress.at(lines.bytes_read, total, self._tally)

    def finish(self, interrupted: bool) -> None:
        self._progress.clear()
        if interrupted:
            print("interrupted; so far:", file=sys.stderr)
        for line in summary(self._tally, self._bytes, self._progress.elapsed_s):
            print(line, file=sys.stderr)

    def leaks(self, by_rule: bool) -> bool:
        """Whether something was found that is forbidden; what could not be scanned may be."""
        found = self._tally.leaks if by_rule else self._tally.entities
        return bool(found or self._tally.quarantined)


def _policy(path: Path | None) -> Policy | None:
    if path is None and not DEFAULT_POLICY.exists():
        return None
    return load_policy(path or DEFAULT_POLICY, _USAGE)


def _checker(policy: Policy | None, args: argparse.Namespace) -> Checker:
    try:
        return checker_of(policy, args.pack, args.destination)
    except (ExtraUnavailable, SealError) as error:
        raise CommandFailed(str(error), _USAGE) from error


def _output(as_json: bool) -> str:
    if as_json:
        return "json"
    if not sys.stdout.isatty():
        return "plain"
    return "terminal" if os.environ.get("NO_COLOR") else "colours"


def _write(output: bytes) -> None:
    try:
        sys.stdout.buffer.write(output)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output()
        raise CommandFailed(f"standard output: cannot be written: {error.strerror}", _USAGE) from error


@contextmanager
def _opened(name: str) -> Iterator[BufferedReader]:
    try:
        if name == "-":
            if sys.stdin is None:
                raise CommandFailed("-: cannot be read: standard input is closed", _USAGE)
            with open(sys.stdin.fileno(), "rb", closefd=False) as stream:
                yield stream
        else:
            with open(name, "rb") as stream:
                yield stream
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandFailed(f"{name}: cannot be read: {error.strerror}", _USAGE) from error


def _size(stream: BufferedReader) -> int | None:
    """Bytes of a regular file."""
    try:
        return os.fstat(stream.fileno()).st_size or None
    except OSError:
        return None
