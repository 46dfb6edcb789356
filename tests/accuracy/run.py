"""``make accuracy``: measure errorplane, Presidio and the Collector in one run, print the tables and write the page."""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path

from tests.accuracy import corpus, logs
from tests.accuracy.contenders import Collector, Contender, Errorplane, Presidio
from tests.accuracy.measure import folder_logs, generated_logs, parts
from tests.accuracy.page import BEGIN, END, Hits, comparison, everything, section
from tests.accuracy.page import logs as log_table

PAGE = Path(__file__).parents[2] / "docs" / "accuracy.md"
LOGHUB = "ERRORPLANE_LOGHUB"
_LOGHUB_BEGIN, _LOGHUB_END = "<!-- loghub: begin -->", "<!-- loghub: end -->"


def _conditions(seconds: float) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("presidio-analyzer", "phonenumbers", "spacy"))
    return (
        f"Measured on {datetime.date.today().isoformat()} in {seconds:.0f} s on {os.cpu_count()} cores ({platform.machine()}, "
        f"{platform.system()}, CPython {platform.python_version()}): errorplane {version('errorplane')}, {packages}, the "
        f"Collector of `collector-config/distribution` with redactionprocessor v0.152.0. Seeds: telemetry {corpus.SEED} "
        f"({corpus.VALUES} values of each kind in each template, {corpus.VALUES_OF_IDENTIFIERS} of rarer ones), logs {logs.SEED} ({logs.COUNT:,} lines).\n"
    )


def measured(contenders: list[Contender]) -> str:
    """The part of the page that this run makes."""
    started = time.monotonic()
    scored = parts(contenders)
    lines = generated_logs(contenders)
    out = [_conditions(time.monotonic() - started)]
    out += [section(f"{each.title} ({each.texts:,} texts)", comparison(each)) for each in scored.values()]
    for name in ("telemetry", "telemetry held out"):
        out.append(
            section(f"All entities of errorplane: {scored[name].title.lower()}", everything(scored[name], "errorplane"))
        )
    names = section("What errorplane does not look for in prose", everything(scored["synth held out"], "errorplane"))
    out += [names, section("Ordinary log lines without personal data", log_table([lines]))]
    return "\n".join(out)


def _loghub(folder: Path, contenders: list[Contender]) -> str:
    collections = folder_logs(folder, contenders)
    names = [one.name for one in contenders]
    entities = {name: sum((each.entities[name] for each in collections), start=Counter[str]()) for name in names}
    total = Hits(
        "all",
        sum(each.lines for each in collections),
        {name: sum(each.hit[name] for each in collections) for name in names},
        entities,
    )
    day = datetime.date.today().isoformat()
    return section(f"LogHub, as of {day}", log_table([*collections, total]))


def _replaced(page: str, begin: str, end: str, text: str) -> str:
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{text}\n{end}{after}"


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--loghub",
        type=Path,
        default=os.environ.get(LOGHUB),
        metavar="FOLDER",
        help=f"also measure the *.log files of a checkout of https://github.com/logpai/loghub (default: ${LOGHUB})",
    )
    args = parser.parse_args()
    contenders: list[Contender] = [Errorplane(), Presidio(), Collector()]
    page = PAGE.read_text()
    tables = measured(contenders)
    print(tables)
    page = _replaced(page, BEGIN, END, tables)
    if args.loghub is not None:
        tables = _loghub(Path(args.loghub), contenders)
        print(tables)
        page = _replaced(page, _LOGHUB_BEGIN, _LOGHUB_END, tables)
    PAGE.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
