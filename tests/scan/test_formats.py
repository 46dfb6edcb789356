"""What a scan finds in lines of each format, and where."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.otlp.parts import sample

from errorplane.otlp import Signal, from_json, to_json_line
from errorplane.scan import Checker, Result, Scanner

MAIL, CARD = "bob@example.com", "4111111111111111"
PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=("L", "N")), max_size=20)


def scan(checker: Checker, form: str, line: str | bytes) -> Result:
    """The result of one line."""
    return Scanner(checker, form).scan(line.encode() if isinstance(line, str) else line)


def seen(result: Result, line: str) -> list[tuple[str, str, str | None]]:
    """Type, text in the line, and path of each entity."""
    return [(each.type, line[each.start : each.end], each.path) for each in result.entities]


@given(PLAIN, PLAIN)
def test_text_offsets_are_code_points(checker: Checker, before: str, after: str) -> None:
    """An address among whatever symbols and emoji is found where it stands."""
    line = f"{before} {MAIL} {after}".replace("\n", " ").replace("\r", " ")
    result = scan(checker, "text", line)
    assert ("EMAIL_ADDRESS", MAIL, None) in seen(result, line)
    assert MAIL not in result.text


def test_text_that_is_not_utf8_goes_as_a_whole(checker: Checker) -> None:
    """What is in it is named all the same, since most of it can be read."""
    result = scan(checker, "text", b"M\xfcller " + MAIL.encode())
    assert result.text == "[QUARANTINED:encoding]"
    assert result.quarantined == ("encoding",)
    assert [(each.type, each.action) for each in result.entities] == [("EMAIL_ADDRESS", "quarantine")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_wide_encodings_that_pass_for_utf8_are_quarantined(checker: Checker, encoding: str) -> None:
    """No detector sees anything in letters with NULs between them, so that is not taken for nothing."""
    assert scan(checker, "text", f"mail {MAIL}".encode(encoding)).quarantined == ("encoding",)


@pytest.mark.parametrize("form", ["text", "ndjson", "otlp"])
def test_endless_lines_and_texts_are_quarantined(checker: Checker, form: str) -> None:
    """A line beyond what is read, and a text beyond what a detector may see, say so instead of showing anything."""
    assert "[QUARANTINED:size]" in Scanner(checker, form).scan(None).text
    long = MAIL + " " * checker.limits.text
    result = scan(checker, form, long if form == "text" else json.dumps({"msg": long}))
    assert MAIL not in result.text
    assert result.quarantined == ("size",)


def test_json_values_are_found_where_they_stand(checker: Checker) -> None:
    """Names are context and are looked at too, numbers may be cards, and what is inside of a secret is one."""
    line = json.dumps(
        {"msg": f"mail {MAIL}", "n": int(CARD), "a.b": [{MAIL: 1}, MAIL], "auth": {"password": {"new": "hunter2"}}}
    )
    result = scan(checker, "ndjson", line)
    assert seen(result, line) == [
        ("EMAIL_ADDRESS", MAIL, "msg"),
        ("CREDIT_CARD", CARD, "n"),
        ("EMAIL_ADDRESS", MAIL, '["a.b"][0]["<EMAIL_ADDRESS>"]'),
        ("EMAIL_ADDRESS", MAIL, '["a.b"][1]'),
        ("PASSWORD", "hunter2", "auth.password.new"),
    ]
    assert json.loads(result.text) == {
        "msg": "mail <EMAIL_ADDRESS>",
        "n": "<CREDIT_CARD>",
        "a.b": [{"<EMAIL_ADDRESS>": 1}, "<EMAIL_ADDRESS>"],
        "auth": {"password": {"new": "<PASSWORD>"}},
    }


@pytest.mark.parametrize(
    "raw", [r"bob\u0040example.com", r"\u0062ob@example.com", MAIL, r"\ud83d\ude00 bob\u0040example.com"]
)
def test_json_escapes_are_seen_through(checker: Checker, raw: str) -> None:
    """The place in the line covers the escapes of what was found, whatever stands escaped before it."""
    line = f'{{"a\\/\\"": "\\ud83d\\ude00\\n {raw} x"}}'
    result = scan(checker, "ndjson", line)
    (entity,) = result.entities
    assert json.loads(f'"{line[entity.start : entity.end]}"') == MAIL
    assert json.loads(result.text) == {
        'a/"': json.loads(f'"\\ud83d\\ude00\\n {raw} x"').replace(MAIL, "<EMAIL_ADDRESS>")
    }


@pytest.mark.parametrize("number", ["4111111111111111.0", "4.111111111111111e15", "41111111111111110E-1"])
def test_cards_in_any_notation_of_numbers(checker: Checker, number: str) -> None:
    """A card that some writer took for a floating-point number is one, and becomes a string."""
    line = f'{{"n": {number}}}'
    result = scan(checker, "ndjson", line)
    assert seen(result, line) == [("CREDIT_CARD", number, "n")]
    assert json.loads(result.text) == {"n": "<CREDIT_CARD>"}


def test_what_was_not_touched_stays_byte_for_byte(checker: Checker) -> None:
    """Spaces, notations of numbers, escapes and repeated names outlive redaction."""
    line = f'{{ "a" : 1.50, "a": "\\u00e9\\/", "m": "{MAIL}" }}'
    assert scan(checker, "ndjson", line).text == line.replace(MAIL, "<EMAIL_ADDRESS>")


def test_lines_that_are_no_json_are_scanned_as_text(checker: Checker) -> None:
    """They say so, whether something is in them or not; empty lines are nothing special."""
    result = scan(checker, "ndjson", f"half {{ {MAIL}")
    assert (result.text, result.note, result.entities[0].path) == ("half { <EMAIL_ADDRESS>", "not JSON", "")
    assert scan(checker, "ndjson", "nothing here").note == "not JSON"
    assert scan(checker, "ndjson", "") == Result("")
    assert scan(checker, "otlp", '{"a": 1}').note == "not OTLP"


def test_what_is_too_deep_is_quarantined(checker: Checker) -> None:
    """A line of brackets is replaced by a document that says why."""
    result = scan(checker, "ndjson", "[" * 5000 + f'"{MAIL}"' + "]" * 5000)
    assert (json.loads(result.text), result.quarantined) == ("[QUARANTINED:depth]", ("depth",))


def attribute(key: str, **value: object) -> dict[str, object]:
    """A KeyValue as OTLP JSON."""
    return {"key": key, "value": value}


def traces(**span: object) -> str:
    """A line with one span."""
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


SPAN = "resourceSpans[0].scopeSpans[0].spans[0]"


def test_otlp_attributes_have_names(checker: Checker) -> None:
    """The path names the attribute, its key is context also where it stands behind the value, maps nest."""
    nested = {"values": [attribute("password", arrayValue={"values": [{"stringValue": "hunter2"}]})]}
    line = traces(
        name=f"GET {MAIL}",
        attributes=[
            {"value": {"stringValue": "hunter3"}, "key": "db.password"},
            attribute("m", kvlistValue=nested),
            attribute(MAIL, boolValue=True),
        ],
        events=[{"attributes": [attribute("exception.message", stringValue=f"no {MAIL}")]}],
    )
    result = scan(checker, "otlp", line)
    assert seen(result, line) == [
        ("EMAIL_ADDRESS", MAIL, f"{SPAN}.name"),
        ("PASSWORD", "hunter3", f'{SPAN}.attributes["db.password"]'),
        ("PASSWORD", "hunter2", f'{SPAN}.attributes["m"]["password"][0]'),
        ("EMAIL_ADDRESS", MAIL, f'{SPAN}.attributes["<EMAIL_ADDRESS>"]'),
        ("EMAIL_ADDRESS", MAIL, f'{SPAN}.events[0].attributes["exception.message"]'),
    ]


def test_otlp_values_change_their_type_with_their_content(checker: Checker) -> None:
    """Integers and floating-point numbers that are cards become strings, bytes stay base64; the request stays valid."""
    line = traces(
        attributes=[
            attribute("i", intValue=CARD),
            attribute("d", doubleValue=float(CARD)),
            attribute("b", bytesValue=base64.b64encode(MAIL.encode()).decode()),
        ]
    )
    result = scan(checker, "otlp", line)
    assert [entity for entity, _, _ in seen(result, line)] == ["CREDIT_CARD", "CREDIT_CARD", "EMAIL_ADDRESS"]
    values = [
        each["value"] for each in json.loads(result.text)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"]
    ]
    assert values == [
        {"stringValue": "<CREDIT_CARD>"},
        {"stringValue": "<CREDIT_CARD>"},
        {"bytesValue": base64.b64encode(b"<EMAIL_ADDRESS>").decode()},
    ]
    from_json(Signal.TRACES, result.text.encode())


def test_otlp_bytes_alone_are_looked_into(checker: Checker) -> None:
    """Base64 hides nothing, also in a line in which nothing else asks for a look."""
    line = traces(attributes=[attribute("b", bytesValue=base64.b64encode(b"a@b.de").decode())])
    assert [entity for entity, _, _ in seen(scan(checker, "otlp", line), line)] == ["EMAIL_ADDRESS"]


def test_otlp_ids_and_times_are_none_of_anybodys_business(checker: Checker) -> None:
    """Digits of ids and times that pass for a card's are left alone; in the place of an id, a text is not."""
    trace_id = CARD * 2
    quiet = traces(
        traceId=trace_id, spanId=CARD, startTimeUnixNano=CARD, kind="SPAN_KIND_SERVER", droppedLinksCount=int(CARD)
    )
    assert scan(checker, "otlp", quiet).entities == ()
    loud = traces(traceId=MAIL, startTimeUnixNano=MAIL)
    assert [path for _, _, path in seen(scan(checker, "otlp", loud), loud)] == [
        f"{SPAN}.traceId",
        f"{SPAN}.startTimeUnixNano",
    ]


def test_otlp_fields_beyond_the_schema_are_looked_at(checker: Checker) -> None:
    """What a newer sender adds, or a wrong one puts in the place of something else, hides nothing."""
    line = traces(newField={"password": "hunter2"}, status=MAIL, attributes={"a": MAIL})
    assert [entity for entity, _, _ in seen(scan(checker, "otlp", line), line)] == [
        "PASSWORD",
        "EMAIL_ADDRESS",
        "EMAIL_ADDRESS",
    ]


def test_otlp_values_beyond_the_depth_are_quarantined(checker: Checker) -> None:
    """A map in a map and so on ends where the processor's look ends, and the rest of the request goes on."""
    value: dict[str, Any] = {"stringValue": MAIL}
    for _ in range(checker.limits.depth + 1):
        value = {"arrayValue": {"values": [value]}}
    result = scan(checker, "otlp", traces(name="GET /", attributes=[{"key": "deep", "value": value}]))
    assert result.quarantined == ("depth",)
    assert MAIL not in result.text
    assert b"GET /" in from_json(Signal.TRACES, result.text.encode())


@pytest.mark.parametrize("signal", Signal)
def test_otlp_lines_of_file_destinations_are_scanned_by_the_schema(checker: Checker, signal: Signal) -> None:
    """A line of each signal is a request, and is still one after redaction."""
    line = to_json_line(signal, sample(signal)).decode().rstrip("\n")
    result = scan(checker, "otlp", line)
    assert result.note is None
    from_json(signal, result.text.encode())
