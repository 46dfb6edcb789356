"""Who is measured: the stock SDK, the same under ``opentelemetry-instrument``, errorplane there, and sentry-sdk."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[3]
INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")
_OFF = {"ERRORPLANE_ENABLED": "false"}
_TENTH = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.1"}
_PLAIN = {
    "OTEL_PYTHON_DISTRO": "distro",  # one and the same for all, with errorplane's own installed beside it
    "OTEL_SERVICE_NAME": "shop",
    "OTEL_BAGGAGE_SPAN_ATTRIBUTE_KEYS": "correlation_id,tenant,region,plan",
}
_STEERED = ("OTEL_", "ERRORPLANE_", "SENTRY_", "PYTHONDONTWRITEBYTECODE")


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to set an application up. ``sentry`` says with what options sentry-sdk is in it."""

    name: str
    title: str
    is_instrumented: bool = False
    environ: Mapping[str, str] = field(default_factory=dict)
    sentry: Mapping[str, object] | None = None

    def command(self, *command: str) -> Sequence[str]:
        """The command line that runs ``command`` set up in this way."""
        return [str(INSTRUMENT), *command] if self.is_instrumented else command

    def environment(self, **more: str) -> dict[str, str]:
        """The whole environment of such a process: nothing of ours that would steer telemetry is left in it."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_STEERED) and "proxy" not in name.lower()
        }
        return {**kept, **_PLAIN, **self.environ, **more}


STOCK = Contender("stock", "stock SDK")
INSTRUMENTED = Contender("instrumented", "stock SDK, opentelemetry-instrument", True, _OFF)
OURS = Contender("errorplane", "errorplane", True)
SENTRY = Contender("sentry", "sentry-sdk", sentry={"traces_sample_rate": 1.0, "enable_logs": True})
SENTRY_LIGHT = Contender(
    "sentry-light",
    "sentry-sdk, no locals or source",
    sentry={**(SENTRY.sentry or {}), "include_local_variables": False, "include_source_context": False},
)
TENTH = Contender("instrumented-tenth", "stock SDK, head sampling 10 %", True, _OFF | _TENTH)
OURS_TENTH = Contender("errorplane-tenth", "errorplane, head sampling 10 %", True, _TENTH)
OURS_ERRORS = Contender(
    "errorplane-errors",
    "errorplane, head sampling 10 %, ERRORPLANE_EXPORT_ERRORS",
    True,
    _TENTH | {"ERRORPLANE_EXPORT_ERRORS": "true"},
)
CALLED = (STOCK, INSTRUMENTED, OURS, SENTRY, SENTRY_LIGHT)
"""Those of the table of single calls."""
SAMPLED = (TENTH, OURS_TENTH, OURS_ERRORS)
"""Those with head sampling on."""

BESIDE = Contender("sentry", "stock + sentry-sdk", True, _OFF, {})
SERVED = (INSTRUMENTED, OURS, BESIDE)
"""Those that serve requests; sentry-sdk beside OpenTelemetry as it comes, for errors only."""


def called(name: str) -> Contender:
    """The contender of this name in the tables of single calls."""
    return next(each for each in (*CALLED, *SAMPLED) if each.name == name)
