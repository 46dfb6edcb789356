"""Recordings through one policy, or two of them side by side."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

from errorplane.keys import EphemeralKeys
from errorplane.otlp import InvalidRequest, ReceiveError
from errorplane.pipeline import Trial
from errorplane.policy import Policy
from errorplane.replay._figures import Figures, as_document, differences
from errorplane.replay._kinds import sent_ns
from errorplane.replay._progress import Progress
from errorplane.replay._recordings import BadRecording, Recorded, Recording
from errorplane.sampling import Items

_SHOWN = 20
_COMPARED = (
    "traces_kept",
    "logs_without_trace_kept",
    "errors_kept",
    "error_recall",
    "fingerprints_kept",
    "fingerprint_recall",
    "bytes_kept",
    "count_error",
    "by_rule",
    "by_destination",
)


class Replay:
    """``run`` once, then ``document``. ``folder`` is for what has to wait; it may be deleted afterwards.

    Raises what ``Trial`` raises.
    """

    def __init__(self, policy: Policy, against: Policy | None, folder: Path) -> None:
        keys = EphemeralKeys()
        self._sides = [_Side(policy, keys, folder / "new")]
        try:
            if against is not None:
                self._sides.append(_Side(against, keys, folder / "old"))
        except BaseException:
            self._sides[0].trial.close()
            raise
        self.refused = 0
        self.refusals: list[str] = []
        """Why something could not be taken, with its place; the first twenty."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for side in self._sides:
            side.trial.close()

    def run(self, recordings: Sequence[Recording], progress: Progress) -> None:
        """Take everything, in the order of its times, and decide what is open in the end; raises ``BadRecording``."""
        for at_ns, request in _merged(recordings):
            for side in self._sides:
                self._take(side, request, at_ns / 1e9)
            progress.at(sum(each.bytes_read for each in recordings), self._sides[0].figures)
        for side in self._sides:
            side.trial.finish()

    def document(self) -> dict[str, Any]:
        """The figures; with two policies those of the other one, and the differences, too."""
        new, *others = (as_document(side.figures, side.trial.bytes_in) for side in self._sides)
        new["refused_items"] = self.refused
        if not others:
            return new
        (old,) = others
        changed = differences({name: new[name] for name in _COMPARED}, {name: old[name] for name in _COMPARED})
        return {**new, "against": old, "difference": changed}

    def _take(self, side: _Side, request: Recorded, at_s: float) -> None:
        try:
            receipt = side.trial.take(request.signal, request.body, at_s)
        except InvalidRequest as error:
            raise BadRecording(f"{request.place}: {error}") from None
        except ReceiveError as error:
            raise BadRecording(f"{request.place}: {error}: raise journal.max_bytes, or free TMPDIR") from None
        if receipt.rejected and side is self._sides[0]:
            self.refused += receipt.rejected
            if len(self.refusals) < _SHOWN:
                self.refusals.append(f"{request.place}: {receipt.message}")


class _Side:
    """One policy's trial and its figures."""

    def __init__(self, policy: Policy, keys: EphemeralKeys, folder: Path) -> None:
        self.figures = Figures(self._size)
        self.trial = Trial(policy, keys, folder, self.figures)

    def _size(self, seq: int, items: Items) -> int:
        return self.trial.size(seq, items)


def _merged(recordings: Sequence[Recording]) -> Iterator[tuple[int, Recorded]]:
    """The requests of all recordings, each with its time; of those that come next always the earliest one.

    One request of each recording is held. What has no time comes right after what stands before it.
    """
    return heapq.merge(*map(_timed, recordings), key=lambda each: each[0])


def _timed(recording: Recording) -> Iterator[tuple[int, Recorded]]:
    last = 0
    for request in recording:
        last = max(last, sent_ns(request.signal, request.body))
        yield last, request
