"""Collects the facts about the process that it runs in."""

from __future__ import annotations

import gc
import inspect
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions, entry_points
from types import FunctionType

from opentelemetry import propagate, trace
from opentelemetry._logs import get_logger_provider
from opentelemetry.metrics import get_meter_provider

from errorplane import hooks, settings
from errorplane.doctor._facts import Exporter, Facts, plain, shown, without_login
from errorplane.doctor._silence import EXPORTERS, kinds
from errorplane.masking import SettingsError, load_mask
from errorplane.propagation import Gate

_SIGNALS = tuple(signal for signal, _ in EXPORTERS.values())
_FRAMEWORKS = ("flask", "starlette", "fastapi", "grpc", "celery", "django")


def collect(messages: tuple[str, ...] = (), given: Iterable[str] | None = None) -> Facts:
    """What is attached here and now; with what OpenTelemetry and errorplane have logged so far.

    `given` are the names of the variables that were set before OpenTelemetry was started (by default, all that are).
    """
    environ = settings.environment()
    distros = _names("opentelemetry_distro")
    wanted = environ.get("OTEL_PYTHON_DISTRO")
    propagator = propagate.get_global_textmap()
    return Facts(
        python=platform.python_version(),
        program=_program(),
        packages=dict(sorted(_packages())),
        distros=distros,
        distro=next((name for name in distros if wanted in (None, plain(name))), ""),
        configurators=_names("opentelemetry_configurator"),
        attached=hooks.is_attached(),
        enabled=hooks.is_enabled(environ),
        hooks=dict(hooks.hook_states()),
        failures=dict(hooks.GUARD.failures),
        providers={
            "traces": _type(trace.get_tracer_provider()),
            "metrics": _type(get_meter_provider()),
            "logs": _type(get_logger_provider()),
        },
        exporters=tuple(sorted(_exporters(), key=lambda each: _SIGNALS.index(each.signal))),
        propagator=_type(propagator),
        propagated=tuple(sorted(propagator.fields)),
        baggage_gate=isinstance(propagator, Gate),
        exception_signal=settings.text(environ, settings.EXCEPTION_SIGNAL) or "span events",
        frameworks=tuple(name for name in _FRAMEWORKS if name in sys.modules),
        variables=shown(environ),
        defaults=tuple(sorted(set(shown(environ)) - set(environ if given is None else given))),
        messages=messages,
        settings_problem=_settings_problem(settings.text(environ, settings.SETTINGS)),
        breakers=tuple(sorted(_breakers())),
    )


def _names(group: str) -> tuple[str, ...]:
    """In the order in which OpenTelemetry takes them; with the package where another one has the same name."""
    found = tuple(entry_points(group=group))
    often = Counter(each.name for each in found)
    return tuple(
        f"{each.name} ({each.dist.name})" if each.dist and often[each.name] > 1 else each.name for each in found
    )


def _program() -> str:
    return sys.argv[0] if sys.argv[0] not in ("", "-c", "-m") else sys.executable


def _packages() -> Iterator[tuple[str, str]]:
    for each in distributions():
        name = str(each.metadata["Name"]).lower()
        if "opentelemetry" in name or name in ("errorplane", "sentry-sdk"):
            yield name, each.version


def _type(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def _exporters() -> Iterator[Exporter]:
    from errorplane.hooks._sdk import endpoint_of  # the one module that touches private parts

    signals = {kind: signal for base, (signal, _) in EXPORTERS.items() for kind in kinds(base)}
    for each in gc.get_objects():
        if type(each) in signals:
            yield Exporter(signals[type(each)], _type(each), without_login(endpoint_of(each)))


def _settings_problem(path: str) -> str:
    if not path:
        return ""
    try:
        load_mask(path)
    except SettingsError as problem:
        return str(problem)
    return ""


def _breakers() -> Iterator[str]:
    """Coroutine functions inside of what pybreaker's decorator makes of them."""
    if "pybreaker" not in sys.modules:
        return
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__globals__.get("__name__") == "pybreaker":
            inside = vars(each).get("__wrapped__")
            if inspect.iscoroutinefunction(inside):
                code = inside.__code__
                yield f"{os.path.relpath(code.co_filename)}:{code.co_firstlineno} {inside.__qualname__}"
