"""What a kept span says of the probability with which it was kept, by the reason of its verdict."""

from __future__ import annotations

import functools

from errorplane.routing import threshold_field
from errorplane.sampling import Reason, rejection_threshold


@functools.lru_cache(maxsize=1024)
def threshold_of(reason: str, probability: float, limited: bool) -> bytes:
    """The field to append before a kept span's attributes; b"" where its trace state stays as it came.

    ``limited``: the rule has a limit, so that nobody knows the probability; the same holds for what a budget kept.
    A rule that keeps everything adds nothing to what came.
    """
    if limited or reason == Reason.BUDGET:
        return threshold_field(None)
    return b"" if probability >= 1.0 else threshold_field(rejection_threshold(probability))
