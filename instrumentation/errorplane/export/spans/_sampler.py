"""Head sampling that records what it drops, so that an error in it can be seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes


class RecordingSampler(Sampler):
    """Decides as another sampler does, and records the spans that one drops: DROP becomes RECORD_ONLY.

    What leaves this process is the same: the sampled flag of W3C trace context is not set on such a span, so neither
    the services that it calls nor the exporting processors take it for sampled. It costs what a sampled span costs but
    for its export. Samplers leave a dropped span without attributes; a recorded one gets those it was started with.
    """

    def __init__(self, sampler: Sampler, active: Callable[[], bool]) -> None:
        self.sampler = sampler
        self._active = active

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """What the other sampler says; RECORD_ONLY in place of DROP."""
        result = self.sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        if result.decision is not Decision.DROP or not self._active():
            return result
        given = {**(attributes or {}), **result.attributes} if result.attributes else attributes
        return SamplingResult(Decision.RECORD_ONLY, given, result.trace_state)

    def get_description(self) -> str:
        """What the sampler is called."""
        return f"errorplane.RecordingSampler{{{self.sampler.get_description()}}}"
