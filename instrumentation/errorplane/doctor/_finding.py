"""What the doctor may find: the one table of rules, and a finding of one of them. The documentation is made from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One check: its id, how bad what it finds is, why that matters, and what to do."""

    id: str
    severity: Severity
    why: str
    do: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found: `what` in one sentence, `where` as file:line, variable or address, if it has a place."""

    rule: Rule
    what: str
    where: str = ""

    def as_json(self) -> dict[str, str]:
        """Id, severity, where, what, why and do; the keys of `errorplane doctor --json`."""
        rule = self.rule
        return {
            "id": rule.id,
            "severity": rule.severity,
            "where": self.where,
            "what": self.what,
            "why": rule.why,
            "do": rule.do,
        }


NOT_ATTACHED: Final = Rule(
    "not-attached",
    "error",
    "Errors leave without fingerprint, kind and context, if they leave at all.",
    "Start with `opentelemetry-instrument`, or call `errorplane.hooks.attach()` before anything is traced.",
)
SWITCHED_OFF: Final = Rule(
    "switched-off", "info", "A plain OpenTelemetry is left, or none.", "Unset the variable to have it again."
)
START_FAILED: Final = Rule(
    "start-failed",
    "error",
    "OpenTelemetry gives up all of its start-up then: no traces, metrics or logs leave, and the application runs on.",
    "Mend what the message names; it is in the log of the application too.",
)
HOOK_OFF: Final = Rule(
    "hook-off",
    "warning",
    "The installed OpenTelemetry lacks the part that this hook needs; everything else works.",
    "Update errorplane, or install the versions of OpenTelemetry that it was tested with.",
)
OWN_FAILURES: Final = Rule(
    "own-failures",
    "warning",
    "A hook of errorplane failed; the application got what OpenTelemetry alone would have given it.",
    "Please report it, with the log line of `errorplane.hooks`.",
)
SEVERAL_DISTROS: Final = Rule(
    "several-distros",
    "warning",
    "Which of them sets the defaults depends on the order in which they happen to be installed.",
    "Set OTEL_PYTHON_DISTRO to the one that you want; where two have one name, uninstall one. errorplane attaches beside any.",
)
UNKNOWN_DISTRO: Final = Rule(
    "unknown-distro",
    "error",
    "OpenTelemetry then takes no distro at all, and says nothing.",
    "Set it to the name of one that is installed.",
)
SEVERAL_CONFIGURATORS: Final = Rule(
    "several-configurators",
    "warning",
    "The first one sets up the SDK, the others are passed over.",
    "Set OTEL_PYTHON_CONFIGURATOR to the one that you want, or uninstall the others.",
)
SIGNAL_MISSING: Final = Rule(
    "config-file-signal-missing",
    "error",
    "Errors of that signal never leave: a signal that the file does not name stays off, whatever the variables say.",
    "Add the provider to the file.",
)
SIGNAL_OFF: Final = Rule(
    "signal-off",
    "warning",
    "Nobody has set up a provider for it, so what the application makes of it goes nowhere.",
    "Start with `opentelemetry-instrument`, set a provider, or switch it on where the distro has it off.",
)
SETTINGS_FILE: Final = Rule(
    "settings-file",
    "error",
    "What the application hides in its own output is then not what the policy says.",
    "Write the file with `errorplane compile --out DIR`, and name DIR/application.json in ERRORPLANE_SETTINGS.",
)
ENDPOINT: Final = Rule(
    "endpoint-unreachable",
    "error",
    "Nothing arrives; exporters try again, then drop, and hold up the end of the application.",
    "Start what should listen there, or correct OTEL_EXPORTER_OTLP_ENDPOINT.",
)
ENDPOINT_TLS: Final = Rule(
    "endpoint-tls",
    "error",
    "The exporter refuses the connection, and nothing arrives.",
    "Name the certificate authority in OTEL_EXPORTER_OTLP_CERTIFICATE, or use a name that the certificate has.",
)
OPT_IN_IGNORED: Final = Rule(
    "opt-in-ignored",
    "warning",
    "The application behaves as if it were not set.",
    "Unset it, or do what makes it count.",
)
UNKNOWN_VARIABLE: Final = Rule(
    "unknown-variable", "error", "It does nothing: errorplane reads no such variable.", "Correct its name, or unset it."
)
WRONG_VALUE: Final = Rule(
    "wrong-value", "error", "Something else than was meant is in force.", "Set it to one of what is allowed."
)
BAGGAGE: Final = Rule(
    "baggage-to-everyone",
    "warning",
    "What is in the baggage, such as tenants and users, goes to third parties with every request.",
    "Keep errorplane attached and ERRORPLANE_BAGGAGE_HOSTS at `private` or a list of your hosts.",
)
BREAKER: Final = Rule(
    "breaker-on-coroutine",
    "error",
    "pybreaker counts a coroutine as a success when it is made, before it runs: the breaker never opens.",
    "Use a breaker that knows coroutines, or guard the blocking call inside.",
)
RETRIES: Final = Rule(
    "retries-stacked",
    "warning",
    "Attempts multiply: three times three tries are nine requests against a service that is already failing.",
    "Retry at one layer, the one that knows whether the operation may be repeated; switch the others off.",
)
LIVENESS: Final = Rule(
    "liveness-calls-dependency",
    "error",
    "When the dependency is down, the platform restarts every healthy instance, and the outage grows.",
    "Let liveness answer from the process alone; check dependencies in a readiness probe, such as /readyz.",
)
ACKS_LATE: Final = Rule(
    "celery-acks-late",
    "warning",
    "A task whose worker process is killed is acknowledged all the same, and lost; each setting needs the other.",
    "Set acks_late and reject_on_worker_lost together, for tasks that may run twice; or neither.",
)
UNREADABLE: Final = Rule(
    "source-unreadable", "info", "It was not checked.", "Check with the Python version that it is written for."
)

RULES: Final[tuple[Rule, ...]] = (
    NOT_ATTACHED,
    SWITCHED_OFF,
    START_FAILED,
    HOOK_OFF,
    OWN_FAILURES,
    SEVERAL_DISTROS,
    UNKNOWN_DISTRO,
    SEVERAL_CONFIGURATORS,
    SIGNAL_MISSING,
    SIGNAL_OFF,
    SETTINGS_FILE,
    ENDPOINT,
    ENDPOINT_TLS,
    OPT_IN_IGNORED,
    UNKNOWN_VARIABLE,
    WRONG_VALUE,
    BAGGAGE,
    BREAKER,
    RETRIES,
    LIVENESS,
    ACKS_LATE,
    UNREADABLE,
)
