"""What must not be seen is hidden before a line is written, by default."""

from __future__ import annotations

import json
import logging
import logging.handlers
import queue
from collections import UserDict
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from loguru import logger as loguru
from tests.logs.producers import OPTIONS, WRITERS, Exported, Loguru, Stdlib, logger_of

from errorplane.context import bind
from errorplane.logs import TEXT_LENGTH, ContextFilter, Options
from errorplane.masking import Mask, default_mask
from errorplane.testing import Capture

EMAIL, CARD = "petra.kohl7@firma-beispiel.de", "5105105105105100"


@pytest.mark.parametrize("name", WRITERS)
def test_every_producer_hides(name: str) -> None:
    """Message, exception and its causes, context fields, extra ones, their names, and numbers."""
    producer = WRITERS[name]()
    with Capture(service="shop") as capture, capture.tracer.start_as_current_span("request"), bind(tenant=EMAIL):
        try:
            try:
                raise KeyError(EMAIL)
            except KeyError as cause:
                raise ValueError(f"card {CARD}") from cause
        except ValueError as error:
            producer.log(
                "error", f"no mail to {EMAIL}", error, card=int(CARD), nested={EMAIL: [EMAIL]}, password="hunter2"
            )
    text = json.dumps(producer.lines)
    assert EMAIL not in text
    assert CARD not in text
    assert "hunter2" not in text
    (line,) = producer.lines
    assert line["body"] == "no mail to <EMAIL_ADDRESS>"
    assert line["exception.message"] == "card <CREDIT_CARD>"
    assert line["attributes"]["password"] == "<PASSWORD>"
    assert len(line["trace_id"]) == 32
    assert len(line["errorplane.error.id"]) == 32


class Login(NamedTuple):
    """Names its values, as a dictionary does."""

    user: str
    password: str


@pytest.mark.parametrize(
    "value",
    [
        Login("petra", "hunter2"),
        [("user", "petra"), ("password", "hunter2")],
        [(b"user-agent", b"curl"), (b"cookie", b"id=hunter2"), (b"x-api-key", b"hunter2")],
        {"scope": {"headers": (("Cookie", "id=hunter2"),)}},
        [["password", ["hunter2", {"old": "hunter2"}]]],
    ],
    ids=["named tuple", "pairs", "headers", "inside", "whole"],
)
@pytest.mark.parametrize("name", WRITERS)
def test_values_are_hidden_by_name_whatever_names_them(name: str, value: object) -> None:
    """Named tuples, and lists of pairs, as headers of requests come."""
    producer = WRITERS[name]()
    producer.log("info", "x", value=value)
    assert "hunter2" not in json.dumps(producer.lines)
    assert "hunter2" not in str(default_mask().value(value))


def test_arguments_with_names_are_hidden_by_them() -> None:
    """The standard library's and loguru's ways to put values into a message by name tell what they are."""
    stdlib, through_loguru = Stdlib(), Loguru()
    stdlib.logger.info("%(user)s has %(password)s", {"user": "petra", "password": "correct horse"})
    loguru.info("{user} has {password}", user="petra", password="correct horse")
    assert [each.lines[0]["body"] for each in (stdlib, through_loguru)] == ["petra has <PASSWORD>"] * 2


def test_arguments_with_names_are_hidden_behind_a_queue() -> None:
    """The filter on the queue's handler keeps them, and OpenTelemetry's handler behind it sends none."""
    waiting: queue.Queue[logging.LogRecord] = queue.Queue()
    through, stdlib = logging.handlers.QueueHandler(waiting), Stdlib()
    through.addFilter(ContextFilter(environ={}))
    logger_of(through).info("%(user)s has %(password)s", {"user": "petra", "password": "correct horse"})
    record = waiting.get()
    with Capture(service="shop") as capture:
        exported = Exported(capture.logger_provider)
        capture.handler.handle(record)
    stdlib.logger.handle(record)
    assert stdlib.lines[0]["body"] == "petra has <PASSWORD>"
    assert "attributes" not in stdlib.lines[0]
    assert "attributes" not in exported.lines[0]


def test_arguments_that_cannot_be_listed_cost_no_line() -> None:
    """A mapping of the application's own may fail."""

    class Failing(UserDict[str, str]):
        def items(self) -> Any:
            raise RuntimeError

    producer = Stdlib()
    producer.logger.info("%(user)s", Failing(user="petra"))
    assert producer.lines[0]["body"] == "petra"


def test_what_is_no_list_of_pairs_stays() -> None:
    """Two texts beside each other are no name and value."""
    producer = Stdlib()
    producer.log("info", "x", one=["password", "forgotten"], some=[["password", "forgotten"], "x"])
    (line,) = producer.lines
    assert line["attributes"] == {"one": ["password", "forgotten"], "some": [["password", "forgotten"], "x"]}


def test_ids_stay() -> None:
    """Of traces, spans, errors: a fingerprint or an id of sixteen digits is no card."""
    with Capture(service="shop", new_id=lambda: CARD * 2) as capture, capture.tracer.start_as_current_span("r") as span:
        producer = Stdlib(Options(environ={}, new_id=lambda: CARD * 2))
        producer.log("error", "x", ValueError("x"))
    (line,) = producer.lines
    assert line["errorplane.error.id"] == CARD * 2
    assert line["span_id"] == f"{span.get_span_context().span_id:016x}"


@pytest.mark.parametrize("name", WRITERS)
def test_masking_can_be_switched_off(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For output that stays where the data is."""
    monkeypatch.setitem(OPTIONS, "mask", False)
    producer = WRITERS[name]()
    producer.log("info", EMAIL, card=CARD)
    assert (producer.lines[0]["body"], producer.lines[0]["attributes"]) == (EMAIL, {"card": CARD})


def test_a_mask_of_ones_own() -> None:
    """Instead of that of the settings."""
    producer = Stdlib(Options(environ={}, mask=Mask(lambda text, _: text.replace("x", "_"))))
    producer.log("info", "xyz", ax="x")
    assert (producer.lines[0]["body"], producer.lines[0]["attributes"]) == ("_yz", {"a_": "_"})


@pytest.mark.parametrize("place", ["body", "value", "nested"])
@pytest.mark.parametrize("at", [TEXT_LENGTH, TEXT_LENGTH // 2])
def test_no_half_of_a_value_is_left_where_a_text_is_cut(place: str, at: int) -> None:
    """Half an address is still personal data: of one that is cut in two nothing is left."""
    text = "w " * ((at - len(EMAIL)) // 2 + 6) + EMAIL + " w" * TEXT_LENGTH
    producer = Stdlib(Options(environ={}))
    given: Any = {"body": {}, "value": {"value": text}, "nested": {"value": {"b": [text]}}}[place]
    producer.log("info", text if place == "body" else "x", **given)
    line = json.dumps(producer.lines)
    assert "petra" not in line
    assert "firma" not in line


class Changing:
    """Says something else each time that it is asked."""

    def __init__(self) -> None:
        self._said = iter(("nothing", *[EMAIL] * 9))

    def __str__(self) -> str:
        return next(self._said)


def test_what_was_looked_at_is_what_is_written() -> None:
    """An object is asked for its text once."""
    producer = Stdlib(Options(environ={}))
    producer.log("info", "x", value=Changing(), nested=[Changing()])
    assert producer.lines[0]["attributes"] == {"value": "nothing", "nested": ["nothing"]}


def test_settings_that_cannot_be_read_withhold_everything(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The application starts and logs, its lines say when and how severe, and the log says what is wrong."""
    monkeypatch.setenv("ERRORPLANE_SETTINGS", "/does/not/exist.json")
    default_mask.cache_clear()
    try:
        producer = Stdlib(Options(environ={}))
    finally:
        default_mask.cache_clear()
    producer.log("info", EMAIL, order=17)
    (line,) = producer.lines
    assert line["body"] == "[QUARANTINED:error]"
    assert line["attributes"] == {"[QUARANTINED:error]": "[QUARANTINED:error]"}
    assert line["severity_text"] == "INFO"
    assert "/does/not/exist.json: cannot be read" in caplog.text


def test_a_failure_costs_only_what_the_line_holds(swallowing: None) -> None:
    """A mask that fails is a failure of ours: nothing of the text is written, and nothing raised."""

    def fail(text: str, _: object) -> str:
        raise RuntimeError(text)

    producer = Stdlib(Options(environ={}, mask=Mask(fail)))
    producer.log("info", EMAIL, order=17)
    assert EMAIL not in producer.stream.getvalue()
    assert producer.lines[0]["severity_text"] == "INFO"


def test_settings_of_the_policy_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the policy allows is written as it is."""
    settings = {"version": 1, "detectors": ["EMAIL_ADDRESS"], "keys": {}, "allow": [EMAIL]}
    actions = {"actions": {"default": {"do": "replace"}}}
    path = tmp_path / "application.json"
    path.write_text(json.dumps(settings | actions))
    monkeypatch.setenv("ERRORPLANE_SETTINGS", str(path))
    default_mask.cache_clear()
    try:
        producer = Stdlib(Options(environ={}))
    finally:
        default_mask.cache_clear()
    producer.log("info", f"{EMAIL} and other@example.com")
    assert producer.lines[0]["body"] == f"{EMAIL} and <EMAIL_ADDRESS>"


def _fail(number: int, message: str) -> None:
    petra = f"{message} {number}"  # frames show this line
    raise ValueError(petra)


def _stack_of(number: int, message: str) -> str:
    producer = Stdlib(Options(environ={}))
    try:
        try:
            _fail(number, message)
        except ValueError as cause:
            raise KeyError(message) from cause
    except KeyError as error:
        producer.log("error", "x", error)
    stack: str = producer.lines[0]["exception.stacktrace"]
    return stack


KEY = "-----BEGIN PRIVATE KEY-----\n" + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n" * 3 + "-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    "message",
    [EMAIL, f"two lines\n{EMAIL}", f'as a frame\n  File "{EMAIL}", line 1\n    {CARD}\nand more {EMAIL}', KEY],
    ids=["short", "lines", "like a frame", "key"],
)
def test_messages_in_stack_traces_are_hidden(message: str) -> None:
    """Whatever they look like, in every exception of the chain; the frames between them stay as they are."""
    stack = _stack_of(1, message)
    assert EMAIL not in stack
    assert CARD not in stack
    assert "MIIEvQ" not in stack
    assert 'petra = f"{message} {number}"' not in stack, "only the line that raised is shown"
    assert stack.count("    raise ValueError(petra)\n") == 1
    assert stack.startswith("Traceback (most recent call last):\n")
    assert "KeyError: " in stack


def test_what_stands_in_source_is_hidden() -> None:
    """A secret in the line of the program that failed is one."""
    producer = Stdlib(Options(environ={}))
    try:
        raise ValueError("x", "petra.kohl7@firma-beispiel.de")
    except ValueError as error:
        producer.log("error", "x", error)
    assert EMAIL not in producer.stream.getvalue()


def test_frames_are_looked_at_once() -> None:
    """The same frames fail again and again; only messages are new."""
    seen: list[str] = []

    def look(text: str, _: object) -> str:
        seen.append(text)
        return text

    producer = Stdlib(Options(environ={}, mask=Mask(look)))
    for number in range(3):
        try:
            _fail(number, "x")
        except ValueError as error:
            producer.log("error", "x", error)
    assert sum("raise ValueError(petra)" in text for text in seen) == 1
    assert len({line["exception.stacktrace"] for line in producer.lines}) == 3
