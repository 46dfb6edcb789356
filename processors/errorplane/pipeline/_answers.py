"""What the admin address answers about single traces."""

from __future__ import annotations

import re
import time
from typing import Any

from errorplane.access import AccessPort, Actor
from errorplane.journal import Journal, JournalError, describe, undecided, unknown
from errorplane.otlp import AdminAnswer, AdminCall
from errorplane.sampling import TraceTable

_TRACE_ID = re.compile(r"(?!0{32})[0-9a-f]{32}")
_LOOKS, _BETWEEN_S = 3, 0.1  # a verdict that is just being stored is in neither place
ORIGIN = "admin"
"""Of an actor who is only known by the address that the call comes from."""


class Answers:
    """Asks ``access`` before each answer; safe to call from several threads."""

    def __init__(self, journal: Journal, traces: TraceTable, access: AccessPort) -> None:
        self._journal = journal
        self._traces = traces
        self._access = access

    def why(self, call: AdminCall) -> AdminAnswer:
        """GET /why/TRACE_ID: the verdict on a trace; 404 with ``verdict: unknown`` where none is remembered."""
        if call.method != "GET":
            return AdminAnswer(405, {"error": "only GET"})
        text = call.rest.lower()
        if not _TRACE_ID.fullmatch(text):
            return AdminAnswer(400, {"error": "a trace id is 32 hex digits, not all zero"})
        decision = self._access.decide(Actor(call.client, ORIGIN), "verdicts.read", f"trace {text}")
        if not decision.allowed:
            return AdminAnswer(403, {"error": f"not allowed: {decision.reason}"})
        try:
            document = self._explained(bytes.fromhex(text))
        except JournalError as error:
            return AdminAnswer(503, {"error": str(error)})
        return AdminAnswer(404 if document["verdict"] == "unknown" else 200, document)

    def _explained(self, trace_id: bytes) -> dict[str, Any]:
        for _ in range(_LOOKS):
            state = self._traces.get(trace_id)
            if state is not None:
                return undecided(trace_id, len(state.errors))
            record = self._journal.verdict(trace_id)
            if record is not None:
                return describe(trace_id, record)
            time.sleep(_BETWEEN_S)
        return unknown(trace_id)
