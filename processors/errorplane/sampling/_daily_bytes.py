"""Daily byte budgets of destinations: which share of the healthy data lets each last until the end of the day."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

DAY_S = 86_400
_SMOOTHING_S = 60.0  # how long demand is averaged over
_GROWTH = 2.0  # a step at most doubles a share: what was held back may come back as a flood
_VERSION = 1


@dataclass(slots=True)
class Spending:
    """One destination's day. ``demand``: bytes a second that would be sent without a budget, smoothed.

    ``share`` of the healthy data is kept, 0 to 1; ``counted`` bytes had been ``used`` at the last step.
    """

    used: int = 0
    counted: int = 0
    demand: float = 0.0
    share: float = 1.0


@dataclass(slots=True)
class Day:
    """What all processors together have sent on one day (UTC). ``number`` counts days, ``stepped`` is Unix time."""

    number: int
    stepped: float
    destinations: dict[str, Spending] = field(default_factory=dict)

    def spend(self, sent: Mapping[str, int], now: float) -> None:
        """Add bytes sent; a new day begins with nothing used, and with what is known of the demand."""
        today = int(now // DAY_S)
        if today > self.number:  # a clock that steps back changes nothing
            self.number = today
            for spending in self.destinations.values():
                spending.counted -= spending.used
                spending.used = 0
        for name, count in sent.items():
            self.destinations.setdefault(name, Spending()).used += count

    def adapt(self, budgets: Mapping[str, int], now: float, least: float) -> None:
        """Set each share so that what is left of its budget lasts until the end of the day, but never below ``least``.

        What is measured depends on the share in force, so it is divided by it: of data that the share does not touch
        (errors) the demand is then overstated, and the share falls until what is sent fits, or is ``least``.
        """
        elapsed = now - self.stepped
        if elapsed <= 0.0:
            self.stepped = now
            return
        left_s = max((self.number + 1) * DAY_S - now, elapsed)
        weight = 1.0 - math.exp(-elapsed / _SMOOTHING_S)
        for name, budget in budgets.items():
            spending = self.destinations.setdefault(name, Spending())
            wanted = (spending.used - spending.counted) / elapsed / spending.share
            spending.demand += weight * (wanted - spending.demand)
            spending.counted = spending.used
            affordable = max(0, budget - spending.used) / left_s
            fitting = 1.0 if spending.demand <= affordable else affordable / spending.demand
            spending.share = max(least, min(fitting, spending.share * _GROWTH))
        self.stepped = now

    def pack(self) -> bytes:
        """One JSON object."""
        rows = {
            name: [each.used, each.counted, each.demand, each.share] for name, each in sorted(self.destinations.items())
        }
        document = {"version": _VERSION, "day": self.number, "stepped": self.stepped, "destinations": rows}
        return json.dumps(document).encode()

    @classmethod
    def unpack(cls, data: bytes) -> Day:
        """What ``pack`` wrote; raises ValueError for anything else."""
        try:
            document = json.loads(data)
            if document["version"] != _VERSION:
                raise ValueError(f"version {document['version']!r}; this one reads {_VERSION}")
            rows = {
                name: Spending(int(used), int(counted), float(demand), float(share))
                for name, (used, counted, demand, share) in document["destinations"].items()
            }
            return cls(int(document["day"]), float(document["stepped"]), rows)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no state of daily budgets: {error!r}") from None
