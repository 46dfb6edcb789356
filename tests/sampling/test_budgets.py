"""Budgets of errors: samples by fingerprint, and an exact count of all that is not kept."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from errorplane.sampling import (
    Allowance,
    Budget,
    BudgetBook,
    BudgetKind,
    BudgetLimits,
    BudgetState,
    Ruling,
    Sketch,
    budget_key,
)

HOUR = 3600.0
LIMITS = BudgetLimits(samples=4, window_s=HOUR, decay=0.5, max_fingerprints=100)
KEY = budget_key("v1:0123456789abcdef")


def offer(budget: Budget, now: float, counts: Mapping[bytes, int] | None = None, *, kept: bool = False) -> Ruling:
    """Ask, and do what the answer says."""
    asked = budget.ask(counts or {KEY: 1}, now, kept=kept)
    return budget.settle(asked, asked.keep)


def key_of(number: int) -> bytes:
    """A fingerprint's key for a number."""
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


def test_the_first_is_kept_then_as_many_as_the_window_has() -> None:
    """Of ten in a window the first four are samples; the next window's first one says how many were left out."""
    budget = Budget(LIMITS, 0.0)
    rulings = [offer(budget, second) for second in range(10)]
    assert [ruling.keep for ruling in rulings] == [True] * 4 + [False] * 6
    assert [ruling.state for ruling in rulings[:2]] == [BudgetState.FIRST, BudgetState.WINDOW]
    assert rulings[-1].state is BudgetState.SPENT
    assert offer(budget, HOUR).carried == {KEY: 6}
    assert offer(budget, HOUR).carried == {}


def test_an_error_that_goes_on_gets_less_but_never_nothing() -> None:
    """The allowance halves with each window that was not enough, down to one, and comes back in quiet ones."""
    budget = Budget(LIMITS, 0.0)
    kept = [sum(offer(budget, hour * HOUR).keep for _ in range(20)) for hour in range(6)]
    assert kept == [4, 2, 1, 1, 1, 1]
    # The last busy window costs a level too, so four quiet ones make up for all.
    assert sum(offer(budget, 20 * HOUR).keep for _ in range(20)) == 4


def test_without_decay_every_window_has_the_same() -> None:
    """A decay of 1 leaves the allowance as it is."""
    budget = Budget(BudgetLimits(3, 60.0, 1.0, 100), 0.0)
    assert [sum(offer(budget, minute * 60.0).keep for _ in range(9)) for minute in range(3)] == [3, 3, 3]


@given(st.integers(1, 10_000), st.floats(0.0, 1.0))
def test_no_level_is_ever_zero(samples: int, decay: float) -> None:
    """Whatever a policy says, each window has a sample, and no level has more than the one before."""
    allowances = BudgetLimits(samples, 1.0, decay, 10).allowances
    assert min(allowances) >= 1
    assert list(allowances) == sorted(allowances, reverse=True)


def test_one_trace_with_a_new_error_is_kept_whole() -> None:
    """A fingerprint with nothing left is a sample of its own too when another one keeps the trace."""
    budget = Budget(LIMITS, 0.0)
    other = budget_key("other")
    for _ in range(9):
        offer(budget, 0.0)
    ruling = offer(budget, 0.0, {KEY: 2, other: 1})
    assert (ruling.keep, ruling.state, ruling.carried) == (True, BudgetState.FIRST, {KEY: 5})


def test_what_is_kept_for_another_reason_is_a_sample_too() -> None:
    """It is counted as kept, carries the count, and uses the window's allowance."""
    budget = Budget(LIMITS, 0.0)
    assert [offer(budget, 0.0, kept=True).state for _ in range(6)] == [BudgetState.FOLLOWS] * 6
    assert not offer(budget, 0.0).keep
    assert offer(budget, 0.0, kept=True).carried == {KEY: 1}


def test_a_clock_that_steps_back_neither_stops_nor_refills_a_budget() -> None:
    """After a step of a day back the window goes on with what it has, and ends in time."""
    budget = Budget(LIMITS, 86_400.0)
    for _ in range(4):
        assert offer(budget, 86_400.0).keep
    assert not offer(budget, 0.0).keep
    assert offer(budget, HOUR).keep


def test_settled_errors_keep_their_places_when_fingerprints_explode() -> None:
    """A flood of fingerprints seen once each neither drives out those that recur nor is kept as a whole."""
    budget = Budget(LIMITS, 0.0)
    recurring = [key_of(-number) for number in range(1, 11)]
    for _ in range(2):
        for key in recurring:
            offer(budget, 0.0, {key: 1})
    kept = sum(offer(budget, 1.0, {key_of(number): 1}).keep for number in range(10_000))
    assert kept <= LIMITS.max_fingerprints
    assert len(budget) <= LIMITS.max_fingerprints
    assert [offer(budget, 2.0, {key: 1}).state for key in recurring] == [BudgetState.WINDOW] * 10


def test_a_new_error_that_recurs_gets_in_during_an_explosion() -> None:
    """While thousands of fingerprints are new, one that comes again is kept before those that come once."""
    budget = Budget(LIMITS, 0.0)
    for number in range(5_000):
        offer(budget, 0.0, {key_of(number): 1})
    states = [offer(budget, 0.0).state for _ in range(4)]
    assert states[0] is BudgetState.CROWDED
    assert BudgetState.FIRST in states


def test_first_samples_are_shared_out_again_with_time() -> None:
    """During an explosion that lasts, each window has its share of first samples."""
    budget = Budget(LIMITS, 0.0)
    numbers = iter(range(1_000_000))
    kept = []
    for window in range(3):
        offered = [offer(budget, (window + step / 500) * HOUR, {key_of(next(numbers)): 1}) for step in range(500)]
        kept.append(sum(ruling.keep for ruling in offered))
    assert kept[0] <= 50
    assert all(20 <= count <= 26 for count in kept[1:])


def test_a_sketch_is_never_too_low_and_forgets_what_came_once() -> None:
    """A key counted five times among a thousand others reads five at least; after halving, single ones read zero."""
    sketch = Sketch(1024)
    for number in range(500):
        sketch.add(key_of(number))
        if number % 100 == 0:
            sketch.add(KEY)
    assert sketch.estimate(KEY) >= 5
    for number in range(1000, 1519):
        sketch.add(key_of(number))
    assert sum(sketch.estimate(key_of(number)) > 0 for number in range(100_000, 101_000)) < 200
    assert sketch.estimate(KEY) >= 2


OFFERS = st.lists(
    st.tuples(
        st.dictionaries(st.integers(0, 12).map(key_of), st.integers(1, 3), min_size=1, max_size=3),
        st.floats(-30.0, 5_000.0),
        st.sampled_from(("by budget", "by budget", "by budget", "kept anyway", "suppressed anyway")),
        st.sampled_from(("go on", "go on", "commit", "crash", "reload")),
    ),
    max_size=60,
)
SMALL = st.builds(
    BudgetLimits,
    st.integers(1, 4),
    st.sampled_from((1.0, 60.0, HOUR)),
    st.sampled_from((0.0, 0.5, 1.0)),
    st.integers(1, 12),
)


@settings(max_examples=150)
@given(SMALL, SMALL, OFFERS)
def test_kept_and_suppressed_are_all_that_was_offered(
    limits: BudgetLimits, others: BudgetLimits, offers: list[tuple[dict[bytes, int], float, str, str]]
) -> None:
    """In any order, with restarts, failed turns and reloads: every occurrence is kept or suppressed, once.

    What samples carried, what still waits for a sample and what is no longer told apart make up the suppressed.
    """
    book, now = BudgetBook(), 0.0
    stored: dict[bytes, bytes] = {}
    book.limit({"errors": limits})
    committed = pending = Counter[str]()
    for counts, step, how, then in offers:
        now += step
        budget = book.get("errors", BudgetKind.TRACE, now)
        asked = budget.ask(counts, now, kept=how == "kept anyway")
        ruling = budget.settle(asked, asked.keep and how != "suppressed anyway")
        number = sum(counts.values())
        pending = pending + Counter(
            offered=number,
            kept=number * ruling.keep,
            suppressed=number * (not ruling.keep),
            carried=sum(ruling.carried.values()),
        )
        if then == "go on":
            continue
        if then == "commit":
            for name, data in book.changes().items():
                if data is None:
                    stored.pop(name, None)
                else:
                    stored[name] = data
            book.commit()
            committed, pending = committed + pending, Counter()
        elif then == "crash":
            book, pending = BudgetBook(), Counter()
            book.limit({"errors": limits})
            assert book.restore(stored.items(), now) == []
        else:
            book.roll_back()
            pending = Counter()
            limits, others = others, limits
            book.limit({"errors": limits})
        totals = book.get("errors", BudgetKind.TRACE, now).totals
        assert totals.offered == totals.kept + totals.suppressed == committed["offered"]
        assert (totals.kept, totals.carried) == (committed["kept"], committed["carried"])
    waiting = sum(
        Allowance.unpack(data).suppressed
        for name, data in (stored | book.changes()).items()
        if data is not None and name.split(b"\0", 2)[2]
    )
    totals = book.get("errors", BudgetKind.TRACE, now).totals
    assert totals.suppressed == totals.carried + totals.tail + waiting
    assert len(book.get("errors", BudgetKind.TRACE, now)) <= max(2, limits.max_fingerprints)


@given(st.randoms(use_true_random=False))
def test_counts_by_fingerprint_are_exact_while_there_is_room(shuffler: random.Random) -> None:
    """For each fingerprint: its samples, with the counts they carry and one last sample's, are all its occurrences."""
    budget = Budget(LIMITS, 0.0)
    offered = [key_of(number % 7) for number in range(300)]
    shuffler.shuffle(offered)
    counted = Counter[bytes]()
    for number, key in enumerate(offered):
        ruling = offer(budget, number * 120.0, {key: 1})
        counted[key] += ruling.keep + ruling.carried.get(key, 0)
    for key in set(offered):
        counted[key] += offer(budget, 10**9, {key: 1}).carried.get(key, 0)
    assert counted == Counter(offered)


def test_a_rule_without_a_budget_any_more_gives_its_records_up() -> None:
    """What the new policy has no budget for is deleted from the journal, in the same process and by the next one."""
    book = BudgetBook()
    book.limit({"errors": LIMITS})
    offer(book.get("errors", BudgetKind.LOG, 0.0), 0.0)
    stored = {name: data for name, data in book.changes().items() if data is not None}
    book.commit()
    assert len(stored) == 2
    book.limit({})
    assert book.changes() == dict.fromkeys(stored)
    later = BudgetBook()
    later.limit({})
    assert later.restore(stored.items(), 0.0) == []
    assert later.changes() == dict.fromkeys(stored)


def test_healed_errors_have_one_sample_a_window() -> None:
    """The budget of errors after which the same call succeeded is one, whatever the rule's is."""
    book = BudgetBook()
    book.limit({"errors": LIMITS})
    budget = book.get("errors", BudgetKind.HEALED, 0.0)
    assert [offer(budget, 0.0).keep for _ in range(3)] == [True, False, False]
