"""Consistent probability sampling: randomness, rejection thresholds, and the trace state that tells of them.

OpenTelemetry specification, "TraceState: Probability Sampling" and "TraceState Handling" (status: development), and
W3C Trace Context level 2. A trace is kept when its 56 bits of randomness are at least the threshold; ``ot=th:`` of a
span is the highest threshold that it has passed, so it is only ever raised, and erased where the chance is unknown.
"""

from __future__ import annotations

import math
import re

RANDOMNESS_BITS = 56
_ALL = 1 << RANDOMNESS_BITS
_DIGITS = RANDOMNESS_BITS // 4
_PRECISION = 4  # digits of a threshold beyond leading f's, as the specification recommends
_MAX_VALUE = 256  # characters of the value of one entry
_MAX_MEMBERS = 32
_KEY = "ot"
_THRESHOLD = re.compile(r"[0-9a-fA-F]{1,14}")
_RANDOMNESS = re.compile(r"[0-9a-fA-F]{14}")


def randomness(trace_id: bytes, explicit: int | None = None) -> int:
    """The 56 random bits of a trace: the explicit ones of its trace state, else the rightmost of its id."""
    return int.from_bytes(trace_id[-7:], "big") if explicit is None else explicit


def rejection_threshold(probability: float) -> int:
    """T such that a trace is kept when its randomness is at least T; 2^56, which keeps none, for a chance of zero.

    Rounded to four hexadecimal digits beyond leading f's, so that what is decided is what ``th`` says.

    >>> [format_threshold(rejection_threshold(chance)) for chance in (1, 1 / 3, 0.25, 0.01)]
    ['0', 'aaab', 'c', 'fd70a']
    """
    if probability <= 0.0:
        return _ALL
    if probability >= 1.0:
        return 0
    _, exponent = math.frexp(probability)
    digits = min(_DIGITS, _PRECISION + exponent // -4)
    unit = 1 << 4 * (_DIGITS - digits)
    exact = _ALL - round(math.ldexp(probability, RANDOMNESS_BITS))
    return min((exact + unit // 2) // unit * unit, _ALL - 1)


def chance(threshold: int) -> float:
    """The probability that randomness reaches a threshold."""
    return (_ALL - threshold) / _ALL


def format_threshold(threshold: int) -> str:
    """The value of ``th``: 1 to 14 hexadecimal digits, without trailing zeros."""
    return f"{threshold:014x}".rstrip("0") or "0"


def parse_threshold(value: str) -> int | None:
    """The threshold that ``th`` says; None if it is not one."""
    return int(value.ljust(_DIGITS, "0"), 16) if _THRESHOLD.fullmatch(value) else None


def explicit_randomness(trace_state: str) -> int | None:
    """``rv`` of a trace state: 56 bits that all who sample the trace decide by; None if it has none that is valid."""
    if "rv:" not in trace_state:
        return None
    entry, _ = _split(trace_state)
    value = dict(entry).get("rv", "")
    return int(value, 16) if _RANDOMNESS.fullmatch(value) else None


def raised(trace_state: str, threshold: int, random: int) -> str:
    """The trace state of a span that has passed this threshold, too; ``random`` are the bits it was decided by.

    The higher threshold stays. It is erased where it cannot be known: the one that came cannot be read or cannot have
    been passed, or the entry would be longer than 256 characters.

    >>> raised("vendor=1,ot=th:8;rv:f0000000000000", 0xC0000000000000, 0xF0000000000000)
    'ot=rv:f0000000000000;th:c,vendor=1'
    """
    entry, others = _split(trace_state)
    came = dict(entry).get("th")
    if came is not None:
        earlier = parse_threshold(came)
        if earlier is None or earlier > random:
            return erased(trace_state)
        threshold = max(threshold, earlier)
        if threshold == earlier:
            return trace_state
    rest = [pair for pair in entry if pair[0] != "th"]
    written = _join([*rest, ("th", format_threshold(threshold))], others)
    return erased(trace_state) if written is None else written


def erased(trace_state: str) -> str:
    """The trace state without a threshold: nobody may count by it. What else it holds stays."""
    entry, others = _split(trace_state)
    rest = [pair for pair in entry if pair[0] != "th"]
    return trace_state if len(rest) == len(entry) else _join(rest, others) or ",".join(others)


def _split(trace_state: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The pairs of the entry ``ot``, and all other entries as they are."""
    entry: list[tuple[str, str]] = []
    others = []
    for member in trace_state.split(","):
        key, _, value = member.strip(" \t").partition("=")
        if key != _KEY:
            if key:
                others.append(member.strip(" \t"))
        elif not entry:  # a second one is not allowed, and the first is the newer one
            pairs = (pair.partition(":") for pair in value.split(";") if pair)
            entry = [(name, content) for name, _, content in pairs]
    return entry, others


def _join(entry: list[tuple[str, str]], others: list[str]) -> str | None:
    """What was changed goes to the left, and beyond 32 entries the rightmost go (W3C); None if it is too long."""
    if not entry:
        return ",".join(others)
    value = ";".join(f"{name}:{content}" for name, content in entry)
    if len(value) > _MAX_VALUE:
        return None
    return ",".join([f"{_KEY}={value}", *others[: _MAX_MEMBERS - 1]])
