"""A sampling decision, with its reason."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Reason(enum.StrEnum):
    """Why an item was kept or dropped."""

    RULE = "rule"  # the rule keeps everything it matches
    PROBABILITY = "probability"  # the trace id fell on this side of the rule's probability
    DROP = "drop"  # the rule drops everything it matches
    RATE = "rate"  # a limit of the rule, or its share of a total, was used up
    BUDGET = "budget"  # the rule's budget of samples for an error's fingerprint had some left, or nothing
    BYTES = "bytes"  # healthy, and beyond the share that a destination's daily byte budget leaves
    NO_RULE = "no_rule"  # no rule matched
    CUT = "cut"  # of a trace with very many spans, and not on the way from its root to an error
    LATE = "late"  # arrived after its trace was decided, and follows that decision
    ROOM = "room"  # the journal was full: healthy traces are dropped undecided, so that those with errors have room
    BOOST = "boost"  # a boost raised its probability, and the trace id fell on this side of that


@dataclass(frozen=True, slots=True)
class Verdict:
    """``probability`` is that of the rule, 0 to 1, whether or not the trace was kept; 1 of one that a budget kept, which
    stands for itself alone.
    """

    keep: bool
    reason: Reason
    rule: str
    probability: float
