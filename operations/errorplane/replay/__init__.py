"""Recorded telemetry decided by a policy as the processor would have, to know what another policy would keep."""

from __future__ import annotations

from errorplane.replay._kinds import sent_ns, signal_of
from errorplane.replay._recordings import MAX_BYTES, BadRecording, Recorded, Recording

__all__ = ["MAX_BYTES", "BadRecording", "Recorded", "Recording", "sent_ns", "signal_of"]
