"""The doctor on much source: bounded time, and no false alarm."""

from __future__ import annotations

import time
from pathlib import Path

from errorplane.doctor import check_source


def test_large_sources_take_seconds(tmp_path: Path) -> None:
    """Ten files of a thousand lines are walked once, and what is wrong in one of them is found."""
    lines = "".join(
        f"def f{n}(x):\n    for i in g{n}(x):\n        x = h.get(i, [x])\n    return x\n" for n in range(250)
    )
    for number in range(10):
        (tmp_path / f"part{number}.py").write_text(lines)
    (tmp_path / "late.py").write_text("CELERY_TASK_ACKS_LATE = True\n")
    start = time.process_time()
    (found,) = check_source([tmp_path])
    assert time.process_time() - start < 10.0
    assert found.rule.id == "celery-acks-late"


def test_our_own_source_is_healthy() -> None:
    """Nothing is found in errorplane."""
    root = Path(__file__).parents[2]
    assert check_source([root / "instrumentation", root / "operations"]) == []
