"""The report fits where it is read, and says what the JSON document says."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.demo.parts import Recording

from errorplane.demo._console import Page
from errorplane.demo._report import print_report
from errorplane.demo._result import Result, document

pytestmark = pytest.mark.e2e
_ANY_WIDTH = re.compile(r"^  \S*(errorplane|python\S* -m errorplane\.cli) ")  # commands, for copying


@pytest.fixture(scope="module")
def result(untouched: Recording) -> Result:
    """The run, verified."""
    return untouched.evaluate()


def report(result: Result, width: int | None = None) -> str:
    """The report as it goes into a pipe."""
    stream = io.StringIO()
    print_report(result, 12.0, stream, width)
    return stream.getvalue()


@pytest.mark.parametrize("width", [64, 80, 100, 120])
def test_the_report_keeps_to_its_width(result: Result, width: int) -> None:
    """No line is longer than the page, commands apart, and none ends in blanks."""
    lines = report(result, width).splitlines()
    assert [line for line in lines if len(line) > width and not _ANY_WIDTH.match(line)] == []
    assert [line for line in lines if line != line.rstrip()] == []


def test_a_pipe_gets_text_only_and_100_columns(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a terminal there are no colour codes, and lines use the 100 columns that they have."""
    monkeypatch.delenv("COLUMNS", raising=False)
    text = report(result)
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines() if not _ANY_WIDTH.match(line)) == 100


def test_columns_are_obeyed_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    """COLUMNS says how wide the reader's page is; nonsense is ignored, and 64 is the least."""
    for columns, width in (("80", 80), ("20", 64), ("999", 120), ("wide", 100), ("0", 100)):
        monkeypatch.setenv("COLUMNS", columns)
        assert Page(io.StringIO()).width == width


def test_a_terminal_gets_colours(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal the same words carry colours; NO_COLOR takes them away."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for variable in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(variable, raising=False)
    leader, follower = pty.openpty()
    with open(follower, "w", encoding="utf-8") as terminal:  # a file descriptor
        Page(terminal).line("[green bold]OK[/]  fine")
        terminal.flush()
        shown = os.read(leader, 1000).decode()
        monkeypatch.setenv("NO_COLOR", "1")
        Page(terminal).line("[green bold]OK[/]  fine")
        terminal.flush()
        plain = os.read(leader, 1000).decode()
    os.close(leader)
    assert "\x1b[1;32mOK\x1b[0m" in shown
    assert "32m" not in plain
    assert "OK" in plain


def test_a_terminal_without_unicode_gets_ascii(result: Result, tmp_path: Path) -> None:
    """Lines and trees are drawn with what the stream can encode."""
    with (tmp_path / "report.txt").open("w", encoding="ascii") as stream:
        print_report(result, 12.0, stream, 100)
    assert "`-- storefront" in (tmp_path / "report.txt").read_text()


def test_the_report_tells_of_everything(result: Result) -> None:
    """Errors with owner, kind and severity, the trace with its origin, rules, masks, classes and files are all there."""
    text = report(result, 100)
    for row in result.rows:
        assert row.fingerprint in text or not row.raised
    for words in (
        "payments (money)",
        "CardNetworkDown         P1   dependency     transient",
        "<- it began here",
        "errors  something failed  kept, all of them",
        "dropped by chance (90 %)",
        "slow    took over 600 ms",
        "audit, 400 days",
        "card <CREDIT_CARD>",
        "destinations/audit.jsonl",
        "none of them can be",
        "cat --policy",
        f"OK  Every one of {len(result.verified.outcomes)} errors is kept",
    ):
        assert words in text, words


def test_the_tree_shows_one_failure_through_its_services(result: Result) -> None:
    """Every span stands below its caller: storefront, then checkout, then payments, where it began."""
    tree = report(result, 100).partition("One error on its way")[2].partition("What was masked")[0]
    depths = {
        service: min(line.index(service) for line in tree.splitlines() if f" {service}  POST" in line)
        for service in ("storefront", "checkout", "payments")
    }
    assert depths["storefront"] < depths["checkout"] < depths["payments"]
    assert [line for line in tree.splitlines() if "began here" in line and "payments" in line]


def test_what_went_wrong_stands_at_the_end(result: Result) -> None:
    """Losses, gaps and leaks are listed, each with where and why, at most ten of a kind."""
    lost = tuple(replace(outcome, fact=None) for outcome in result.verified.outcomes[:12])
    end = report(replace(result, lost=lost), 100).partition("In short")[2]
    assert end.count("LOST ") == 10
    assert "... and 2 more" in end
    assert f"FAILED  12 of {len(result.verified.outcomes)} errors lost" in end.replace("\n  ", " ")


def test_the_document_has_exactly_these_keys(result: Result) -> None:
    """The JSON document has the keys that it is specified to have, and no others."""
    made = document(result, 12.34)
    assert list(made) == ["traces", "errors", "redaction", "destinations", "duration_s"]
    assert list(made["traces"]) == ["received", "kept", "dropped", "by_reason"]
    assert list(made["errors"]) == ["raised", "received", "kept", "fingerprints"]
    assert list(made["redaction"]) == ["planted", "leaked", "found"]
    assert {name: list(entry) for name, entry in made["destinations"].items()} == {
        "archive": ["files", "spans", "logs", "metrics"],
        "audit": ["files", "spans", "logs", "metrics"],
    }
    assert made["duration_s"] == 12.3


def test_the_document_adds_up(result: Result, untouched: Recording) -> None:
    """Its numbers are those of the ledger, of the counters and of the files."""
    made = document(result, 1.0)
    traces, errors = made["traces"], made["errors"]
    assert traces["received"] == traces["kept"] + traces["dropped"] == sum(traces["by_reason"].values())
    assert traces["received"] == len(untouched.played.answers)
    assert errors["raised"] == errors["received"] == errors["kept"] == len(untouched.played.ledger)
    assert sum(row["raised"] for row in errors["fingerprints"]) == errors["raised"]
    assert {row["service"] for row in errors["fingerprints"]} >= {"payments", "checkout", "inventory", "storefront"}
    assert made["redaction"]["leaked"] == []
    assert len(made["redaction"]["planted"]) == len({line["value"] for line in untouched.played.planted})
    archive, audit = made["destinations"]["archive"], made["destinations"]["audit"]
    assert set(archive["files"]) == {str(path) for path in untouched.archive}
    assert archive["spans"]["audit"] == audit["spans"]["audit"] > 0
    assert set(archive["spans"]) == {"audit", "standard"}
    assert archive["metrics"]["standard"] > 0
    assert audit["metrics"] == {}


def test_the_program_is_named_as_it_can_be_typed(result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands to try next work from here: by name when it is on the PATH, else by its place."""
    scripts = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(scripts))
    assert "\n  errorplane cat --policy" in report(result, 100)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.chdir(scripts.parent.parent)
    assert f"\n  {scripts.parent.name}/bin/errorplane cat --policy" in report(result, 100)
