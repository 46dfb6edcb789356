"""Attributes that are known to be clean are stepped over, and nothing else is."""

from __future__ import annotations

import pytest
from tests.support.telemetry import span, traces

from errorplane.redaction import _pairs
from errorplane.redaction._pairs import CleanPairs

NAME = b"db.query.text"


def body_with(*statements: str) -> bytes:
    """A request of one span for each."""
    return traces([span(attributes={NAME.decode(): each}) for each in statements]).SerializeToString()


def ends_in(body: bytes) -> list[int]:
    """Where the name ends."""
    starts = [at for at in range(len(body)) if body.startswith(NAME, at)]
    return [at + len(NAME) - 1 for at in starts]


def test_a_pair_is_asked_about_once() -> None:
    """What was clean is known by its bytes; what was not is asked about again, and given back."""
    asked: list[bytes] = []

    def is_clean(pair: bytes, _deadline: float) -> bool:
        asked.append(pair)
        return b"'" not in pair

    pairs = CleanPairs(is_clean)
    for body in (body_with("a = ?", "a = ?", "a = 'x'"), body_with("a = 'x'", "a = ?")):
        left = pairs.others(body, ends_in(body), 1.0)
        assert left == [end for end in ends_in(body) if b"'" in body[end : end + 14]]
    assert len(asked) == 4, "the first two at once, those with a literal each time"


def test_another_length_is_another_pair() -> None:
    """The bytes around a clean one must say the same too: else something may stand behind it."""
    pairs = CleanPairs(lambda _pair, _deadline: True)
    body = body_with("a = ?")
    (end,) = ends_in(body)
    assert pairs.others(body, [end], 1.0) == []
    head = end - len(NAME) - 1
    longer = body[: head - 1] + bytes((body[head - 1] + 4,)) + body[head:]
    assert pairs.others(longer, [end], 1.0) == [end]
    for cut in range(end + 1, end + 10):
        assert pairs.others(body[:cut], [end], 1.0) == [end], "the request ends inside of it"


def test_it_forgets_rather_than_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than it holds are asked about again, and the result is the same."""
    monkeypatch.setattr(_pairs, "_REMEMBERED", 3)
    asked: list[bytes] = []

    def is_clean(pair: bytes, _deadline: float) -> bool:
        asked.append(pair)
        return True

    pairs = CleanPairs(is_clean)
    body = body_with(*(f"a = b{number}" for number in range(8)))
    for _ in range(2):
        assert pairs.others(body, ends_in(body), 1.0) == []
    assert 8 < len(asked) <= 16
