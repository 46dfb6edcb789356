"""Durations, sizes and references, for every value."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errorplane.policy._interpolation import BadReference, has_reference, interpolate, references
from errorplane.policy._units import format_duration, format_size, parse_duration, parse_size

NAME = st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,8}\Z")
PLAIN = st.text(st.characters(exclude_characters="$", exclude_categories=["Cs"]))


@given(st.floats(0, 1e9, allow_nan=False).map(lambda x: round(x, 9)))
def test_written_duration_is_read_back(seconds: float) -> None:
    """What ``format_duration`` writes means the same number of seconds."""
    assert parse_duration(format_duration(seconds)) == seconds


@given(st.integers(0, 1 << 50))
def test_written_size_is_read_back(count: int) -> None:
    """What ``format_size`` writes means the same number of bytes."""
    assert parse_size(format_size(count)) == count


@given(st.integers(0, 999), st.sampled_from([("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]))
def test_duration_is_number_times_unit(number: int, unit: tuple[str, float]) -> None:
    """A duration is as long as its number of units."""
    assert parse_duration(f"{number}{unit[0]}") == pytest.approx(number * unit[1])


@given(st.text(max_size=12))
def test_other_text_is_no_duration_and_no_size(text: str) -> None:
    """Any text is read or refused with ValueError, never anything else, and never as something negative."""
    for parse in (parse_duration, parse_size):
        with contextlib.suppress(ValueError):
            assert parse(text) >= 0


@pytest.mark.parametrize(
    "text", ["", "10", "-1s", "s", "1 s", "1S", "1s1m", "1s2s", "1e3s", "\u0661s", "1h 30m", ".5s", "1.s"]
)
def test_wrong_duration_is_refused(text: str) -> None:
    """No unit, no number, a sign, spaces, units out of order or repeated."""
    with pytest.raises(ValueError, match=r"not a duration|units out of order"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "10", "-1B", "MiB", "1mib", "1 Mib", "1e3B", "1.5B", "0.1KiB", "1  MiB", "1KiB1B"]
)
def test_wrong_size_is_refused(text: str) -> None:
    """No unit, no number, a sign, or a fraction of a byte."""
    with pytest.raises(ValueError, match=r"not a size|whole number of bytes"):
        parse_size(text)


@given(PLAIN)
def test_text_without_references_stays(text: str) -> None:
    """Only ``${`` starts anything."""
    assert not has_reference(text)
    assert interpolate(text, Path("/"), {}) == text


@given(st.lists(st.tuples(PLAIN, NAME, st.text(st.characters(exclude_categories=["Cs"])))), PLAIN)
def test_references_are_replaced_once(parts: list[tuple[str, str, str]], end: str) -> None:
    """Each reference becomes its variable, whatever stands in it, a reference included."""
    environ = {name: value for _, name, value in parts}
    text = "".join(f"{before}${{env:{name}}}" for before, name, _ in parts) + end
    expected = "".join(before + environ[name] for before, name, _ in parts) + end
    assert interpolate(text, Path("/"), environ) == expected
    assert references(text) == tuple(f"${{env:{name}}}" for _, name, _ in parts)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaped_text_means_itself(text: str) -> None:
    """With ``$${`` for ``${``, any text that does not hold ``$${`` can be written."""
    if "$${" not in text:
        assert interpolate(text.replace("${", "$${"), Path("/"), {}) == text


@given(st.text("${}:envfilAB", max_size=20))
def test_any_text_is_replaced_or_refused(text: str) -> None:
    """Malformed references are refused in words; nothing else happens."""
    with contextlib.suppress(BadReference):
        replaced = interpolate(text, Path("/nonexistent"), {"A": "1", "B": "2"})
        assert "${" not in replaced or "$${" in text
