"""``errorplane doctor`` and ``python -m errorplane.doctor``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from errorplane.doctor._code import check_source
from errorplane.doctor._endpoint import check_endpoints
from errorplane.doctor._facts import Facts
from errorplane.doctor._finding import Finding
from errorplane.doctor._render import as_json, as_text
from errorplane.doctor._run import CannotWatch, watch
from errorplane.doctor._setup import check_setup, check_variables

DESCRIPTION = "Say what is attached to an application, and what is wrong with its set-up and its source."
EPILOG = """\
Without --app and command, a Python is started that only starts OpenTelemetry, with the variables that are set here.
With one, the application starts as well, and what it does at its start it really does: run it where that may be. Its
exporters send nothing meanwhile; the doctor itself connects to the endpoints, and sends nothing either. A command that
begins with opentelemetry-instrument is started as that would start it.

PATHs are read, never imported or run.

exit status: 0 nothing of severity error, 1 something, 2 wrong usage, or the application could not be watched

examples:
  errorplane doctor
  errorplane doctor src/
  errorplane doctor --app shop.main:app --json
  errorplane doctor --wait 20 -- opentelemetry-instrument gunicorn shop.main:app
"""
_USAGE = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="source to check: files, or folders with all below"
    )
    parser.add_argument("--app", metavar="MODULE[:NAME]", help="import this module under OpenTelemetry, and look then")
    parser.add_argument(
        "--wait",
        type=float,
        default=10.0,
        metavar="SECONDS",
        help="how long an application may take to start (default: 10)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command by itself; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m errorplane.doctor",
        usage="%(prog)s [--json] [--wait SECONDS] [--app MODULE[:NAME]] [PATH ...] [-- COMMAND ...]",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_arguments(parser)
    words, command = split(sys.argv[1:] if argv is None else argv)
    return run(parser.parse_args(words), command)


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """The doctor's own words, and the command after `--`."""
    listed = list(words)
    at = listed.index("--") if "--" in listed else len(listed)
    return listed[:at], listed[at + 1 :]


def run(args: argparse.Namespace, command: Sequence[str] = ()) -> int:
    """Print the report; 1 if an error is in it, 2 if it cannot be made."""
    missing = [path for path in args.paths if not path.exists()]
    if missing or (args.app and command) or args.wait <= 0:
        wrong = f"{missing[0]}: there is no such file" if missing else "give --app or a command, and a positive --wait"
        print(f"errorplane doctor: {wrong}", file=sys.stderr)
        return _USAGE
    try:
        processes = watch(_application(args.app) if args.app else command, wait_s=args.wait)
    except CannotWatch as reason:
        print(f"errorplane doctor: {reason}", file=sys.stderr)
        return _USAGE
    findings = _findings(processes, args.paths)
    checked = "set-up, endpoints" + (
        f", source below {', '.join(map(str, args.paths))}" if args.paths else "; no source: name PATHs"
    )
    print(as_json(processes, findings) if args.json else as_text(processes, findings, checked))
    return int(any(finding.rule.severity == "error" for finding in findings))


def _findings(processes: Sequence[Facts], paths: Sequence[Path]) -> list[Finding]:
    exporters = [exporter for facts in processes for exporter in facts.exporters]
    source = check_source(paths)
    told = {(finding.rule, os.path.realpath(finding.where)) for finding in source}
    setup = (finding for facts in processes for finding in check_setup(facts))
    return [
        *(finding for finding in setup if (finding.rule, os.path.realpath(finding.where)) not in told),
        *check_variables(os.environ),
        *check_endpoints(exporters),
        *source,
    ]


def _application(named: str) -> list[str]:
    """Import it as a server does: with the current folder first."""
    module, _, attribute = named.partition(":")
    code = f"import importlib, operator; found = importlib.import_module({module!r})"
    if attribute:
        code += f"; operator.attrgetter({attribute!r})(found)"
    return ["opentelemetry-instrument", sys.executable, "-c", code]
