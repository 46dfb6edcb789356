"""The stream of error facts: OTLP log events, at most so many a second for each fingerprint, none uncounted."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import (
    SEVERITY_NUMBER_ERROR,
    SEVERITY_NUMBER_FATAL,
    LogRecord,
    ResourceLogs,
    ScopeLogs,
)

from errorplane.detectors import DataClass, most_sensitive
from errorplane.errors import EVENT_NAME, POLICY_VERSION, RETENTION_CLASS, ErrorFact, Severity

SCOPE = "errorplane.errors"
_WINDOW_S = 1.0


@dataclass(slots=True)
class _Window:
    """One second of one fingerprint: how many left one by one, and the last fact with the count of the rest."""

    ends: float
    sent: int = 0
    held: ErrorFact | None = None


class FactStream:
    """Lets through up to ``max_per_second`` facts of a fingerprint; the rest of the second is one fact with its count.

    What is held back can be taken as bytes (``held``) and stored in the same transaction as the verdicts, so that a
    crash does not change a count. ``clock`` is monotonic, in seconds.
    """

    def __init__(self, max_per_second: float, clock: Callable[[], float]) -> None:
        self.max_per_second = max_per_second
        self._clock = clock
        self._windows: dict[str, _Window] = {}
        self._changed = False

    def offer(self, fact: ErrorFact) -> ErrorFact | None:
        """The fact if it may leave now; None if it was added to the count that leaves at the end of the second."""
        now = self._clock()
        window = self._windows.get(fact.fingerprint)
        if window is None:
            window = self._windows[fact.fingerprint] = _Window(now + _WINDOW_S)
        if window.sent < self.max_per_second:
            window.sent += fact.count
            return fact
        window.held = fact if window.held is None else _joined(window.held, fact)
        self._changed = True
        return None

    def due(self, everything: bool = False) -> list[ErrorFact]:
        """The counted facts whose second is over; all of them on shutdown."""
        now = self._clock()
        over = [key for key, window in self._windows.items() if everything or window.ends <= now]
        windows = [self._windows.pop(key) for key in over]
        facts = [window.held for window in windows if window.held is not None]
        self._changed = self._changed or bool(facts)
        return facts

    def held_if_changed(self) -> bytes | None:
        """What is held back, as bytes, if that changed since the last call; b"" for nothing."""
        if not self._changed:
            return None
        self._changed = False
        facts = [window.held.to_attributes() for window in self._windows.values() if window.held is not None]
        return json.dumps(facts).encode() if facts else b""

    def restore(self, held: bytes) -> list[ErrorFact]:
        """The facts that ``held_if_changed`` wrote before a crash; they leave at once."""
        self._changed = bool(held)
        return [ErrorFact.from_attributes(fact) for fact in json.loads(held)] if held else []


def _joined(held: ErrorFact, fact: ErrorFact) -> ErrorFact:
    """The later fact for both: counted together, as sensitive as the more sensitive one, and handled if both were."""
    classes = (DataClass(each.data_class) for each in (held, fact) if each.data_class is not None)
    handled = False if held.handled is False else fact.handled
    count = held.count + fact.count
    return dataclasses.replace(fact, count=count, data_class=most_sensitive(classes), handled=handled)


def encode_facts(facts: Sequence[ErrorFact]) -> bytes:
    """Error facts as one Export request of log events, grouped by service."""
    by_service: defaultdict[str, list[ErrorFact]] = defaultdict(list)
    for fact in facts:
        by_service[fact.service].append(fact)
    request = ExportLogsServiceRequest(
        resource_logs=[_resource_logs(service, group) for service, group in by_service.items()]
    )
    return request.SerializeToString()


def _resource_logs(service: str, facts: Iterable[ErrorFact]) -> ResourceLogs:
    records = [_record(fact) for fact in facts]
    scope = ScopeLogs(scope=InstrumentationScope(name=SCOPE), log_records=records)
    first = records[0]
    shared = {"service.name": service} | {
        pair.key: pair.value.string_value for pair in first.attributes if pair.key in (POLICY_VERSION, RETENTION_CLASS)
    }
    resource = ResourceLogs(scope_logs=[scope])
    resource.resource.attributes.extend(_pairs(shared))
    return resource


def _record(fact: ErrorFact) -> LogRecord:
    record = LogRecord(
        time_unix_nano=fact.time_unix_nano,
        observed_time_unix_nano=fact.time_unix_nano,
        severity_number=SEVERITY_NUMBER_FATAL if fact.severity is Severity.P1 else SEVERITY_NUMBER_ERROR,
        severity_text=str(fact.severity),
        event_name=EVENT_NAME,
        trace_id=bytes.fromhex(fact.trace_id or ""),
        span_id=bytes.fromhex(fact.span_id or ""),
    )
    record.attributes.extend(_pairs(fact.to_attributes()))
    return record


def _pairs(attributes: Mapping[str, str | int]) -> Iterable[KeyValue]:
    for key, value in attributes.items():
        yield KeyValue(key=key, value=_any_value(value))


def _any_value(value: str | int) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(string_value=value)
