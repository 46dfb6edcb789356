"""The private parts of the SDK that a fork breaks, beside those in `_sdk`: locks, connections and counts.

What the SDK mends itself (1.44 to 1.45): it starts its threads again, empties the queues of its batch processors and
renews `service.instance.id` and `process.pid`. Left are the locks that another thread held at that moment, connections
that parent and child then both write to, and counts, which the child reports once more as its own.

Nothing is named by the place where it hangs: the objects are walked from the providers on, so that other versions,
exporters that wrap others, and processors of the application are covered.
"""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from opentelemetry import _logs, metrics, trace

from errorplane.hooks._guard import GUARD

_OURS: Final = "errorplane"
_PACKAGES: Final = ("opentelemetry.", "errorplane.")
_CONTAINERS: Final = (list, tuple, set, frozenset)
_MOST: Final = 200_000  # objects looked at: more would take the child longer than a second to begin
_LOCKS: Final = {
    "lock": threading.Lock,
    "RLock": threading.RLock,
    "_PyRLock": threading.RLock,
    "LockType": threading.Lock,  # gevent's
    "_RLock": threading.RLock,  # of the standard library in Python, and gevent's
}
_EXPORT_LOCK: Final = "_export_lock"
_COLLECTS: Final = "_reader_storages"  # an object with this collects under its `_lock`
_COUNTS: Final = "_attributes_aggregation"
_CONNECT: Final = "_initialize_channel_and_stub"
_abandoned: Final[list[object]] = []


def providers() -> list[Any]:
    """The SDK's providers that are set: of traces, logs and metrics."""
    found = (trace.get_tracer_provider(), _logs.get_logger_provider(), metrics.get_meter_provider())
    return [provider for provider in found if hasattr(provider, "force_flush")]


def left_to_flush() -> list[Any]:
    """Those that nobody will shut down when the interpreter ends."""
    names = ("_atexit_handler", "_at_exit_handler")
    return [p for p in providers() if not any(getattr(p, name, None) for name in names) and not _is_shut_down(p)]


def pause_exports(seconds: float) -> tuple[Callable[[], None], bool]:
    """Keep exports and collections from starting, and wait `seconds` at most for those under way.

    Returns what lets them go on, and whether all of them stand still. gRPC survives a fork only when no thread is inside
    of it, and callbacks of instruments hold locks of libraries, as psutil's. Where the endpoint is too slow to wait for,
    the fork goes on without this protection.
    """
    deadline = time.monotonic() + seconds
    locks = [lock for part in _parts(providers()) if (lock := _held_while_sending(part)) is not None]
    held = [lock for lock in locks if lock.acquire(timeout=max(0.0, deadline - time.monotonic()))]

    def resume() -> None:
        while held:
            held.pop().release()

    return resume, len(held) == len(locks)


def _held_while_sending(part: Any) -> Any:
    return getattr(part, _EXPORT_LOCK, None) or (getattr(part, "_lock", None) if hasattr(part, _COLLECTS) else None)


def mend(*, counts_of_all: bool) -> None:
    """In a child that was just forked: free locks, connections of its own, and counts from zero.

    Counts of errorplane's own instruments always, those of all others with `counts_of_all`.
    """
    for part in _parts(providers()):
        GUARD.run("fork.locks", _renew_locks, part)
        if hasattr(part, _COUNTS):
            GUARD.run("fork.counts", _mend_counts, part, counts_of_all)
        if hasattr(part, _CONNECT):
            GUARD.run("fork.connections", _connect_anew, part)


def _parts(roots: list[Any]) -> Iterator[Any]:
    """The objects that hang on these, of OpenTelemetry's classes and ours, and of those derived from them.

    Not the single series of instruments, of which there are thousands.
    """
    waiting: list[Any] = list(roots)
    seen: set[int] = set()
    while waiting and len(seen) < _MOST:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, dict):
            waiting += [each for pair in part.copy().items() for each in pair]
        elif isinstance(part, _CONTAINERS):
            waiting += tuple(part)
        elif _is_of_telemetry(part.__class__):
            yield part
            waiting += [value for name, value in _state(part) if name != _COUNTS]


@functools.cache
def _is_of_telemetry(cls: type) -> bool:
    return any(base.__module__.startswith(_PACKAGES) for base in cls.__mro__)


def _state(part: Any) -> list[tuple[str, Any]]:
    found = list(getattr(part, "__dict__", {}).items())
    return found + [(name, getattr(part, name)) for name in _slots(part.__class__) if hasattr(part, name)]


@functools.cache
def _slots(cls: type) -> tuple[str, ...]:
    listed = [base.__dict__.get("__slots__", ()) for base in cls.__mro__]
    names = [name for slots in listed for name in ((slots,) if isinstance(slots, str) else slots)]
    return tuple(name for name in names if name not in ("__dict__", "__weakref__"))


def _renew_locks(part: Any) -> None:
    for name, value in _state(part):
        kind = type(value).__name__
        if kind in _LOCKS and hasattr(value, "release"):
            setattr(part, name, _LOCKS[kind]())
        elif kind == "Session" and hasattr(value, "adapters"):
            value.close()  # requests: forgets its connections, and makes new ones when it is used
        elif kind == "PoolManager" and hasattr(value, "clear"):
            value.clear()  # urllib3: the same


def _mend_counts(instrument: Any, of_all: bool) -> None:
    """Only the last value of a gauge stays, which is a state and no count, or all values with new locks."""
    series = getattr(instrument, _COUNTS)
    scope = instrument._instrument.instrumentation_scope.name
    if of_all or scope == _OURS or scope.startswith((_OURS + ".", _OURS + "-")):
        series = {key: value for key, value in series.items() if "LastValue" in type(value).__name__}
        setattr(instrument, _COUNTS, series)
    for value in series.values():
        for part in (value, getattr(value, "_reservoir", value)):
            if hasattr(part, "_lock"):
                part._lock = threading.Lock()


def _connect_anew(exporter: Any) -> None:
    """gRPC's old channel is left as it is: to end it may wait for threads that are not in this process."""
    _abandoned.append((exporter._channel, exporter._client))
    getattr(exporter, _CONNECT)()


def _is_shut_down(provider: Any) -> bool:
    processor = getattr(provider, "_active_span_processor", None) or getattr(provider, "_multi_log_record_processor", 0)
    return bool(getattr(provider, "_shutdown", False)) or (processor != 0 and getattr(provider, "_disabled", False))
