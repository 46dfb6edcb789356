"""A planted string is found again in whatever the pipeline wrote, in whatever form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from tests.demo.parts import Recording

from errorplane.demo._folder import Folder
from errorplane.demo._leaks import Planted, find_leaks, forms
from errorplane.demo._output import Output, texts

EMAIL = Planted("EMAIL_ADDRESS", "lena.ito42@example.com", "log line")
CARD = Planted("CREDIT_CARD", "4539 1488 0343 6467", "log line")
QUOTED = Planted("PASSWORD", 'Ito-"\\x!', "log line")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder as a run leaves it."""
    made = Folder(tmp_path / "out")
    with made.claimed():
        return made


def output(*lines: str) -> dict[str, Output]:
    """One destination that holds these lines."""
    return {
        "files": Output(
            "files",
            None,
            (),
            raw=[line.encode() for line in lines],
            strings={text for line in lines for text in texts(json.loads(line))},
        )
    }


@pytest.mark.parametrize("planted", [EMAIL, CARD, QUOTED])
@pytest.mark.parametrize("key", [False, True])
def test_a_string_in_a_destination_is_found(planted: Planted, key: bool, folder: Folder) -> None:
    """Values and keys are looked through, with the escapes of JSON resolved."""
    line = json.dumps({planted.value: "x"} if key else {"body": {"stringValue": f"a {planted.value} b"}})
    found = find_leaks([planted, Planted("JWT", "not there", "log line")], folder, output(line), [])
    assert {(leak.planted, leak.found_in) for leak in found} == {(planted, "destination files")}


def test_bytes_in_a_destination_are_found(folder: Folder) -> None:
    """A value of bytes is looked through as the text that it encodes."""
    line = '{"body": {"bytesValue": "bGVuYS5pdG80MkBleGFtcGxlLmNvbQ=="}}'
    assert [leak.planted for leak in find_leaks([EMAIL], folder, output(line), [])] == [EMAIL]


def quote_in_lower_case(text: str) -> str:
    """Percent-encoding as some libraries write it: ``%5c`` for a backslash."""
    return re.sub("%..", lambda escape: escape[0].lower(), quote(text, safe=""))


@pytest.mark.parametrize("write", [quote, quote_plus, quote_in_lower_case])
@pytest.mark.parametrize("planted", [EMAIL, CARD, QUOTED])
def test_a_string_that_a_url_encodes_is_found(planted: Planted, write: Callable[[str], str], folder: Folder) -> None:
    """Percent-encoding hides nothing, in upper or lower case, with a plus for a blank or without."""
    line = json.dumps({"stringValue": f"/search?q={write(planted.value)}&page=2"})
    assert [leak.planted for leak in find_leaks([planted], folder, output(line), [])] == [planted]


def test_the_digits_of_a_number_are_found_without_its_separators(folder: Folder) -> None:
    """A card number that lost its blanks on the way has leaked all the same."""
    assert b"4539148803436467" in forms(CARD.value)
    found = find_leaks([CARD], folder, output('{"intValue": "x4539148803436467"}'), [])
    assert [leak.planted for leak in found] == [CARD]


def test_a_string_in_the_journal_is_found(folder: Folder) -> None:
    """The decrypted records of the journal are looked through."""
    found = find_leaks([EMAIL], folder, {}, [b"\x0a\x16" + EMAIL.value.encode()])
    assert [leak.found_in for leak in found] == ["the journal, decrypted"]


@pytest.mark.parametrize(
    "name",
    [
        "logs/processor.log",
        "logs/agent.log",
        "metrics.txt",
        "stats.json",
        "ledger.jsonl",
        "journal/audit.jsonl",
        "gateway-queue/exporter_otlp",
    ],
)
def test_a_string_in_any_other_file_is_found(name: str, folder: Folder) -> None:
    """Logs, metrics, counters, audit lines and the Collectors' files are looked through, and the file is named."""
    path = folder.root / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\xff\x00 " + EMAIL.value.encode())
    assert [leak.found_in for leak in find_leaks([EMAIL, CARD], folder, {}, [])] == [name]


def test_each_place_is_named_once(folder: Folder) -> None:
    """A string that stands often in one place is one leak there."""
    line = json.dumps({"a": EMAIL.value, "b": f"again {EMAIL.value} and {quote(EMAIL.value)}"})
    assert len(find_leaks([EMAIL], folder, output(line, line), [])) == 1


@pytest.mark.e2e
def test_a_leak_fails_a_run(recording: Recording) -> None:
    """One planted string in one log file is enough."""
    planted = recording.played.planted[0]
    with (recording.folder.logs / "processor.log").open("a") as log:
        log.write(f"could not send {planted['value']}\n")
    result = recording.evaluate()
    assert [leak.found_in for leak in result.leaks] == ["logs/processor.log"]
    assert not result.passed


@pytest.mark.e2e
def test_the_run_looked_into_a_journal_that_held_something(untouched: Recording) -> None:
    """The journal was copied and opened while requests and deliveries were in it."""
    assert len(untouched.played.journal) > 10
    assert any(b"storefront" in record for record in untouched.played.journal)


@pytest.mark.e2e
def test_everything_that_was_planted_is_of_an_entity_that_was_masked(untouched: Recording) -> None:
    """No planted entity is without findings, so that "none leaked" does not mean "none arrived"."""
    result = untouched.evaluate()
    assert {each.entity for each in result.planted} <= result.redactions.keys()


@pytest.mark.e2e
def test_a_leak_in_the_journal_fails_a_run(recording: Recording) -> None:
    """What was on disk only for a moment counts as well."""
    value = recording.played.planted[0]["value"].encode()
    run = replace(recording, played=replace(recording.played, journal=recording.played.journal | {value}))
    assert not run.evaluate().passed
