"""Checks of the set-up: of the facts about a process, and of its environment."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from errorplane.doctor import _finding as rules
from errorplane.doctor._facts import Facts, plain
from errorplane.doctor._finding import Finding
from errorplane.settings import (
    BAGGAGE_HOSTS,
    BAGGAGE_KEYS,
    ENABLED,
    EXCEPTION_SIGNAL,
    SETTINGS,
    VARIABLES,
)

_CONFIG_FILE = "OTEL_CONFIG_FILE"
_DISABLED = "OTEL_SDK_DISABLED"
_KNOWN = tuple(variable.name for variable in VARIABLES)
_PREFIX = "ERRORPLANE_"
_OURS = tuple(name.removeprefix(_PREFIX) for name in _KNOWN if name.startswith(_PREFIX))
_STABILITY = "OTEL_SEMCONV_STABILITY_OPT_IN"
_STABLE = frozenset(("http", "http/dup", "database", "database/dup", "gen_ai_latest_experimental", "rpc", "rpc/dup"))
_PASSED_OVER_WITH_A_FILE = (
    "OTEL_EXPORTER_OTLP_",
    "OTEL_TRACES_",
    "OTEL_METRICS_EXPORTER",
    "OTEL_LOGS_EXPORTER",
    "OTEL_BSP_",
    "OTEL_BLRP_",
    "OTEL_METRIC_EXPORT_",
    "OTEL_PROPAGATORS",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_SERVICE_NAME",
)
_SUPERSEDED = {"OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "OTEL_PYTHON_LOG_AUTO_INSTRUMENTATION"}
_NO_PROVIDER = ("Proxy", "NoOp")


def check_setup(facts: Facts) -> Iterator[Finding]:
    """What is wrong with the start-up of a process."""
    for check in (_attached, _start, _hooks, _distros, _signals, _settings, _opt_ins, _baggage):
        yield from check(facts)
    for breaker in facts.breakers:
        where, _, name = breaker.rpartition(" ")
        yield Finding(rules.BREAKER, f"{name} is a coroutine function and decorated by pybreaker", where)


def check_variables(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Names that look like errorplane's and are none of them."""
    for name in sorted(environ):
        if name.startswith(_PREFIX) and name not in _KNOWN and name not in _OF_THE_PROCESSOR:
            near = difflib.get_close_matches(name.removeprefix(_PREFIX), _OURS, 1, 0.7)
            meant = f"; {_PREFIX}{near[0]} may be meant" if near else ""
            yield Finding(rules.UNKNOWN_VARIABLE, f"{name} is no variable of errorplane{meant}", name)


_OF_THE_PROCESSOR = frozenset(("ERRORPLANE_JOURNAL_KEY",))


def _attached(facts: Facts) -> Iterator[Finding]:
    if not facts.enabled:
        yield Finding(rules.SWITCHED_OFF, "errorplane is switched off", ENABLED)
    elif not facts.attached:
        yield Finding(rules.NOT_ATTACHED, f"errorplane is not attached in {facts.program}")
    if _disabled(facts):
        yield Finding(rules.SWITCHED_OFF, "OpenTelemetry is switched off, and nothing leaves", _DISABLED)


def _disabled(facts: Facts) -> bool:
    return facts.variables.get(_DISABLED, "").strip().lower() == "true"


def _start(facts: Facts) -> Iterator[Finding]:
    for message in facts.messages:
        name, _, told = message.partition(": ")
        if name == "errorplane.settings":
            yield Finding(rules.WRONG_VALUE, told, told.partition(" is ")[0])
        elif name.startswith("opentelemetry") and (
            "Failed to auto initialize" in told or "configuration failed" in told
        ):
            yield Finding(rules.START_FAILED, told)


def _hooks(facts: Facts) -> Iterator[Finding]:
    for name, missing in facts.hooks.items():
        if missing:
            yield Finding(rules.HOOK_OFF, f"the hook {name} is off: {missing}")
    off = {f"sdk.{name}" for name, missing in facts.hooks.items() if missing}
    for name, count in facts.failures.items():
        if name not in off:
            yield Finding(rules.OWN_FAILURES, f"the hook {name} failed {count} time{'s' if count > 1 else ''}")


def _distros(facts: Facts) -> Iterator[Finding]:
    for kind, names, rule in (
        ("distro", facts.distros, rules.SEVERAL_DISTROS),
        ("configurator", facts.configurators, rules.SEVERAL_CONFIGURATORS),
    ):
        variable = f"OTEL_PYTHON_{kind.upper()}"
        wanted = facts.variables.get(variable)
        if len(names if wanted is None else [name for name in names if plain(name) == wanted]) > 1:
            yield Finding(rule, f"{', '.join(names)} are installed, and the first that fits wins", variable)
        elif wanted is not None and wanted not in map(plain, names):
            yield Finding(
                rules.UNKNOWN_DISTRO, f"{variable} is {wanted!r}; installed are {', '.join(names) or 'none'}", variable
            )


def _signals(facts: Facts) -> Iterator[Finding]:
    """Traces and logs without a provider of the SDK; that there are no metrics may be meant."""
    if _disabled(facts) or any(finding.rule is rules.START_FAILED for finding in _start(facts)):
        return
    path = facts.variables.get(_CONFIG_FILE)
    for signal, key in (("traces", "tracer_provider"), ("logs", "logger_provider")):
        if facts.providers.get(signal, "").rpartition(".")[2].lstrip("_").startswith(_NO_PROVIDER):
            if path:
                yield Finding(rules.SIGNAL_MISSING, f"{path} has no {key}: no {signal} leave", path)
            else:
                yield Finding(rules.SIGNAL_OFF, f"no {signal} leave", signal)


def _settings(facts: Facts) -> Iterator[Finding]:
    if facts.settings_problem:
        yield Finding(rules.SETTINGS_FILE, facts.settings_problem, SETTINGS)


def _opt_ins(facts: Facts) -> Iterator[Finding]:
    if facts.variables.get(EXCEPTION_SIGNAL) and not facts.attached:
        yield Finding(
            rules.OPT_IN_IGNORED,
            "OpenTelemetry for Python does not read it; errorplane does, and is not attached",
            EXCEPTION_SIGNAL,
        )
    for word in filter(None, map(str.strip, facts.variables.get(_STABILITY, "").split(","))):
        if word not in _STABLE:
            yield Finding(rules.OPT_IN_IGNORED, f"{word!r} is none of {', '.join(sorted(_STABLE))}", _STABILITY)
    for name, instead in _SUPERSEDED.items():
        if name in facts.variables:
            yield Finding(rules.OPT_IN_IGNORED, f"it is superseded by {instead}", name)
    if facts.variables.get(_CONFIG_FILE):
        for name in facts.variables:
            if name.startswith(_PASSED_OVER_WITH_A_FILE) and name not in facts.defaults:
                yield Finding(
                    rules.OPT_IN_IGNORED,
                    f"{_CONFIG_FILE} is set: what the file does not say, this does not either",
                    name,
                )


def _baggage(facts: Facts) -> Iterator[Finding]:
    if "baggage" not in facts.propagated:
        return
    hosts = _words(facts, BAGGAGE_HOSTS)
    if not facts.baggage_gate:
        yield Finding(rules.BAGGAGE, "the propagator sends baggage, and nothing limits to whom", "OTEL_PROPAGATORS")
    elif "*" in hosts and _words(facts, BAGGAGE_KEYS) != ["none"]:
        yield Finding(rules.BAGGAGE, "baggage is sent to every host", BAGGAGE_HOSTS)


def _words(facts: Facts, name: str) -> list[str]:
    return [word.strip() for word in facts.variables.get(name, "").split(",") if word.strip()]
