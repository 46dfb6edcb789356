"""What `opentelemetry-instrument` finds of errorplane besides its hook: a distro, and an instrumentor."""

from __future__ import annotations

from errorplane.distro._configuration import Configuration
from errorplane.distro._distro import Distro
from errorplane.distro._instrumentor import ErrorplaneInstrumentor

__all__ = ["Configuration", "Distro", "ErrorplaneInstrumentor"]
