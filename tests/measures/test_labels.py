"""Which values get series when there are more of them than places."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from errorplane.measures._labels import Label, Top
from errorplane.policy import LabelBudget


def test_the_first_values_have_places() -> None:
    """So many values are admitted, again and again; one more is not."""
    label = Label("operation", LabelBudget(values=2, bytes=1000))
    for value in ("a", "b", "a"):
        assert label.admits(value)
        label.take(value)
    assert not label.admits("c")
    assert label.admits("b")


def test_values_share_a_budget_of_bytes() -> None:
    """A value that is too long for what is left of the bytes has no place, a shorter one still has."""
    label = Label("operation", LabelBudget(values=100, bytes=64))
    label.take("x" * 60)
    assert not label.admits("é" * 3)
    assert label.admits("é" * 2)


def test_what_becomes_frequent_takes_the_place_of_what_is_rare() -> None:
    """A fingerprint that comes late but often enters; the rarest one leaves."""
    top = Top(LabelBudget(values=2, bytes=1000))
    for value in ("often", "often", "often", "rare"):
        assert top.count(value) == (True, None)
    assert top.count("new") == (False, None)
    assert top.count("new") == (True, "rare")
    assert top.count("often") == (True, None)
    assert top.overflowed == 1


def test_what_was_frequent_once_leaves() -> None:
    """Counts are halved as errors go by, so that a fingerprint of long ago does not keep its place."""
    top = Top(LabelBudget(values=1, bytes=1000))
    for _ in range(60):
        top.count("old")
    came = next(number for number in itertools.count(1) if top.count("new")[0])
    assert came < 60


def test_a_flood_of_new_fingerprints_does_not_drive_out_a_frequent_one() -> None:
    """Whoever is counted often stays, however many others are seen once each."""
    top = Top(LabelBudget(values=10, bytes=1000))
    inside = [top.count("frequent")[0] for number in range(5_000) for _ in (top.count(f"once-{number}"),)]
    assert inside.count(False) < 100
    assert all(inside[100:])


@given(st.lists(st.sampled_from("abcdefgh"), max_size=400), st.integers(1, 4))
def test_the_bound_holds_and_the_same_input_gives_the_same_places(values: list[str], places: int) -> None:
    """Never more than the places are inside; two runs agree about every value."""
    tops = [Top(LabelBudget(values=places, bytes=1000)) for _ in range(2)]
    inside: set[str] = set()
    for value in values:
        answers = [top.count(value) for top in tops]
        assert answers[0] == answers[1]
        has_place, ended = answers[0]
        inside -= {ended}
        if has_place:
            inside.add(value)
        assert len(inside) <= places
