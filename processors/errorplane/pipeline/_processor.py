"""The processor: receivers, pipeline and destinations of one policy, composed, started and stopped in order."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from errorplane.access import AllowAll
from errorplane.journal import Journal
from errorplane.keys import KeyProvider
from errorplane.measures import Measures
from errorplane.otlp import (
    AdminServer,
    Destination,
    GrpcReceiver,
    HttpReceiver,
    ReceiveLimits,
    SegmentDestination,
    Signal,
    TlsFiles,
)
from errorplane.pipeline._answers import Answers
from errorplane.pipeline._boosting import Boosting, admin_token
from errorplane.pipeline._budgeting import budget_counts, budget_totals, fingerprint_counts, untold_counts
from errorplane.pipeline._byte_budgets import ByteBudgets
from errorplane.pipeline._comparison import Comparison
from errorplane.pipeline._counters import Counters, Labels, labelled
from errorplane.pipeline._decider import Decider
from errorplane.pipeline._ingest import Entrance
from errorplane.pipeline._plan import Plan, compile_plan
from errorplane.pipeline._recovery import forget_removed, recover, remember_deployments
from errorplane.pipeline._shadow import Shadow
from errorplane.pipeline._stats import stats
from errorplane.pipeline._telemetry import OwnTelemetry
from errorplane.policy import Listen, Policy
from errorplane.redaction import Backwards, merge_series
from errorplane.routing import Sender, SenderStats, build_destination
from errorplane.sampling import Deployments

log = logging.getLogger("errorplane.pipeline")

_SLOTS = 256
_EXPIRE_EVERY_S = 3600.0
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the processor listens, ports resolved; None for what is switched off."""

    grpc: str | None
    http: str | None
    admin: str | None


class _CountedSends(SenderStats):
    """Writes what senders report into the counters."""

    def __init__(self, counters: Counters, byte_budgets: ByteBudgets) -> None:
        self._counters = counters
        self._byte_budgets = byte_budgets

    def sent(self, destination: str, signal: Signal, size: int) -> None:
        self._counters.add("delivered_bytes", size, destination=destination, signal=signal.value)
        self._byte_budgets.sent(destination, size)

    def delivered(self, destination: str, signal: Signal, items: int) -> None:
        self._counters.add("delivered_items", items, destination=destination, signal=signal.value)

    def refused(self, destination: str, signal: Signal, items: int) -> None:
        self._counters.add("destination_refused_items", items, destination=destination, signal=signal.value)

    def unreadable(self, destination: str, items: int) -> None:
        self._counters.add("unreadable_items", items, destination=destination)

    def retried(self, destination: str) -> None:
        self._counters.add("destination_retries", 1, destination=destination)


class Processor:
    """One running pipeline. ``start`` returns when it takes requests; ``stop`` drains it."""

    def __init__(self, policy: Policy, keys: KeyProvider) -> None:
        self._keys = keys
        self.counters = Counters()
        self._deployments = Deployments()
        self._plan = compile_plan(policy, keys, deployments=self._deployments)
        self._shadow = Shadow(self.counters)
        self._shadow.put_in_force(Comparison.of(policy))
        self._byte_budgets = ByteBudgets(policy, self.counters)
        self._measures = Measures(policy.metrics, time.time_ns) if policy.metrics.enabled else None
        self._decider = Decider(
            self._current_plan,
            self.counters,
            on_taken=self._taken,
            on_deliveries=self._notify_senders,
            measures=self._measures,
            share=self._byte_budgets.share,
        )
        journal = policy.journal
        self.journal = Journal(
            journal.path / "journal",
            keys.key("journal"),
            max_bytes=journal.max_bytes,
            retired=keys.retired("journal"),
            on_append=self._decider.on_append,
            commit_wait_s=journal.commit_wait,
        )
        self._entrance = Entrance(self._current_plan, self.journal, self.counters, self._shadow.offer, _SLOTS)
        self._sends = _CountedSends(self.counters, self._byte_budgets)
        self._senders: dict[str, Sender] = {}
        self._backwards: defaultdict[str, Backwards] = defaultdict(Backwards)
        self._ready = False
        self._housekeeping_stop = threading.Event()
        self._housekeeping = threading.Thread(target=self._expire, name="errorplane-housekeeping", daemon=True)
        self._telemetry = OwnTelemetry(
            self.counters,
            self._gauges(),
            ingest=self._entrance,
            interval_s=policy.telemetry.metrics_interval,
            instance=str(uuid.uuid4()),
            measures=self._measures,
        )
        self._receivers = self._build_receivers(policy.listen)
        self.counters.read("requests", self._requests)
        self.counters.read("overflow_measurements", self._overflowed)
        self.counters.read("forgotten_versions", lambda: {(): self._deployments.forgotten})
        self.counters.read("budget_errors", lambda: budget_counts(self._decider.budgets))
        self.counters.read("untold_errors", lambda: untold_counts(self._decider.budgets))
        self.counters.read(
            "given_up_items",
            lambda: {
                (("destination", name), ("signal", signal)): count
                for (name, signal), count in self.journal.given_up.items()
            },
        )
        self.counters.read("released_requests", lambda: labelled("reason", self.journal.released))
        access = AllowAll(journal.path / "audit.jsonl")
        self._answers = Answers(self.journal, self._decider.traces, access)
        self._unboosted = self._plan
        self._boosting = Boosting(self.journal, access, admin_token(keys), self._put_boosts_in_force)
        self._put_boosts_in_force()
        self._admin = self._build_admin(policy.listen)

    # --- life -----------------------------------------------------------------------------------------------------

    def start(self) -> Addresses:
        """Recover the journal, start sending, then listen."""
        policy = self._plan.policy
        if policy.keys.retired_journal:
            count = self.journal.sealed_with_retired_keys()
            log.info("journal: %d records are sealed with retired keys, which are needed until it is 0", count)
        forget_removed(self.journal, frozenset(policy.destinations), self.counters)
        remember_deployments(self.journal, self._deployments, self.counters)
        for name in policy.destinations:
            self._start_sender(build_destination(name, policy, self._keys))
        self._decider.start(self.journal, recover(self.journal, self._plan, self.counters))
        self._byte_budgets.start()
        self._housekeeping.start()
        self._shadow.start()
        ports = {name: receiver.start() for name, receiver in self._receivers.items()}
        admin = None if self._admin is None else self._admin.start()
        self._ready = True
        listen = policy.listen
        return Addresses(
            _resolved(listen.grpc, ports.get("grpc")),
            _resolved(listen.http, ports.get("http")),
            _resolved(listen.admin, admin),
        )

    def stop(self, timeout_s: float) -> int:
        """Take nothing more, decide what is open, deliver within ``timeout_s``; returns how many deliveries are left.

        What is left stays in the journal, and is delivered by the next start.
        """
        deadline = time.monotonic() + timeout_s
        self._ready = False
        for receiver in self._receivers.values():
            receiver.stop(min(5.0, timeout_s))
        self._shadow.stop(1.0)
        self._decider.stop()
        self._telemetry.close()  # once more, with what the last decisions counted
        self._entrance.close()
        self._decider.step(stopping=True)
        self._notify_senders()
        while self._waiting() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        self._housekeeping_stop.set()
        for sender in self._senders.values():
            sender.stop(max(1.0, deadline - time.monotonic()))
        self._byte_budgets.stop()
        left = self._waiting()
        if self._admin is not None:
            self._admin.stop(1.0)
        self.journal.close()
        return left

    def reload(self, policy: Policy) -> list[str]:
        """Put a new policy in force; returns what of it needs a restart.

        Raises ``TargetError`` if a destination cannot be set up, ``KeyUnavailable`` and ``SealError`` if a key of an
        action cannot be had, ``PolicyError`` if the shadow policy cannot be read; then the old policy stays in force.
        """
        old = self._plan.policy
        plan = compile_plan(policy, self._keys, deployments=self._deployments)
        comparison = Comparison.of(policy)
        changed = [name for name in policy.destinations if _target(policy, name) != _target(old, name)]
        built = [build_destination(name, policy, self._keys) for name in changed]
        self._unboosted = plan
        self._put_boosts_in_force()
        self._byte_budgets.limit(policy)
        self._shadow.put_in_force(comparison)
        for destination in built:
            replaced = self._senders.pop(destination.name, None)
            if replaced is not None:
                replaced.stop(5.0)
            self._start_sender(destination)
        fixed: Mapping[str, bool] = {
            "listen": policy.listen != old.listen,
            "journal": policy.journal != old.journal,
            "keys": policy.keys != old.keys,
            "metrics": policy.metrics != old.metrics,
            "telemetry": policy.telemetry != old.telemetry,
        }
        return [section for section, changed in fixed.items() if changed]

    # --- parts ----------------------------------------------------------------------------------------------------

    def _current_plan(self) -> Plan:
        return self._plan

    def _put_boosts_in_force(self) -> None:
        self._plan = self._boosting.put_into(self._unboosted, self._deployments)

    def _taken(self) -> None:
        self._entrance.release()

    def _notify_senders(self) -> None:
        for sender in tuple(self._senders.values()):
            sender.notify()

    def _waiting(self) -> int:
        return sum(self.journal.pending_destinations().values())

    def _start_sender(self, destination: Destination) -> None:
        name = destination.name
        sender = Sender(
            destination,
            self.journal,
            lambda retention: self._plan.resource_tags(retention),
            self._sends,
            rewrite=lambda signal, payload: self._rewrite(name, signal, payload),
        )
        self._senders[name] = sender
        sender.start()

    def _rewrite(self, destination: str, signal: Signal, payload: bytes) -> bytes:
        """What the policy in force lets a destination have of a payload of the journal."""
        rewritten = self._plan.actions.rewriter(destination).payload(signal, payload)
        for entity, count in rewritten.lost.items():
            self.counters.add("lost_tokens", count, destination=destination, entity=entity)
        if signal is not Signal.METRICS or rewritten.payload == payload:
            return rewritten.payload
        merged = merge_series(payload, rewritten.payload, self._backwards[destination])
        self.counters.add("merged_points", merged.points)
        self.counters.add("left_out_points", merged.left_out)
        return merged.body

    def _build_receivers(self, listen: Listen) -> dict[str, GrpcReceiver | HttpReceiver]:
        token = None if listen.token is None else listen.token.get_secret_value()
        limits = ReceiveLimits(listen.max_request_bytes, listen.max_concurrent, token)
        tls = None if listen.tls is None else TlsFiles(listen.tls.cert, listen.tls.key, listen.tls.client_ca)
        receivers: dict[str, GrpcReceiver | HttpReceiver] = {}
        if listen.grpc is not None:
            receivers["grpc"] = GrpcReceiver(listen.grpc, self._entrance, limits, tls, ready=lambda: self._ready)
        if listen.http is not None:
            receivers["http"] = HttpReceiver(listen.http, self._entrance, limits, tls)
        return receivers

    def _build_admin(self, listen: Listen) -> AdminServer | None:
        if listen.admin is None:
            return None
        return AdminServer(
            listen.admin,
            healthy=lambda: (True, {"status": "alive"}),
            ready=lambda: (self._ready, {"status": "ready" if self._ready else "starting or draining"}),
            metrics_page=self._telemetry.page,
            stats=self._stats,
            routes={"/shadow": lambda: (json.dumps(self._shadow.page()).encode(), "application/json")},
            handlers={
                "/why/": self._answers.why,
                "/boost": self._boosting.answer,
                "/boost/": self._boosting.answer,
            },
        )

    def _stats(self) -> Mapping[str, Any]:
        counted = stats(self.counters, len(self._decider.traces), self.journal, budget_totals(self._decider.budgets))
        return counted | {"boosts": self._boosting.documents(), "daily_bytes": self._byte_budgets.page()}

    def _overflowed(self) -> Mapping[Labels, int]:
        return {} if self._measures is None else labelled("label", self._measures.overflowed())

    def _requests(self) -> Mapping[Labels, int]:
        return {
            (("transport", transport), ("outcome", outcome)): count
            for transport, receiver in self._receivers.items()
            for outcome, count in receiver.outcomes.items()
        }

    def _gauges(self) -> Mapping[str, Callable[[], Mapping[Labels, float]]]:
        return {
            "journal_bytes": lambda: {
                (("content", "telemetry"),): self.journal.used_bytes,
                (("content", "rescue"),): self.journal.rescue_bytes,
                (("content", "verdicts"),): self.journal.verdict_bytes,
            },
            "budget_fingerprints": lambda: fingerprint_counts(self._decider.budgets),
            "clock_offset_seconds": lambda: {(): round(self._decider.clock_offset)},
            "healthy_share": self._byte_budgets.shares,
            "undecided_traces": lambda: {(): len(self._decider.traces)},
            "pending_deliveries": lambda: {
                (("destination", name),): count for name, count in self.journal.pending_destinations().items()
            },
        }

    def _expire(self) -> None:
        """Delete file segments whose days are over, and take boosts off whose time is, at the start and every hour."""
        while True:
            self._put_boosts_in_force()
            for name, sender in tuple(self._senders.items()):
                if isinstance(sender.destination, SegmentDestination):
                    self._expire_segments(name, sender.destination)
            if self._housekeeping_stop.wait(_EXPIRE_EVERY_S):
                return

    def _expire_segments(self, name: str, destination: SegmentDestination) -> None:
        try:
            for segment in destination.expire(time.time()):
                log.info("destination %s: segment %s is older than its class keeps; deleted", name, segment)
                self.counters.add("expired_segments", 1, destination=name, retention_class=segment.retention_class)
        except OSError as error:
            log.error("destination %s: expired segments could not be deleted: %s", name, error)


def _target(policy: Policy, name: str) -> tuple[object, ...]:
    """What a destination is made from: its section, and how long its segments are kept."""
    days = {retention_class: model.days for retention_class, model in policy.retention.classes.items()}
    return policy.destinations.get(name), days


def _resolved(address: str | None, port: int | None) -> str | None:
    if address is None or port is None:
        return None
    return f"{address.rpartition(':')[0]}:{port}"
