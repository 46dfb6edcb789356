"""One secret of each kind, in each place where OTLP has room for text, is in nothing that a processor lets out or keeps."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.detectors.identifiers import IN_TEXTS
from tests.detectors.samples import marked
from tests.redaction.secrets import IN_CONTEXT, SECRETS
from tests.redaction.test_canary import PLACES, plant
from tests.support.collector_tools import free_port, wait_until
from tests.support.processor_tools import (
    RunningProcessor,
    attribute_values,
    policy,
    read_lines,
    run_processor,
    spans_in,
)
from tests.support.telemetry import new_trace_id, span, span_id, traces

from errorplane.journal import Journal
from errorplane.keys import from_policy
from errorplane.otlp import Signal
from errorplane.policy import load
from errorplane.policy._vocabulary import ENTITIES

pytestmark = pytest.mark.e2e

_LEAST = 8  # a shorter secret, such as an age, is in other numbers too


def canaries() -> dict[str, tuple[str, str]]:
    """For each entity a text, and what is secret in it."""
    out = {entity: (secret, secret) for entity, secret in SECRETS.items()}
    out |= {entity: (around.format(secret), secret) for entity, (around, secret) in IN_CONTEXT.items()}
    for entity, text in IN_TEXTS:
        plain, parts = marked(text)
        if len(parts) == 1 and len(parts[0]) >= _LEAST:
            out.setdefault(entity, (plain, parts[0]))
    return out


CANARIES = canaries()


def planted(signal_: Signal) -> Any:
    """A request with every text in every place, its items valid and failed, so that they are kept and yield facts."""
    request = signal_.request_type()
    for each, path in PLACES:
        if each is signal_:
            for text, _ in CANARIES.values():
                plant(request, path, text)
    for message in _messages(request):
        for name, made in (("trace_id", new_trace_id), ("span_id", span_id)):
            if name in message.DESCRIPTOR.fields_by_name:
                setattr(message, name, made())
        if message.DESCRIPTOR.name == "Span":
            message.status.code = 2
        if message.DESCRIPTOR.name == "LogRecord":
            message.severity_number = 17
    return request


def _messages(message: Any) -> Iterator[Any]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if field.is_repeated else [value]:
                yield from _messages(each)


def leaked(texts: Iterable[str | bytes]) -> list[str]:
    """Entities whose secret stands in one of the texts."""
    seen = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return [entity for entity, (_, secret) in CANARIES.items() if any(secret.encode() in text for text in seen)]


def strings(value: Any) -> Iterator[str]:
    """Every string of a JSON document, its names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, dict):
        yield from strings(list(value))
        yield from strings(list(value.values()))


def started(folder: Path) -> Path:
    """A policy that keeps everything, for a file, for facts, and for a server that never answers."""
    return policy(
        folder,
        sampling={"decision_wait": "300ms", "rules": [{"name": "all", "keep": 1.0}]},
        redaction={"detectors": sorted(ENTITIES)},
        destinations={
            "out": {"file": {"path": "./out.jsonl"}},
            "facts": {"file": {"path": "./facts.jsonl"}},
            "dead": {"otlp": {"endpoint": f"http://127.0.0.1:{free_port()}"}},
        },
        retention={"classes": {"all": {"days": 1, "destinations": ["out", "dead"]}}},
        errors={"facts": {"destinations": ["facts"]}},
        telemetry={"metrics_interval": None, "log_level": "debug"},
    )


def send(processor: RunningProcessor, signal_: Signal) -> None:
    """Export a request with the canaries, which is accepted as a whole."""
    response = processor.send(signal_, planted(signal_))
    assert not response.HasField("partial_success")


def test_no_stage_holds_a_canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Destinations, error facts, logs, pages, what a crash prints, and the decrypted journal hold no secret."""
    monkeypatch.setenv("PYTHONFAULTHANDLER", "1")
    assert len(CANARIES) > 40
    path = started(tmp_path)
    out, facts = tmp_path / "out.jsonl", tmp_path / "facts.jsonl"
    with run_processor(path) as processor:
        for signal_ in Signal:
            send(processor, signal_)
        # Decided after all that came before it.
        processor.send(Signal.TRACES, traces([span("the last", error=True)]))
        wait_until(lambda: out.exists() and '"the last"' in out.read_text(), "the last span", 120)
        wait_until(lambda: facts.exists() and facts.read_text(), "facts", 60)
        pages = [processor.admin(page) for page in ("/stats", "/metrics", "/healthz", "/shadow")]
        limits = Path(f"/proc/{processor.process.pid}/limits").read_text()
        processor.process.send_signal(signal.SIGABRT)
        processor.process.wait(60)
        crash = processor.output()
    assert "Fatal Python error: Aborted" in crash
    (core,) = (line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core == ["0", "0"]
    loaded = load(path)
    journal = Journal(loaded.journal.path / "journal", from_policy(loaded).key("journal"), max_bytes=1 << 28)
    bodies = [request.body for _, request in journal.requests()]
    journal.close()
    assert {len(read_lines(out)) > 2, len(read_lines(facts)) > 0, len(bodies) > 2} == {True}
    assert leaked(bodies) == []
    assert leaked([crash]) == []
    assert leaked(pages) == []
    for file in (out, facts):
        assert leaked([file.read_text(), *strings(read_lines(file))]) == []
    files = [each for each in tmp_path.rglob("*") if each.is_file()]
    assert leaked(each.read_bytes() for each in files) == []
    counted = json.loads(pages[0])["redaction"]
    assert sorted(CANARIES.keys() - counted.keys()) == []
    assert json.loads(pages[0])["quarantined"] == {}


def test_a_request_with_a_broken_string_is_taken(tmp_path: Path) -> None:
    """One string that is no UTF-8 is withheld and counted; ids and everything else of the request go on."""
    made = span("abcd", error=True, attributes={"note": "whole"})
    body = traces([made]).SerializeToString().replace(b"abcd", b"\xe9\xff\xfe!")
    with run_processor(policy(tmp_path)) as processor:
        with grpc.insecure_channel(processor.grpc) as channel:
            channel.unary_unary(Signal.TRACES.grpc_method, None, None)(body, timeout=30)
        (left,) = wait_until(lambda: spans_in(read_lines(tmp_path / "out.jsonl")), "the span", 60)
        assert processor.stats()["quarantined"] == {"encoding": 1}
    assert (left["name"], left["traceId"]) == ("[QUARANTINED:encoding]", made.trace_id.hex())
    assert attribute_values(left)["note"] == "whole"
