"""How the variables of the environment are read."""

from __future__ import annotations

import pytest

from errorplane import settings
from errorplane.settings import VARIABLES


@pytest.mark.parametrize("value", ["maybe", "2", "truee"])
def test_a_value_that_is_no_flag_is_reported_and_the_default_holds(
    value: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The report names variable, value and what is allowed."""
    assert settings.flag({settings.ENABLED: value}, settings.ENABLED) is True
    assert caplog.messages == [f"ERRORPLANE_ENABLED is {value!r} and must be true or false; 'true' holds instead"]


@pytest.mark.parametrize(("value", "meant"), [("off", False), (" NO ", False), ("1", True), ("Yes", True), ("", True)])
def test_flags_have_several_spellings(value: str, meant: bool) -> None:
    """In any case, and what is set to nothing is not set."""
    assert settings.flag({settings.ENABLED: value}, settings.ENABLED) is meant


def test_words_that_are_set_to_nothing_are_none() -> None:
    """Only a variable that is not there has its default."""
    assert settings.words({}, settings.BAGGAGE_SPAN_KEYS) == ("correlation_id", "tenant")
    assert settings.words({settings.BAGGAGE_SPAN_KEYS: ""}, settings.BAGGAGE_SPAN_KEYS) == ()
    assert settings.words({settings.BAGGAGE_SPAN_KEYS: " a, ,b,"}, settings.BAGGAGE_SPAN_KEYS) == ("a", "b")


def test_the_table_has_no_name_twice_and_its_defaults_can_be_read() -> None:
    """Each default is one of the values that the variable may have."""
    assert len({variable.name for variable in VARIABLES}) == len(VARIABLES)
    readers = {"flag": settings.flag, "number": settings.number, "text": settings.text, "words": settings.words}
    for variable in VARIABLES:
        readers[variable.type]({}, variable.name)
        if variable.type == "flag":
            assert variable.default in ("true", "false")
