"""Tail sampling inside one application, by the policy's rules."""

from __future__ import annotations

import functools
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from opentelemetry.metrics import MeterProvider

from errorplane.classification import Classifier
from errorplane.errors import POLICY_VERSION, RETENTION_CLASS
from errorplane.keys import EphemeralKeys, Key, KeyProvider, from_policy
from errorplane.otlp import Signal
from errorplane.pipeline import compile_plan
from errorplane.pipeline._counters import Labels
from errorplane.policy import Destination, Policy, load
from errorplane.retention import RESOURCE_ATTRIBUTES, encode_tags
from errorplane.sdk._accounts import SIGNALS
from errorplane.sdk._core import Core
from errorplane.sdk._export_thread import Route
from errorplane.sdk._forks import survive_forks
from errorplane.sdk._published import publish

_UNNAMED = "exporter"


class TailSampling:
    """Decides about the traces of this process, as a whole and with their log records, when they are complete.

    Given to ``TailSamplingSpanProcessor`` and ``TailSamplingLogRecordProcessor``, which bring what it decides about and
    the exporters of what it keeps. What it keeps is redacted and tagged as the policy says.

    ``policy`` is one, or the file of one. ``destination`` names the one of the policy's destinations whose actions of
    redaction apply; without it, those that hold for all. At most about ``max_bytes`` of memory are used for what is
    undecided, held for late errors, remembered or not exported yet; at most ``max_queue`` items of each signal, twice as
    many with those that failed, wait to be taken in. With a ``meter_provider`` the counts of ``stats`` are published as
    metrics. ``keys`` are those of actions that need some, by default the policy's.

    Raises ``PolicyError`` for a file with mistakes, ``ValueError`` for a destination that the policy does not have,
    and what ``errorplane.pipeline.compile_plan`` raises. Making one takes about a second. Sections ``listen``,
    ``metrics``, ``telemetry``, ``sampling.daily_bytes`` and ``journal`` but for ``remember`` are not used.
    """

    def __init__(
        self,
        policy: Policy | str | os.PathLike[str] = "errorplane.yaml",
        *,
        destination: str | None = None,
        max_bytes: int = 32 << 20,
        max_queue: int = 4096,
        meter_provider: MeterProvider | None = None,
        keys: KeyProvider | None = None,
    ) -> None:
        if not isinstance(policy, Policy):
            policy = load(Path(policy))
        if destination is not None and destination not in policy.destinations:
            known = ", ".join(policy.destinations) or "none"
            raise ValueError(f"destination {destination!r} is not in the policy, which has {known}")
        name = destination or _UNNAMED
        plan = compile_plan(_reduced(policy, name), _ProcessKeys(keys or from_policy(policy)))
        self._plan = replace(plan, classifier=Classifier(policy))  # whose facts name the policy as it was written
        self._options = (_tags(policy.revision), name, max_bytes, max_queue)
        self._routes: dict[Signal, Route] = {}
        self._closed: set[Signal] = set()
        self._lock = threading.Lock()
        self.core = Core(self._plan, *self._options)
        survive_forks(self)
        if meter_provider is not None:
            publish(meter_provider, weakref.WeakMethod(self.counts))

    # --- what the processors call ---------------------------------------------------------------------------------

    def attach(self, signal: Signal, route: Route) -> None:
        """Take items of a signal, and export those that are kept by ``route``; raises ``ValueError`` the second time."""
        with self._lock:
            if signal in self._routes:
                raise ValueError(f"{signal.value} have a processor already: one TailSampling takes one of each signal")
            self._routes[signal] = route
        self.core.route(signal, route)

    def put(self, signal: Signal, item: Any) -> None:
        """Take one item from a thread of the application; never waits."""
        core = self.core
        if self._closed and signal in self._closed:
            core.counters.add("lost_items", 1, signal=signal.value, reason="shutdown")
            return
        core.queues[signal].put(item)
        if not core.started:
            core.start()

    def close(self, signal: Signal, timeout_s: float) -> None:
        """Decide and export everything, then take nothing of this signal any more; ends with the last one."""
        with self._lock:
            if signal in self._closed:
                return
            self._closed = self._closed | {signal}
            last = self._closed >= self._routes.keys()
        deadline = time.monotonic() + timeout_s
        self.core.flush(timeout_s)
        if last:
            self.core.stop(max(0.0, deadline - time.monotonic()))
        self.core.route(signal, None)

    # --- what people call -----------------------------------------------------------------------------------------

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Decide everything that has ended so far, and export what is kept; whether all of it was taken in time."""
        return self.core.flush(timeout_millis / 1000)

    def stats(self) -> dict[str, Any]:
        """What became of the items of this process, for JSON; by signal where it says ``traces`` and ``logs``.

        Everything handed over is ``exported``, ``dropped``, ``lost``, ``held`` or still ``queued``.
        """
        core = self.core
        return {
            "items": {signal.value: self._items(core, signal) for signal in SIGNALS},
            "traces": {
                "undecided": len(core.decider.traces),
                "kept": core.counters.total("decisions", subject="trace", verdict="kept"),
                "dropped": core.counters.total("decisions", subject="trace", verdict="dropped"),
                "by_rule": core.counters.by("decisions", "rule", subject="trace", verdict="kept"),
            },
            "budgets": core.budgets(),
            "redaction": core.counters.by("redactions", "entity"),
            "memory": {"bytes": core.journal.total_bytes, "max_bytes": core.journal.max_bytes},
            "internal_errors": core.counters.by("internal_errors", "where"),
        }

    def _items(self, core: Core, signal: Signal) -> dict[str, Any]:
        name, counters = signal.value, core.counters
        lost = counters.by("lost_items", "reason", signal=name)
        lost["no_room"] = counters.total("given_up_items", signal=name)
        lost["refused"] = counters.total("destination_refused_items", signal=name)
        return {
            "exported": counters.total("delivered_items", signal=name),
            "dropped": counters.by("dropped_items", "reason", signal=name),
            "rescued": counters.total("rescued_items", signal=name),
            "lost": {reason: count for reason, count in lost.items() if count},
            "held": core.accounts.held(signal),
            "queued": len(core.queues[signal]),
        }

    @property
    def turn(self) -> threading.RLock:
        """Held while the deciding thread is at work."""
        return self.core.turn

    def counts(self, name: str) -> Mapping[Labels, int]:
        """One of the counters of ``errorplane.pipeline``, by its labels."""
        return self.core.counters.values(name)

    def renew(self) -> None:
        """In a process that has just forked off: take part with nothing of the parent's."""
        self.core = Core(self._plan, *self._options)
        self._lock = threading.Lock()
        for signal, route in self._routes.items():
            if signal not in self._closed:
                self.core.route(signal, route)


def _reduced(policy: Policy, destination: str) -> Policy:
    """The policy with this destination alone, so that its actions are done at once, and without measuring."""
    unmeasured = policy.metrics.model_copy(update={"enabled": False})
    only = {destination: policy.destinations.get(destination, Destination.model_construct())}
    return policy.model_copy(update={"metrics": unmeasured, "destinations": only})


def _tags(revision: str) -> Callable[[str], bytes]:
    """The attributes of every Resource that leaves, by retention class: those that a processor appends."""
    return functools.cache(
        lambda name: encode_tags(RESOURCE_ATTRIBUTES, ((POLICY_VERSION, revision), (RETENTION_CLASS, name)))
    )


class _ProcessKeys:
    """The policy's keys, but for that of the journal: what is held in memory ends with the process."""

    def __init__(self, keys: KeyProvider) -> None:
        self._keys = keys
        self._own = EphemeralKeys()

    def key(self, purpose: str) -> Key:
        return self._own.key(purpose) if purpose == "journal" else self._keys.key(purpose)

    def retired(self, purpose: str) -> tuple[Key, ...]:
        return () if purpose == "journal" else self._keys.retired(purpose)
