"""``errorplane replay``: what a policy would have kept of recorded telemetry, and another one beside it."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from errorplane.cli._main import CommandFailed, add_policy_argument, load_policy
from errorplane.keys import KeyUnavailable, SealError
from errorplane.redaction import ExtraUnavailable
from errorplane.replay import BadRecording, Progress, Recording, Replay, as_text

_USAGE = 2
_EPILOG = """\
Files hold OTLP JSON lines, as file destinations and the Collector's file exporter write them, or frames: that
exporter's protobuf, and what it compresses. Several files are read side by side, in the order of the times in them, so
that spans and their logs meet. What is tried is the processor itself, with the times in the data for a clock: it
redacts, finds errors, waits, and decides. Nothing is sent, and nothing that the policy names is opened; what waits is
encrypted in a folder under TMPDIR, at most journal.max_bytes.

traces, errors, fingerprints, bytes and their kept parts: errors are occurrences, however many spans tell of one, those
of log records without a trace included; bytes are those of protobuf after redaction. count_error is the largest
relative error of the numbers of traces, errors and log records without a trace as they are estimated from what was
kept: each item by its probability, and what budgets suppressed by its count.

exit status: 0 done, 1 something in the files cannot be taken, 2 they cannot be read, or wrong usage

examples:
  errorplane replay traces.jsonl
  errorplane replay --policy candidate.yaml --against errorplane.yaml traces.pb logs.pb
  errorplane cat out/ | errorplane replay --policy candidate.yaml --json - | jq .error_recall
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = subparsers.add_parser(
        "replay",
        help="show what a policy would have kept of recorded telemetry",
        description="Decide recorded telemetry by a policy as the processor would have, and show what it would keep.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a recording; - is standard input")
    add_policy_argument(parser)
    parser.add_argument("--against", type=Path, metavar="FILE", help="show the differences to this policy, too")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Replay every file; 1 if something in them could not be taken."""
    policy = load_policy(args.policy, _USAGE)
    against = None if args.against is None else load_policy(args.against, _USAGE)
    progress = Progress(sys.stderr, sys.stderr.isatty(), _size(args.files))
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="errorplane-replay-"))
        recordings = [stack.enter_context(_opened(name)) for name in args.files]
        try:
            replay = stack.enter_context(Replay(policy, against, Path(folder)))
            replay.run(recordings, progress)
        except (BadRecording, ExtraUnavailable, KeyUnavailable, SealError) as error:
            raise CommandFailed(str(error), _USAGE) from error
        finally:
            progress.clear()
        document = replay.document()
    for recording in recordings:
        if recording.cut:
            print(f"errorplane: {recording.name}: the end is left out: it is not complete", file=sys.stderr)
    for refusal in replay.refusals:
        print(f"errorplane: {refusal}", file=sys.stderr)
    if args.json:
        print(json.dumps(document, indent=2))
    else:
        print("\n".join(as_text(document)))
    return 1 if replay.refused else 0


@contextlib.contextmanager
def _opened(name: str) -> Iterator[Recording]:
    try:
        if name == "-":
            if sys.stdin is None:
                raise CommandFailed("-: cannot be read: standard input is closed", _USAGE)
            with open(sys.stdin.fileno(), "rb", closefd=False) as stream:
                yield Recording(stream, name)
        else:
            with open(name, "rb") as stream:
                yield Recording(stream, name)
    except IsADirectoryError:
        raise CommandFailed(f"{name}: is a folder: name the files in it", _USAGE) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandFailed(f"{name}: cannot be read: {error.strerror}", _USAGE) from error


def _size(names: Sequence[str]) -> int:
    """Bytes of all files; 0 if one is a pipe."""
    sizes = [Path(name).stat().st_size if Path(name).is_file() else 0 for name in names]
    return sum(sizes) if all(sizes) else 0
