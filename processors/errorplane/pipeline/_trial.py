"""One policy tried on recorded requests: the real pipeline from its entrance to its verdicts, with a clock of its own."""

from __future__ import annotations

from array import array
from collections import OrderedDict
from pathlib import Path

from errorplane.journal import Change, Journal, StoredRequest
from errorplane.keys import KeyProvider
from errorplane.otlp import Receipt, Signal
from errorplane.otlp._wire import walk
from errorplane.pipeline._counters import Counters
from errorplane.pipeline._decider import Decider
from errorplane.pipeline._ingest import Entrance
from errorplane.pipeline._plan import compile_plan
from errorplane.pipeline._witness import Witness
from errorplane.policy import Policy
from errorplane.sampling import Deployments, Items

_TICK_S = 0.2  # as often as the decider of a processor looks
_AT_ONCE = 64  # requests, as there
_MAX_SIZES = 20_000  # of requests, beyond which they are read again


class Trial:
    """Takes requests in the order of their times, and tells ``witness`` what is decided, in bounded memory.

    Everything happens in the caller's thread, at the time that ``take`` is given: windows, rates and budgets run on it.
    What has to wait does so in a journal in ``folder``, which is not synced and holds nothing of worth afterwards.
    Nothing is sent. Building one takes about a second; raises what ``compile_plan`` raises.
    """

    def __init__(self, policy: Policy, keys: KeyProvider, folder: Path, witness: Witness) -> None:
        self.counters = Counters()
        self.bytes_in = 0
        self._longest_s = policy.sampling.decision_wait + 2 * _TICK_S
        self._now = 0.0
        self._stepped = 0.0
        self._waiting = 0
        self._sizes: OrderedDict[int, _Sizes] = OrderedDict()
        plan = compile_plan(policy, keys, self._clock, Deployments(self._clock))
        self._decider = Decider(
            lambda: plan,
            self.counters,
            on_taken=self._taken,
            on_deliveries=_nothing,
            clock=self._clock,
            wall_clock=self._clock,
            witness=witness,
        )
        self._journal = _Scratch(
            folder,
            keys.key("journal"),
            max_bytes=policy.journal.max_bytes,
            on_append=self._on_append,
            clock=self._clock,
            durable=False,
        )
        self._entrance = Entrance(lambda: plan, self._journal, self.counters, _not_shadowed, 2 * _AT_ONCE)
        self._decider.attach(self._journal)

    @property
    def undecided(self) -> int:
        """Traces that wait for their verdict."""
        return len(self._decider.traces)

    def take(self, signal: Signal, body: bytes, at_s: float) -> Receipt:
        """Take one Export request that was sent at ``at_s``, Unix seconds; 0 or an earlier time: right after the last.

        Raises ``InvalidRequest``, and ``Overloaded`` if the journal cannot hold what waits.
        """
        self._advance(at_s)
        receipt = self._entrance(signal, body)
        if self._waiting >= _AT_ONCE:
            self._step()
        return receipt

    def finish(self) -> None:
        """Let every window close in its time, so that rates hold to the end."""
        self._step()
        end = self._now + self._longest_s
        while self.undecided and self._now < end:
            self._now += _TICK_S
            self._step()
        self._decider.step(stopping=True)
        while self.undecided:
            self._decider.step(stopping=True)

    def close(self) -> None:
        """Let go of the journal; its files stay."""
        self._journal.close()

    def size(self, seq: int, items: Items) -> int:
        """Bytes of items of a request: their own, and their share of what the request holds besides."""
        sizes = self._sizes.get(seq)
        if sizes is None:
            request = self._journal.request(seq)
            if request is None:
                return 0
            sizes = self._remember(seq, request)
        return sizes.of(items)

    def _remember(self, seq: int, request: StoredRequest) -> _Sizes:
        sizes = self._sizes[seq] = _Sizes(request)
        if len(self._sizes) > _MAX_SIZES:
            self._sizes.popitem(last=False)
        return sizes

    def _advance(self, at_s: float) -> None:
        if not self._now:
            self._now = self._stepped = at_s
        while at_s - self._stepped >= _TICK_S and (self._waiting or self.undecided):
            self._now = self._stepped + _TICK_S
            self._step()
        if at_s > self._now:
            self._now = at_s
            if not self._waiting and not self.undecided:
                self._stepped = at_s

    def _step(self) -> None:
        self._stepped = self._now
        self._decider.step()

    def _clock(self) -> float:
        return self._now

    def _taken(self) -> None:
        self._waiting -= 1
        self._entrance.release()

    def _on_append(self, seq: int, request: StoredRequest, note: object) -> None:
        self._waiting += 1
        self.bytes_in += self._remember(seq, request).whole
        self._decider.on_append(seq, request, note)


class _Sizes:
    """How long the items of one request are."""

    def __init__(self, request: StoredRequest) -> None:
        ranges = walk(request.signal, request.body).items
        self.whole = len(request.body)
        self._items = array("I", [end - start for start, end in ranges])
        self._besides = self.whole - sum(self._items)

    def of(self, items: Items) -> int:
        own = self._items
        numbers = items.numbers
        return sum(own[number] for number in numbers) + self._besides * len(numbers) // len(own)


class _Scratch(Journal):
    """A journal from which nothing is sent."""

    def commit(self, change: Change) -> None:
        change.deliveries.clear()
        super().commit(change)


def _nothing() -> None:
    """Nobody waits for deliveries."""


def _not_shadowed(signal: Signal, body: bytes) -> None:
    """Nobody compares redactions."""
