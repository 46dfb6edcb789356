"""Who is told of every decision, beside the counters: a trial that adds up what a policy would keep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from errorplane.classification import ClassifiedError
from errorplane.journal import VerdictRecord
from errorplane.retention import RetentionClass
from errorplane.sampling import Items, Verdict


@dataclass(frozen=True, slots=True)
class Decided:
    """One decision. ``subject`` is ``trace``, ``log`` (a record without a trace), ``late`` or ``metrics``.

    ``chosen`` is None where nobody asked, since the journal had no room.
    ``items`` are those that go where it says, by the number of their request; ``fresh`` are the errors in them that no
    earlier decision about the trace was told of.
    """

    subject: str
    verdict: Verdict
    chosen: RetentionClass | None
    items: Mapping[int, Items]
    errors: Sequence[ClassifiedError] = ()
    fresh: Sequence[ClassifiedError] = ()


class Witness(Protocol):
    """Called by the decider's thread."""

    def decided(self, decision: Decided) -> None:
        """Something was decided."""
        ...

    def reopened(self, earlier: VerdictRecord) -> None:
        """An earlier decision about a trace no longer stands: the trace will be decided anew."""
        ...
