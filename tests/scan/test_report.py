"""What people are told while and after a scan."""

from __future__ import annotations

import io

from errorplane.scan import Leaks, Progress, Rule, Tally, summary


def test_progress_is_one_line_that_is_taken_away() -> None:
    """Bytes, share, rate and findings, five times a second at most; nothing where nobody watches."""
    now = [0.0]
    watched, unwatched = io.StringIO(), io.StringIO()
    tally = Tally(lines=1200)
    tally.entities["EMAIL_ADDRESS", "replace"] = 7
    shown, hidden = (Progress(stream, stream is watched, lambda: now[0]) for stream in (watched, unwatched))
    for moment in (0.1, 2.0, 2.1):
        now[0] = moment
        for progress in (shown, hidden):
            progress.at(5_000_000, 10_000_000, tally)
    shown.clear()
    line = "5.0 MB (50%)  2.5 MB/s  1,200 lines  7 found"
    assert watched.getvalue() == f"\r\x1b[K{line}\r\x1b[K"
    assert unwatched.getvalue() == ""


def test_leaks_are_told_until_there_are_too_many() -> None:
    """A file that is nothing but leaks does not bury the summary."""
    stream = io.StringIO()
    leaks = Leaks(stream)
    for number in range(12):
        leaks.tell([f"{number}.{each}" for each in range(10)])
    lines = stream.getvalue().splitlines()
    assert (len(lines), lines[0], lines[99]) == (101, "leak: 0.0", "leak: 9.9")
    assert lines[100] == "leak: ... (more are only counted)"


def test_summary_says_everything_that_was_counted() -> None:
    """Findings, what could not be scanned, what was not of the format, and the rules that were broken."""
    rule = Rule("hipaa", "1(a)", "Names")
    tally = Tally(lines=3)
    tally.add(Tally(2))
    tally.entities["PERSON", "token"] = 1200
    tally.quarantined["size"] = 1
    tally.notes["not JSON"] = 2
    tally.leaks["PERSON", rule] = 1200
    assert list(summary(tally, 2_000_000, 4.0)) == [
        "5 lines, 2.0 MB in 4.0 s (0.5 MB/s)",
        "      1,200  PERSON  token",
        "          1  could not be scanned and were quarantined: size",
        "          2  lines are not JSON and were scanned as text",
        '      1,200  forbidden: PERSON: hipaa 1(a) "Names"',
    ]
    assert list(summary(Tally(), 0, 0.0))[1] == "  nothing found"
