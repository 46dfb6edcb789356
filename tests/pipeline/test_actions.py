"""Two destinations that may see different things, and one journal: the real processor, a file and an OTLP server."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import (
    ProcessorFailed,
    RunningProcessor,
    attribute_values,
    logs_in,
    policy,
    read_lines,
    run_processor,
    spans_in,
)
from tests.support.telemetry import log, logs, metrics, new_trace_id, pairs, span, traces

from errorplane.cli import main
from errorplane.journal import Journal
from errorplane.keys import from_policy
from errorplane.otlp import GrpcReceiver, Receipt, ReceiveLimits, Signal
from errorplane.policy import load
from errorplane.redaction.actions import Keyring

EMAIL, CARD, SSN, PASSWORD = "jane.doe@example.org", "4012 8888 8888 1881", "123-45-6789", "correct-horse-7"
PLAIN = (EMAIL, CARD, SSN, PASSWORD, "jane.doe", "4012888888881881")
REDACTION: dict[str, Any] = {
    "actions": {"CREDIT_CARD": {"do": "mask", "last": 4}, "PASSWORD": "drop"},
    "destinations": {
        "audit": {"EMAIL_ADDRESS": "token", "US_SSN": "replace", "default": "token"},
        "support": {"EMAIL_ADDRESS": "keep_domain", "US_SSN": "drop"},
    },
}
NEVER = {"decision_wait": "1h", "rules": [{"name": "errors", "when": {"status": "error"}}]}


class Support:
    """A real OTLP/gRPC server that keeps what it gets as OTLP JSON."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self._receiver = GrpcReceiver("127.0.0.1:0", self._ingest, ReceiveLimits(), None, ready=lambda: True)
        self.endpoint = f"http://127.0.0.1:{self._receiver.start()}"

    def _ingest(self, signal: Signal, body: bytes) -> Receipt:
        self.lines.append(json_format.MessageToDict(signal.request_type.FromString(body)))
        return Receipt()

    def close(self) -> None:
        """Stop at once."""
        self._receiver.stop(0.0)


@pytest.fixture
def support() -> Iterator[Support]:
    """A server that is stopped at the end."""
    server = Support()
    yield server
    server.close()


def written(folder: Path, endpoint: str, **sections: Any) -> Path:
    """A policy with the destinations ``audit``, a file, and ``support``, an OTLP server, that want different things."""
    destinations = {"audit": {"file": {"path": "./audit.jsonl"}}, "support": {"otlp": {"endpoint": endpoint}}}
    return policy(folder, **({"destinations": destinations, "redaction": REDACTION} | sections))


def send_all(running: RunningProcessor, trace_id: bytes) -> None:
    """A failed span, a log record and a metric with the same address in each."""
    exception = {"exception.type": "E", "exception.message": f"{EMAIL} paid with {CARD}"}
    attributes = {"user.email": EMAIL, "note": f"ssn {SSN}", "db.password": PASSWORD, "card.cvv": "7371"}
    failed = span(f"GET /u/{EMAIL}", trace_id=trace_id, error=True, exception=exception, attributes=attributes)
    running.send(Signal.TRACES, traces([failed]))
    running.send(Signal.LOGS, logs([log(f"mail to {EMAIL} failed, ssn {SSN}", trace_id=trace_id, severity=17)]))
    request = metrics(["mails"])
    request.resource_metrics[0].scope_metrics[0].metrics[0].sum.data_points[0].attributes.extend(pairs({"to": EMAIL}))
    running.send(Signal.METRICS, request)


def complete(lines: list[dict[str, Any]]) -> bool:
    """Whether the span, the log record and the metric are there."""
    return bool(spans_in(lines)) and bool(logs_in(lines)) and any("resourceMetrics" in line for line in lines)


def tokens_in(text: str) -> list[str]:
    """Every token of an e-mail address in a text."""
    return re.findall(r"tok_email_address_[a-z2-7]{6}_[a-z2-7]+", text)


def test_each_destination_gets_its_own(tmp_path: Path, support: Support) -> None:
    """One gets tokens, equal in spans, logs, metrics and names; the other domains; neither the other's, nor the journal's."""
    path = written(tmp_path, support.endpoint)
    with run_processor(path) as running:
        send_all(running, new_trace_id())
        wait_until(lambda: complete(read_lines(tmp_path / "audit.jsonl")), "the file")
        wait_until(lambda: complete(support.lines), "the server")
        said = running.output() + running.admin("/metrics").decode() + json.dumps(running.stats())
        assert not any(plain in said for plain in PLAIN)
        assert running.stop() == 0
    assert not any(
        plain.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file() for plain in PLAIN
    )
    audit, seen = (tmp_path / "audit.jsonl").read_text(), json.dumps(support.lines)
    ring = Keyring(from_policy(load(path)))
    expected = ring.tokens("audit").token("EMAIL_ADDRESS", EMAIL)
    assert len(tokens_in(audit)) >= 5
    assert set(tokens_in(audit)) == {expected}
    (one,) = spans_in(read_lines(tmp_path / "audit.jsonl"))
    (other,) = spans_in(support.lines)
    assert one["name"] == f"GET /u/{expected}"
    assert other["name"] == "GET /u/<EMAIL_ADDRESS>@example.org"
    assert attribute_values(one)["note"] == "ssn <US_SSN>"
    assert attribute_values(other)["note"] == "ssn "
    assert attribute_values(one)["db.password"] == attribute_values(other)["db.password"] == ""
    assert attribute_values(one)["card.cvv"] == attribute_values(other)["card.cvv"] == ""
    assert tokens_in(seen) == []
    for text in (audit, seen):
        assert "**** **** **** 1881" in text
        assert ring.journal().id not in text
        assert not any(plain in text for plain in PLAIN)


def test_the_journal_holds_neither_values_nor_what_one_destination_gets(tmp_path: Path, support: Support) -> None:
    """The opened journal has tokens of its own key for what differs, nothing of what all drop, and no value at all."""
    path = written(tmp_path, support.endpoint, sampling=NEVER)
    with run_processor(path) as running:
        send_all(running, new_trace_id())
        running.kill()
    loaded = load(path)
    keys = from_policy(loaded)
    journal = Journal(loaded.journal.path / "journal", keys.key("journal"), max_bytes=1 << 26)
    bodies = b"".join(request.body for _, request in journal.requests()).decode("utf-8", "replace")
    journal.close()
    ring = Keyring(keys)
    held = ring.journal().token("EMAIL_ADDRESS", EMAIL)
    assert len(tokens_in(bodies)) >= 5
    assert {each[: len(held)] for each in tokens_in(bodies)} == {
        held
    }  # the byte after it may look like its next letter
    assert ring.journal().token("US_SSN", "\x00") in bodies
    assert ring.tokens("audit").id not in bodies
    assert not any(plain in bodies for plain in PLAIN)


def test_killed_before_sending_each_still_gets_its_own(tmp_path: Path, support: Support) -> None:
    """What was journalled and not sent is rewritten by the next process; no token of the journal leaves."""
    path = written(tmp_path, support.endpoint, sampling=NEVER)
    with run_processor(path) as running:
        send_all(running, new_trace_id())
        running.kill()
    with run_processor(written(tmp_path, support.endpoint)):
        wait_until(lambda: spans_in(read_lines(tmp_path / "audit.jsonl")), "the file")
        wait_until(lambda: spans_in(support.lines), "the server")
    audit, seen = (tmp_path / "audit.jsonl").read_text(), json.dumps(support.lines)
    ring = Keyring(from_policy(load(path)))
    assert set(tokens_in(audit)) == {ring.tokens("audit").token("EMAIL_ADDRESS", EMAIL)}
    assert "<EMAIL_ADDRESS>@example.org" in seen
    for text in (audit, seen):
        assert ring.journal().id not in text
        assert not any(plain in text for plain in PLAIN)


def test_what_an_earlier_key_sealed_is_delivered_under_the_new_one(tmp_path: Path, support: Support) -> None:
    """The journal's key is changed while it holds telemetry: each destination gets its own, and no token of the journal."""
    old, new = {"file": "./journal-old.key"}, {"file": "./journal-new.key"}
    before = written(tmp_path, support.endpoint, sampling=NEVER, keys={"journal": old})
    ring = Keyring(from_policy(load(before)))
    with run_processor(before) as running:
        send_all(running, new_trace_id())
        running.kill()
    after = written(tmp_path, support.endpoint, keys={"journal": new, "retired_journal": [old]})
    with run_processor(after) as running:
        wait_until(lambda: spans_in(read_lines(tmp_path / "audit.jsonl")), "the file")
        wait_until(lambda: spans_in(support.lines), "the server")
        assert "records are sealed with retired keys" in running.output()
    audit, seen = (tmp_path / "audit.jsonl").read_text(), json.dumps(support.lines)
    assert set(tokens_in(audit)) == {ring.tokens("audit").token("EMAIL_ADDRESS", EMAIL)}
    assert "<EMAIL_ADDRESS>@example.org" in seen
    for text in (audit, seen):
        assert ring.journal().id not in text
        assert not any(plain in text for plain in PLAIN)


def test_error_facts_go_the_same_way(tmp_path: Path, support: Support) -> None:
    """A fact whose resource names a person holds the token for one destination and not for the other."""
    path = written(tmp_path, support.endpoint)
    request = traces([span(error=True, attributes={"user.id": EMAIL})], f"shop-of-{EMAIL}")
    with run_processor(path) as running:
        running.send(Signal.TRACES, request)
        wait_until(lambda: logs_in(read_lines(tmp_path / "audit.jsonl"), facts=True), "the fact in the file")
        wait_until(lambda: logs_in(support.lines, facts=True), "the fact at the server")
    (mine,) = logs_in(read_lines(tmp_path / "audit.jsonl"), facts=True)
    (theirs,) = logs_in(support.lines, facts=True)
    assert tokens_in(str(attribute_values(mine)["service.name"])) != []
    assert str(attribute_values(theirs)["service.name"]).endswith("<EMAIL_ADDRESS>@example.org")


def test_a_reload_decides_about_what_waits(tmp_path: Path, support: Support) -> None:
    """What was journalled under the old policy leaves as the new one says, once all destinations agree, too."""
    path = written(tmp_path, support.endpoint, sampling=NEVER)
    with run_processor(path) as running:
        running.send(Signal.TRACES, traces([span(error=True, attributes={"user.email": EMAIL})]))
        agreed = {"actions": {"EMAIL_ADDRESS": "keep_domain"}}
        written(tmp_path, support.endpoint, sampling=NEVER, redaction=agreed)
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "policy reloaded" in running.output(), "the reload")
        assert running.stop() == 0
    for lines in (read_lines(tmp_path / "audit.jsonl"), support.lines):
        (found,) = spans_in(lines)
        assert attribute_values(found)["user.email"] == "<EMAIL_ADDRESS>@example.org"


def test_a_reload_without_its_key_leaves_the_old_policy_in_force(tmp_path: Path, support: Support) -> None:
    """A new policy whose public key is not there is refused with the file's name; actions stay as they were."""
    path = written(tmp_path, support.endpoint)
    with run_processor(path) as running:
        sealing = {"actions": {"EMAIL_ADDRESS": {"do": "encrypt", "to": "./no.pem"}}}
        written(tmp_path, support.endpoint, redaction=sealing)
        running.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "no.pem" in running.output(), "the refusal")
        running.send(Signal.TRACES, traces([span(error=True, attributes={"user.email": EMAIL})]))
        wait_until(lambda: spans_in(support.lines), "the server")
    (found,) = spans_in(support.lines)
    assert attribute_values(found)["user.email"] == "<EMAIL_ADDRESS>@example.org"


def test_a_damaged_token_of_the_journal_is_counted(tmp_path: Path, support: Support) -> None:
    """What only looks like a token of the journal leaves as its entity, and the metrics count it."""
    path = written(tmp_path, support.endpoint)
    kid = Keyring(from_policy(load(path))).journal().id
    with run_processor(path) as running:
        running.send(Signal.TRACES, traces([span(error=True, attributes={"note": f"tok_jwt_{kid}_{'a' * 30}"})]))
        wait_until(lambda: spans_in(support.lines), "the server")
        counted = 'errorplane_lost_tokens_total{destination="support",entity="JWT"'
        wait_until(lambda: counted in running.admin("/metrics").decode(), "the count")
    (found,) = spans_in(support.lines)
    assert attribute_values(found)["note"] == "<JWT>"


def test_tokens_are_rotated_and_revealed(tmp_path: Path, support: Support, capfd: pytest.CaptureFixture[str]) -> None:
    """With a new key new tokens are others; both are turned back from the file that the processor wrote."""
    path = written(tmp_path, support.endpoint)
    send = traces([span(error=True, attributes={"user.email": EMAIL})])
    out = tmp_path / "audit.jsonl"
    with run_processor(path) as running:
        running.send(Signal.TRACES, send)
        wait_until(lambda: tokens_in(out.read_text()) if out.exists() else None, "the first token")
    first = set(tokens_in(out.read_text()))
    (tmp_path / "data" / "tokens.key").rename(tmp_path / "data" / "retired.key")
    path = written(tmp_path, support.endpoint, keys={"retired_tokens": [{"file": "./data/retired.key"}]})
    with run_processor(path) as running:
        running.send(Signal.TRACES, send)
        wait_until(lambda: set(tokens_in(out.read_text())) - first, "the second token")
    both = sorted(set(tokens_in(out.read_text())))
    assert len(both) == 2
    capfd.readouterr()
    assert main(["reveal", "--policy", str(path), "--reason", "test", *both]) == 0
    assert capfd.readouterr().out == f"{EMAIL}\n{EMAIL}\n"
    assert len((tmp_path / "data" / "audit.jsonl").read_text().splitlines()) == 2


def test_a_missing_public_key_is_told_before_anything_starts(tmp_path: Path, support: Support) -> None:
    """A policy that encrypts to a key that is not there starts no processor, and says which file."""
    path = written(tmp_path, support.endpoint, redaction={"actions": {"US_SSN": {"do": "encrypt", "to": "./no.pem"}}})
    with pytest.raises(ProcessorFailed, match=r"no\.pem"), run_processor(path):
        pass
