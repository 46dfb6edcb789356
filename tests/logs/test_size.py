"""However much is logged, a line has a bounded size and takes a bounded time."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from tests.logs.producers import Stdlib

from errorplane.logs import LINE_LENGTH, TEXT_LENGTH, Options

_MASKED = pytest.mark.parametrize("mask", [False, True], ids=["unmasked", "masked"])


def _wide(depth: int) -> list[Any]:
    """128 ** depth values in the memory of `depth` lists."""
    value: list[Any] = [0] * 128
    for _ in range(depth):
        value = [value] * 128
    return value


def _cycles() -> list[Any]:
    value: list[Any] = []
    value += [value] * 128
    return value


VALUES = {
    "wide": _wide(7),
    "deep": _wide(100),
    "cyclic": _cycles(),
    "long": {"a": "x" * 1_000_000, "b": "y" * 1_000_000, "c": "z"},
    "many": {str(number): "x" * 500 for number in range(1000)},
    "long keys": {f"{number}{'k' * 1000}": number for number in range(1000)},
    "control characters": {str(number): "\x00" * 20_000 for number in range(10)},
    "outside of the BMP": "\N{PILE OF POO}" * 100_000,
    "keys of control characters": {chr(number) * 255: "\x01" * 255 for number in range(1, 32)},
    "bytes": b"\xff" * 1_000_000,
    "number": 10**5000,
}


@_MASKED
@pytest.mark.parametrize("name", VALUES)
def test_a_line_is_bounded(name: str, mask: bool) -> None:
    """In bytes, whatever the escapes make of a text, and in time, whatever refers to itself."""
    producer = Stdlib(Options(environ={}, mask=mask))
    started = time.monotonic()
    producer.log("info", "\x00" * 50_000, value=VALUES[name], after="kept?")
    assert time.monotonic() - started < 5
    text = producer.stream.getvalue()
    assert len(text.encode()) <= LINE_LENGTH + 1
    (line,) = producer.lines
    assert line["severity_text"] == "INFO"
    assert line["body"].startswith("\x00")


@_MASKED
def test_the_texts_of_a_line_have_a_length_together(mask: bool) -> None:
    """Looking through all of what a line would drop later takes time that the application waits."""
    producer = Stdlib(Options(environ={}, mask=mask))
    producer.log("info", "x", value=["w " * (TEXT_LENGTH // 2)] * 100)
    assert producer.lines[0]["attributes"]["value"][-97:] == ["…"] * 97


@_MASKED
def test_what_fits_is_left_alone(mask: bool) -> None:
    """Texts up to the limit, nested values, many small ones."""
    value = {"text": "w " * (TEXT_LENGTH // 4), "nested": {"a": [{"b": [None, True, 1.5]}]}, "list": list(range(100))}
    producer = Stdlib(Options(environ={}, mask=mask))
    producer.log("info", "x", value=value)
    assert producer.lines[0]["attributes"] == {"value": value}


def test_a_stack_trace_keeps_its_end() -> None:
    """The exception itself stands there."""
    producer = Stdlib(Options(environ={}))

    def even(number: int) -> None:
        odd(number - 1)

    def odd(number: int) -> None:
        if number < 0:
            raise ValueError("the end")
        even(number)

    try:
        even(400)
    except ValueError as error:
        producer.log("error", "x", error)
    stack = producer.lines[0]["exception.stacktrace"]
    assert stack.startswith("Traceback")
    assert stack.endswith("ValueError: the end\n")
    assert len(json.dumps(stack)) < LINE_LENGTH
