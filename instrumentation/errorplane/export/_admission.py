"""What a budget says about one occurrence of an error."""

from __future__ import annotations

import enum
from typing import Final, NamedTuple


class Reason(enum.StrEnum):
    """Why an occurrence may have its full record, or may not."""

    OFF = "off"
    """There is no budget: everything may."""
    FIRST = "first"
    """The first one of its fingerprint."""
    WITHIN = "within"
    """Within all rates."""
    NEW = "new"
    """More new fingerprints than are told apart; the next one of this fingerprint is its first again."""
    FINGERPRINT = "fingerprint"
    """Above the rate of its fingerprint."""
    TOTAL = "total"
    """Above the rate of all fingerprints together."""
    OVERLOAD = "overload"
    """The exporter asked for a pause, or its queue has no room."""


class Admission(NamedTuple):
    """`suppressed`: how many occurrences of the fingerprint were turned away since the last one that was admitted."""

    admitted: bool
    reason: Reason
    suppressed: int = 0


UNLIMITED: Final = Admission(True, Reason.OFF)
