"""Functions that call one another, in several files as an application has them: what a stack trace is long of.

Not one function that calls itself: ``traceback`` prints such frames as ``[Previous line repeated ...]``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

DEEPEST = 30
_PER_FILE = 5
_LAST = """\
from tests.bench.instrumentation.chain import Failed


def step_{number}(order, customer):
    total = sum(range(order % 7))
    raise Failed(f"order {{order}} of {{customer}} was lost, {{total}} left")
"""
_STEP = """

def step_{number}(order, customer):
    total = order * 17 % 101
    if total < 0:
        return None
    return {call}(order + 1, customer)
"""


class Failed(Exception):
    """What the innermost function raises."""


def chain(folder: Path) -> Callable[[int], None]:
    """Write the files into ``folder``; ``fail(depth)`` raises with so many of their frames in its stack trace."""
    steps: dict[int, Callable[[int, str], None]] = {}
    for start in range(DEEPEST - _PER_FILE, -1, -_PER_FILE):
        module = _written(folder / f"layer_{start}.py", start)
        if start + _PER_FILE < DEEPEST:
            module.inner = steps[start + _PER_FILE]
        steps |= {number: getattr(module, f"step_{number}") for number in range(start, start + _PER_FILE)}

    def fail(depth: int) -> None:
        steps[DEEPEST - depth](4711, "jo@example.org")

    return fail


def _written(path: Path, start: int) -> Any:
    end = start + _PER_FILE
    source = _LAST.format(number=DEEPEST - 1) if end == DEEPEST else ""
    for number in range(start, min(end, DEEPEST - 1)):
        source += _STEP.format(number=number, call=f"step_{number + 1}" if number + 1 < end else "inner")
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
