"""Daily byte budgets: shares of healthy data that let a budget last, shared by several processors."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from errorplane.sampling import Day, FileDay

MIB = 1 << 20
START = 20_000 * 86_400.0  # midnight
STEP = 10.0
BUDGET = 8640 * MIB  # 0.1 MiB a second


def run(
    day: Day,
    *,
    begin: float,
    end: float,
    healthy: float,
    errors: float = 0.0,
    budget: int = BUDGET,
    least: float = 0.001,
) -> float:
    """Send at these rates, bytes a second, of which the share applies to the healthy ones; returns the last share."""
    now = begin
    while now < end:
        now += STEP
        spending = day.destinations.get("out")
        share = 1.0 if spending is None else spending.share
        day.spend({"out": int((healthy * share + errors) * STEP)}, now)
        day.adapt({"out": budget}, now, least)
    return day.destinations["out"].share


def new_day() -> Day:
    """A day at its start."""
    return Day(number=20_000, stepped=START)


def test_a_budget_that_is_enough_changes_nothing() -> None:
    """Below the budget everything is kept."""
    assert run(new_day(), begin=START, end=START + 3600, healthy=0.09 * MIB) == 1.0


def test_ten_times_the_budget_lasts_until_the_end_of_the_day() -> None:
    """A tenth is kept, the budget is used up by midnight to a few per cent, and the next day begins with its share."""
    day = new_day()
    share = run(day, begin=START, end=START + 43_200, healthy=MIB)
    assert share == pytest.approx(0.1, rel=0.05)
    run(day, begin=START + 43_200, end=START + 86_390, healthy=MIB)
    assert day.destinations["out"].used == pytest.approx(BUDGET, rel=0.02)
    run(day, begin=START + 86_390, end=START + 87_000, healthy=MIB)
    assert day.destinations["out"].used < 0.02 * BUDGET
    assert day.destinations["out"].share == pytest.approx(0.1, rel=0.05)


def test_errors_come_out_of_the_budget_first() -> None:
    """The share of healthy data is what the errors leave, and the least when they leave nothing."""
    share = run(new_day(), begin=START, end=START + 7200, healthy=MIB, errors=0.05 * MIB)
    assert share == pytest.approx(0.05, rel=0.1)
    assert run(new_day(), begin=START, end=START + 7200, healthy=MIB, errors=0.2 * MIB) == 0.001


def test_what_was_saved_at_night_is_spent_by_day() -> None:
    """After hours of little traffic more is affordable than the mean."""
    day = new_day()
    run(day, begin=START, end=START + 43_200, healthy=0.01 * MIB)
    assert run(day, begin=START + 43_200, end=START + 50_000, healthy=MIB) == pytest.approx(0.19, rel=0.05)


def test_a_share_comes_back_when_a_flood_is_over() -> None:
    """An hour after a flood of a hundred times the budget everything that fits is kept again."""
    day = new_day()
    run(day, begin=START, end=START + 600, healthy=10 * MIB)
    assert run(day, begin=START + 600, end=START + 4200, healthy=0.05 * MIB) == 1.0


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.floats(-90_000.0, 90_000.0), st.integers(0, 1 << 40)), max_size=30), st.floats(0.0001, 1.0)
)
def test_no_clock_and_no_traffic_breaks_the_bounds(steps: list[tuple[float, int]], least: float) -> None:
    """Whatever clocks and traffic do, a share stays between the least and one, and is written and read the same."""
    day, now = new_day(), START
    for step, sent in steps:
        now += step
        day.spend({"out": sent}, now)
        day.adapt({"out": BUDGET}, now, least)
        assert least <= day.destinations["out"].share <= 1.0
        assert Day.unpack(day.pack()) == day


def test_processors_share_one_day(tmp_path: Path) -> None:
    """Two at once have the same share, which fits both together."""
    path = tmp_path / "days.json"
    both = [FileDay(path, {"out": BUDGET}, 0.001, STEP) for _ in range(2)]
    shares, now = [1.0, 1.0], START
    while now < START + 7200:
        now += STEP / 2
        for number, each in enumerate(both):
            sent = int(MIB * shares[number] * STEP / 2)
            shares[number] = each.exchange({"out": sent}, now)["out"].share
    assert shares[0] == pytest.approx(0.05, rel=0.1)
    assert shares[0] == pytest.approx(shares[1], rel=0.05)


def test_no_report_is_lost_between_processes(tmp_path: Path) -> None:
    """Four processes that report at the same time add up exactly."""
    path = tmp_path / "days.json"
    code = (
        "import sys; from pathlib import Path; from errorplane.sampling import FileDay\n"
        f"day = FileDay(Path(sys.argv[1]), {{'out': {BUDGET}}}, 0.001, {STEP})\n"
        f"for number in range(100): day.exchange({{'out': 7}}, {START} + number / 50)\n"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code, str(path)]) for _ in range(4)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0, 0]
    assert Day.unpack(path.read_bytes()).destinations["out"].used == 4 * 100 * 7
    assert sorted(each.name for each in tmp_path.iterdir()) == ["days.json", "days.json.lock"]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"version": 2}', b'{"version":1,"day":1,"stepped":2,"destinations":{"a":1}}']
)
def test_a_damaged_file_begins_anew_and_says_so(tmp_path: Path, content: bytes) -> None:
    """The first exchange raises, naming the file; the next one works."""
    path = tmp_path / "days.json"
    path.write_bytes(content)
    day = FileDay(path, {"out": BUDGET}, 0.001, STEP)
    with pytest.raises(ValueError, match=r"days\.json could not be read and begins anew"):
        day.exchange({"out": 5}, START)
    spending = day.exchange({"out": 5}, START + STEP)["out"]
    assert (spending.used, spending.share) == (10, 1.0)


def test_a_lock_that_nobody_lets_go_of_does_not_hold_a_processor_up(tmp_path: Path) -> None:
    """The exchange gives up with an error that names the lock, and works again once it is free."""
    day = FileDay(tmp_path / "days.json", {"out": BUDGET}, 0.001, STEP, lock_wait_s=0.1)
    with (tmp_path / "days.json.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match=r"days\.json\.lock is held"):
            day.exchange({"out": 5}, START)
    assert day.exchange({"out": 5}, START)["out"].used == 5
