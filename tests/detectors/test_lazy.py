"""What detectors cost an application at its start."""

from __future__ import annotations

import os
import subprocess
import sys

_ASK = """
import re, time, dataclasses, enum, hashlib, inspect, ipaddress, typing
real, compiled = re._compiler.compile, []
re._compiler.compile = lambda pattern, flags=0: compiled.append(pattern) or real(pattern, flags)
import errorplane.detectors as detectors
from errorplane.detectors.context import _topics
at_start = len(compiled)
spelled = _topics.by_first_word.cache_info().currsize
detectors.redact("mail bob@example.com")
after_one = len(compiled)
detectors.compile_all()
print(at_start, spelled, after_one, len(compiled))
"""


def test_expressions_and_gates_are_made_when_they_are_needed() -> None:
    """Importing the detectors compiles next to none of their expressions and spells no phrase, a line compiles those that
    it needs, and ``compile_all`` the rest."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK], check=True, capture_output=True, text=True, timeout=60, env={**os.environ}
    )
    at_start, spelled, after_one, all_of_them = map(int, done.stdout.split())
    assert at_start < 10
    assert spelled == 0
    assert at_start < after_one < 60
    assert all_of_them > 150
