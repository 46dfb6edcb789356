"""What is offered to a contender in one run, and what of it has come to the sink."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence

from tests.bench.load import Sent
from tests.bench.recording import Key, Recording, Replay
from tests.bench.sink import Arrived


class Offer:
    """Whole replays of a recording, ``spans`` spans or a few more; each with a seed of its own has traces of its own."""

    def __init__(self, recording: Recording, spans: float, seed: int) -> None:
        rng = random.Random(seed)
        self._replays = [Replay.make(recording, rng) for _ in range(max(1, math.ceil(spans / recording.size)))]
        self._requests = [(replay, number) for replay in self._replays for number in range(len(recording.bodies))]
        self.bodies = [body for replay in self._replays for body in replay.bodies()]
        self.private = recording.private
        self.spans = recording.size * len(self._replays)
        self.traces = recording.traces * len(self._replays)
        self.errors: dict[Key, str] = {
            replay.key(span): fault
            for replay in self._replays
            for body in recording.spans
            for span in body
            if (fault := replay.fault(span)) is not None
        }
        """The fault of each error; there is one in each error trace."""

    def keys(self, numbers: Iterable[int]) -> set[Key]:
        """The spans of some of its requests."""
        return {key for number in numbers for key in self._keys(number)}

    def last_sent(self, sent: Sequence[Sent]) -> dict[bytes, float]:
        """For each trace whose spans were all acknowledged, when its last span was sent."""
        last: dict[bytes, float] = {}
        for number, one in enumerate(sent):
            at = math.inf if one.acknowledged is None else one.at
            for key in self._keys(number):
                last[key[:16]] = max(at, last.get(key[:16], 0.0))
        return {trace: at for trace, at in last.items() if at < math.inf}

    def _keys(self, number: int) -> list[Key]:
        replay, request = self._requests[number]
        return replay.keys(request)


class Delivered:
    """What the sink has got of an offer."""

    def __init__(self, offer: Offer, arrived: Sequence[Arrived]) -> None:
        self._offer = offer
        offered = offer.keys(range(len(offer.bodies)))
        self.raw = sum(one.raw for one in arrived)
        """Spans that came with the personal data in them."""
        self.duplicates = 0
        self._at: dict[Key, float] = {}
        for one in arrived:
            for key in one.keys:
                if key in self._at:
                    self.duplicates += 1
                elif key in offered:  # not those of the warm-up
                    self._at[key] = one.at

    def lost(self, keys: set[Key]) -> int:
        """How many of these have not come."""
        return len(keys - self._at.keys())

    def recall(self, of: set[Key] | None = None) -> float:
        """Share of the errors (``of`` some spans only) that have come; 1 if there are none."""
        errors = self._offer.errors.keys() if of is None else self._offer.errors.keys() & of
        return 1.0 if not errors else len(errors & self._at.keys()) / len(errors)

    def errors_taken(self, acknowledged: set[Key]) -> int:
        """Errors that were acknowledged or have come: the sender of one may have given up before it heard of that."""
        return len(self._offer.errors.keys() & (acknowledged | self._at.keys()))

    def fault_recall(self) -> float:
        """Share of the distinct faults of which an error has come."""
        faults = set(self._offer.errors.values())
        return len({fault for key, fault in self._offer.errors.items() if key in self._at}) / len(faults)

    def cut_traces(self) -> int:
        """Error traces of which the error has come, and another span has not."""
        spans: dict[bytes, int] = {}
        for key in self._at:
            spans[key[:16]] = spans.get(key[:16], 0) + 1
        whole = self._offer.spans // self._offer.traces
        return sum(spans[key[:16]] < whole for key in self._offer.errors.keys() & self._at.keys())

    def healthy_share(self) -> float:
        """Share of the traces without an error of which a span has come."""
        errors = {key[:16] for key in self._offer.errors}
        come = {key[:16] for key in self._at} - errors
        return len(come) / (self._offer.traces - len(errors))

    def delays_s(self, sent: Sequence[Sent]) -> list[float]:
        """For each trace that has come, from the moment its last span was sent until its last span came, in order."""
        come: dict[bytes, float] = {}
        for key, at in self._at.items():
            come[key[:16]] = max(at, come.get(key[:16], 0.0))
        last = self._offer.last_sent(sent)
        return sorted(at - last[trace] for trace, at in come.items() if trace in last)
