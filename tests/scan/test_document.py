"""JSON texts read with their places."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errorplane.scan._document import (
    MAX_DEPTH,
    Array,
    Literal,
    Node,
    NotJson,
    Number,
    Object,
    Offsets,
    Text,
    TooDeep,
    parse,
)

TEXTS = st.text(st.characters(codec="utf-8"))
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


def plain(node: Node, line: str) -> Any:
    """The document as ``json`` would read it, checking on the way that every place is right."""
    match node:
        case Text():
            assert json.loads(line[node.start : node.end]) == node.value
            return node.value
        case Number():
            assert line[node.start : node.end] == node.raw
            return json.loads(node.raw)
        case Array():
            assert (line[node.start], line[node.end - 1]) == ("[", "]")
            return [plain(item, line) for item in node.items]
        case Object():
            assert (line[node.start], line[node.end - 1]) == ("{", "}")
            return {plain(name, line): plain(item, line) for name, item in node.members}
        case Literal():
            return None


def literals_out(document: Any) -> Any:
    """The document with None in place of what the tree does not tell apart."""
    if isinstance(document, list):
        return [literals_out(item) for item in document]
    if isinstance(document, dict):
        return {name: literals_out(item) for name, item in document.items()}
    odd = isinstance(document, bool) or (isinstance(document, float) and not math.isfinite(document))
    return None if odd else document


@given(DOCUMENTS, st.booleans(), st.sampled_from([None, 1]))
def test_tree_is_the_document_with_places(document: Any, ascii_only: bool, indent: int | None) -> None:
    """Whatever ``json`` writes is read as what it was, each value with the place where it stands."""
    line = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    assert plain(parse(line), line) == literals_out(document)


@given(TEXTS, st.booleans())
def test_offsets_lead_through_escapes(value: str, ascii_only: bool) -> None:
    """What stands between the places of two code points reads as the characters between them."""
    line = f"[{json.dumps(value, ensure_ascii=ascii_only)}]"
    at = Offsets(line, 1, len(line) - 1)
    for start in range(len(value)):
        assert json.loads(f'"{line[at.raw(start) : at.raw(start + 1)]}"') == value[start]
    assert at.raw(len(value)) == len(line) - 2


@pytest.mark.parametrize(
    "line",
    [
        "",
        " ",
        "{",
        "[1,]",
        '{"a":}',
        '{"a" 1}',
        "{1:2}",
        '{"a":1,}',
        "01",
        "1 2",
        "nul",
        '"a',
        '"\\x"',
        '"\\u12"',
        "+1",
    ],
)
def test_what_is_no_json_is_refused(line: str) -> None:
    """Half documents, two in a line and what other languages allow are no documents."""
    with pytest.raises(NotJson):
        parse(line)


def test_depth_has_a_limit() -> None:
    """A document of nothing but brackets ends in an error of its own, not in the interpreter's stack."""
    assert isinstance(parse("[" * MAX_DEPTH + "]" * MAX_DEPTH), Array)
    with pytest.raises(TooDeep):
        parse("[" * 1_000_000)
