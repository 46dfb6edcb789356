"""Token buckets by fingerprint: firsts always pass, nothing goes uncounted, memory is bounded."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from errorplane.export import UNLIMITED, Budget, Rates, Reason, Throttle, admit, limit
from errorplane.testing import FixedClock

HOT = "v1:0000000000000001"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(1000.0)


def spend(budget: Budget, fingerprint: str, times: int) -> tuple[int, int]:
    """How many of so many occurrences were admitted, and how many others those carried."""
    answers = [budget.admit(fingerprint) for _ in range(times)]
    return sum(each.admitted for each in answers), sum(each.suppressed for each in answers)


def test_a_burst_passes_and_then_the_rate(clock: FixedClock) -> None:
    """So many as the burst are admitted at once, and later as many as the rate gives in that time."""
    budget = Budget(Rates(rate=2, burst=5, total=1000), clock)
    assert spend(budget, HOT, 100) == (5, 0)
    clock.advance(1.5)
    assert spend(budget, HOT, 100) == (3, 95)


def test_the_next_admitted_carries_the_count(clock: FixedClock) -> None:
    """What was turned away since the last admitted one stands on the next one, once."""
    budget = Budget(Rates(rate=1, burst=1, total=1000), clock)
    spend(budget, HOT, 8)
    clock.advance(1)
    assert budget.admit(HOT).suppressed == 7
    clock.advance(1)
    assert budget.admit(HOT).suppressed == 0


def test_the_first_of_each_fingerprint_passes_in_a_storm(clock: FixedClock) -> None:
    """A hundred new fingerprints each have their first one admitted while another one uses up the rate of all."""
    budget = Budget(Rates(rate=1000, burst=1000, total=10), clock)
    spend(budget, HOT, 5000)
    firsts = [budget.admit(f"v1:{number:016x}") for number in range(100, 200)]
    assert {each.reason for each in firsts} == {Reason.FIRST}


def test_more_new_fingerprints_than_are_told_apart_wait(clock: FixedClock) -> None:
    """In an explosion of fingerprints as many firsts pass as there are places, and more as a minute goes by."""
    budget = Budget(Rates(total=1_000_000, fingerprints=60), clock)
    assert sum(budget.admit(f"v1:{number:016x}").admitted for number in range(1000)) == 60
    clock.advance(10)
    assert sum(budget.admit(f"v1:{number:016x}").admitted for number in range(2000, 3000)) == 10


def test_a_new_fingerprint_that_had_to_wait_is_still_a_first(clock: FixedClock) -> None:
    """The first one that is admitted of a fingerprint is its first, whatever was turned away before it."""
    budget = Budget(Rates(fingerprints=1), clock)
    budget.admit("v1:1")
    assert budget.admit("v1:2").reason is Reason.NEW
    clock.advance(60)
    answer = budget.admit("v1:2")
    assert (answer.reason, answer.suppressed) == (Reason.FIRST, 1)


def test_all_fingerprints_share_one_rate(clock: FixedClock) -> None:
    """Beyond the firsts, all fingerprints together get no more than twice the total at once."""
    budget = Budget(Rates(rate=100, burst=100, total=20), clock)
    admitted = sum(spend(budget, f"v1:{number}", 50)[0] for number in range(30))
    assert 40 <= admitted <= 40 + 30


def test_the_counts_are_exact_under_threads() -> None:
    """With several threads and fewer places than fingerprints, kept and suppressed are all that was offered."""
    budget = Budget(Rates(rate=50, burst=3, total=200, fingerprints=20), FixedClock())
    kept: Counter[str] = Counter()

    def offer(seed: int) -> None:
        for number in range(4000):
            answer = budget.admit(f"v1:{(number * (seed + 3)) % 50}")
            if answer.admitted:
                kept[f"{seed}"] += 1

    threads = [threading.Thread(target=offer, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    counts = budget.counts()
    admitted = counts[Reason.FIRST] + counts[Reason.WITHIN]
    suppressed = sum(counts.values()) - admitted
    assert sum(counts.values()) == 16_000
    assert admitted == kept.total()
    assert suppressed == budget.carried + budget.pending + budget.untold
    assert budget.untold > 0


def test_what_was_lost_is_carried_by_the_next(clock: FixedClock) -> None:
    """An admitted one that did not arrive, with the count it carried, is told of by the next one."""
    budget = Budget(Rates(rate=1, burst=1), clock)
    spend(budget, HOT, 3)
    clock.advance(1)
    answer = budget.admit(HOT)
    budget.give_back(HOT, 1 + answer.suppressed)
    clock.advance(1)
    assert budget.admit(HOT).suppressed == 3


def test_without_room_even_a_first_waits_and_stays_a_first(clock: FixedClock) -> None:
    """A first one for which there is no room is counted, and the next one of its fingerprint is a first again."""
    budget = Budget(Rates(), clock)
    assert budget.admit(HOT, room=False) == (False, Reason.OVERLOAD, 0)
    assert budget.admit(HOT) == (True, Reason.FIRST, 1)


def test_an_overload_halves_the_rate_and_success_wins_it_back(clock: FixedClock) -> None:
    """Each second of overload halves what passes; each second of success gives a sixteenth back."""
    throttle = Throttle(clock)
    budget = Budget(Rates(rate=100, burst=100, total=1000), clock, throttle)
    spend(budget, HOT, 1000)
    for _ in range(50):
        throttle.overloaded()  # of one cause
    assert throttle.share == 0.5
    clock.advance(0.5)
    assert spend(budget, HOT, 1000)[0] == 25
    clock.advance(0.5)
    throttle.overloaded()
    assert (throttle.share, throttle.overloads) == (0.25, 2)
    for _ in range(20):
        clock.advance(1)
        throttle.succeeded()
    assert throttle.share == 1.0


def test_a_share_never_becomes_nothing(clock: FixedClock) -> None:
    """However long an overload lasts, a sixty-fourth of the rate is left, and a quiet second wins some back."""
    throttle = Throttle(clock)
    for _ in range(100):
        clock.advance(1)
        throttle.overloaded()
    assert throttle.share == 1 / 64
    clock.advance(1)
    throttle.succeeded()
    assert throttle.share == 1 / 64 + 1 / 16


def test_a_pause_holds_everything_but_firsts(clock: FixedClock) -> None:
    """While the receiver wants a pause only firsts are admitted; a pause ends, and is never longer than a minute."""
    throttle = Throttle(clock)
    budget = Budget(Rates(), clock, throttle)
    budget.admit(HOT)
    throttle.overloaded(pause_s=3600)
    assert budget.admit(HOT).reason is Reason.OVERLOAD
    assert budget.admit("v1:2").reason is Reason.FIRST
    clock.advance(61)
    assert budget.admit(HOT).admitted


def test_admit_lets_everything_pass_unless_there_is_a_limit(clock: FixedClock) -> None:
    """Without a limit `admit` answers the same unlimited admission; with one, the budget's, until it is taken back."""
    assert admit(HOT) is UNLIMITED
    undo = limit(Budget(Rates(burst=1), clock))
    assert [admit(HOT).admitted for _ in range(2)] == [True, False]
    undo()
    assert admit(HOT) is UNLIMITED
