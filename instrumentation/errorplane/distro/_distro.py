"""The defaults of a plain OpenTelemetry set-up. What errorplane adds comes in through its hook, with any distro."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from opentelemetry.environment_variables import OTEL_LOGS_EXPORTER, OTEL_METRICS_EXPORTER, OTEL_TRACES_EXPORTER
from opentelemetry.instrumentation.distro import BaseDistro  # type: ignore[attr-defined]  # the module opts out
from opentelemetry.sdk.environment_variables import OTEL_EXPORTER_OTLP_PROTOCOL

from errorplane.hooks import GUARD

_DEFAULTS: Final[Mapping[str, str]] = {
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_LOGS_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
}


class Distro(BaseDistro):  # type: ignore[misc]  # as above: untyped, so Any
    """OTLP over gRPC for all signals, and the SDK set up where no other package does it.

    It is no configurator: OpenTelemetry runs the first of those that are installed and warns of all others at each start,
    so one of ours would now and then stand in for that of another distro, and otherwise only be complained about.
    The same with `ERRORPLANE_ENABLED=false`, which leaves a plain OpenTelemetry; `OTEL_SDK_DISABLED` ends that too.
    """

    def _configure(self, **kwargs: Any) -> None:
        for name, value in _DEFAULTS.items():
            os.environ.setdefault(name, value)
        GUARD.run("configure", _configure_if_nobody_does)


def _configure_if_nobody_does() -> None:
    from errorplane.hooks._sdk import configure_if_nobody_does  # a new SDK may break this import

    configure_if_nobody_does()
