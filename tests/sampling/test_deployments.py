"""Which versions of services are new."""

from __future__ import annotations

import pytest

from errorplane.sampling import Deployments


class Clock:
    """A clock that only moves when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_version_of_a_service_is_no_news() -> None:
    """After the first start not everything is new; what comes next is, from when it is first seen."""
    clock = Clock()
    deployments = Deployments(clock)
    assert deployments.age("shop", "prod", "1") is None
    assert deployments.age("shop", "prod", "2") == 0.0
    clock.now += 5.0
    assert deployments.age("shop", "prod", "2") == 5.0
    assert deployments.age("shop", "prod", "1") is None
    assert deployments.age("cart", "prod", "2") is None
    assert deployments.age("shop", "staging", "3") is None


def test_a_clock_that_steps_back_makes_nothing_older_than_now() -> None:
    """An age is never negative."""
    clock = Clock()
    deployments = Deployments(clock)
    deployments.age("shop", "", "1")
    deployments.age("shop", "", "2")
    clock.now = 10.0
    assert deployments.age("shop", "", "2") == 0.0


@pytest.mark.parametrize(("service", "version"), [("", "1"), ("shop", ""), ("", "")])
def test_without_a_name_or_a_version_nothing_is_new(service: str, version: str) -> None:
    """What does not say its version is not remembered."""
    deployments = Deployments(Clock())
    deployments.age("shop", "", "0")
    deployments.saved_if_changed()
    assert deployments.age(service, "", version) is None
    assert deployments.saved_if_changed() is None


def test_what_is_known_outlives_the_process() -> None:
    """What was saved makes another table answer alike, and is saved only when it has changed."""
    clock = Clock()
    first, second = Deployments(clock), Deployments(clock)
    first.age("shop", "prod", "1")
    first.age("shop", "prod", "2")
    saved = first.saved_if_changed()
    assert saved is not None
    assert first.saved_if_changed() is None
    clock.now += 60.0
    second.restore(saved)
    second.restore(b"")
    assert second.age("shop", "prod", "2") == 60.0
    assert second.age("shop", "prod", "1") is None
    assert second.age("shop", "prod", "3") == 0.0


@pytest.mark.parametrize("damaged", [b"{", b"5", b"[[1]]", b'[["a", "b", 5]]', b'[["a", "b", {"1": "x"}]]', b"\xff"])
def test_what_was_not_saved_is_refused(damaged: bytes) -> None:
    """Bytes of another kind raise ValueError and change nothing."""
    deployments = Deployments(Clock())
    with pytest.raises(ValueError, match="not a list of services"):
        deployments.restore(damaged)
    assert deployments.age("a", "b", "1") is None


def test_memory_is_bounded() -> None:
    """Of a service the last 32 versions are known, of services the first 10,000; what is forgotten is counted."""
    deployments = Deployments(Clock())
    for version in range(40):
        deployments.age("shop", "", str(version))
    assert deployments.forgotten == 8
    assert deployments.age("shop", "", "8") == 0.0
    assert deployments.forgotten == 8
    for number in range(10_010):
        deployments.age(f"service-{number}", "", "1")
    assert deployments.forgotten == 8 + 11
    assert deployments.age("service-10005", "", "2") is None
    assert deployments.age("service-5", "", "v" * 300) is None
