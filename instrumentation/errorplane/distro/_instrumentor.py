"""errorplane as an instrumentor: so that `OTEL_CONFIG_FILE` can carry its settings.

From such a file OpenTelemetry calls it before the hook `opentelemetry_pre_instrument`, and once more afterwards, like
every instrumentor; without one, only afterwards. Whoever comes first attaches.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from typing import Any, Final

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor  # type: ignore[attr-defined]  # it opts out

from errorplane.distro._configuration import Configuration, variables
from errorplane.hooks import GUARD, attach, detach, is_attached
from errorplane.settings import environment, prefer

_log: Final = logging.getLogger("errorplane.settings")
_PLACE: Final = "instrumentation/development.python.errorplane"
_CONFIG_FILE: Final = "OTEL_CONFIG_FILE"


class ErrorplaneInstrumentor(BaseInstrumentor):  # type: ignore[misc]  # as above: untyped, so Any
    """Attaches errorplane; options are the fields of `configuration`, and stand before the environment's variables."""

    configuration = Configuration

    def instrumentation_dependencies(self) -> Collection[str]:
        """It instruments OpenTelemetry itself."""
        return ()

    def instrument(self, **options: Any) -> None:
        """Attach with these options. A second call does nothing, and says so only where it has options."""
        options.pop("skip_dep_check", None)
        options.pop("raise_exception_on_conflict", None)
        GUARD.run("instrument", _instrument, options)
        self._is_instrumented_by_opentelemetry = is_attached()

    def uninstrument(self, **_: Any) -> None:
        """Detach, and forget the options."""
        self._uninstrument()
        self._is_instrumented_by_opentelemetry = False

    def _uninstrument(self, **_: Any) -> None:
        detach()
        prefer({})


def _instrument(options: dict[str, Any]) -> None:
    if options and is_attached():
        _log.warning("errorplane is attached already: the settings %s come too late", ", ".join(sorted(options)))
        return
    if options:
        values, problems = variables(options)
        place = f"{os.environ[_CONFIG_FILE]}: {_PLACE}" if os.environ.get(_CONFIG_FILE) else "ErrorplaneInstrumentor"
        for problem in problems:
            _log.warning("%s.%s", place, problem)
        prefer(values)
    attach(environ=environment())
