"""A distro for `opentelemetry-instrument`: traces, metrics and logs leave over OTLP unless told otherwise."""

from __future__ import annotations

from errorplane.distro._distro import Distro

__all__ = ["Distro"]
