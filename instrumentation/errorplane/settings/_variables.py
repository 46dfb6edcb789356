"""The one table of environment variables; the documentation is generated from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

ENABLED: Final = "ERRORPLANE_ENABLED"
COMPONENT: Final = "ERRORPLANE_COMPONENT"
SETTINGS: Final = "ERRORPLANE_SETTINGS"
EXPORT_ERRORS: Final = "ERRORPLANE_EXPORT_ERRORS"
EXPORT_RATE: Final = "ERRORPLANE_EXPORT_RATE"
EXPORT_BURST: Final = "ERRORPLANE_EXPORT_BURST"
EXPORT_TOTAL_RATE: Final = "ERRORPLANE_EXPORT_TOTAL_RATE"
EXPORT_FINGERPRINTS: Final = "ERRORPLANE_EXPORT_FINGERPRINTS"
ON_ERROR: Final = "ERRORPLANE_ON_ERROR"
IGNORE: Final = "ERRORPLANE_IGNORE"
LOCALS: Final = "ERRORPLANE_LOCALS"
LOG_LINES: Final = "ERRORPLANE_LOG_LINES"
EVENT_BRIDGE: Final = "ERRORPLANE_EVENT_BRIDGE"
EXCEPTION_SIGNAL: Final = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN"
BAGGAGE_SPAN_KEYS: Final = "OTEL_BAGGAGE_SPAN_ATTRIBUTE_KEYS"
BAGGAGE_KEYS: Final = "ERRORPLANE_BAGGAGE_KEYS"
BAGGAGE_HOSTS: Final = "ERRORPLANE_BAGGAGE_HOSTS"
BAGGAGE_INBOUND: Final = "ERRORPLANE_BAGGAGE_INBOUND"
BAGGAGE_MASK: Final = "ERRORPLANE_BAGGAGE_MASK"
METRIC_FIELDS: Final = "ERRORPLANE_METRIC_FIELDS"
METRIC_VALUES: Final = "ERRORPLANE_METRIC_VALUES"
MIDDLEWARE: Final = "ERRORPLANE_MIDDLEWARE"
USER_KEY: Final = "ERRORPLANE_USER_KEY"
LOG_CODE: Final = "OTEL_PYTHON_LOG_CODE_ATTRIBUTES"
UNHANDLED: Final = "ERRORPLANE_UNHANDLED"
EXIT_SECONDS: Final = "ERRORPLANE_EXIT_SECONDS"
FORK: Final = "ERRORPLANE_FORK"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable: its name, how its value is read, what holds without it, and what it does.

    `words` are separated by commas; a `text` with `allowed` values is one of them.
    """

    name: str
    type: Literal["flag", "number", "text", "words"]
    default: str
    meaning: str
    allowed: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Its name in a configuration file: in lower case, without the prefix.

        >>> Variable("ERRORPLANE_LOG_LINES", "number", "0", "").key
        'log_lines'
        """
        return self.name.removeprefix("ERRORPLANE_").removeprefix("OTEL_").lower()


VARIABLES: Final[tuple[Variable, ...]] = (
    Variable(ENABLED, "flag", "true", "false, 0, no or off: no hook is installed, and a plain OpenTelemetry is left."),
    Variable(COMPONENT, "text", "", "The component of errors for which the code binds none; without it, the service."),
    Variable(SETTINGS, "text", "", "The file `application.json` that `errorplane compile` wrote."),
    Variable(
        BAGGAGE_SPAN_KEYS, "words", "correlation_id,tenant", "Baggage that becomes attributes of spans and log records."
    ),
    Variable(
        BAGGAGE_KEYS,
        "words",
        "correlation_id,tenant",
        "Baggage and context fields that may be sent to the hosts below: keys, `prefix*`, `*` for all, `none`; without "
        "it, those of `OTEL_BAGGAGE_SPAN_ATTRIBUTE_KEYS`.",
    ),
    Variable(
        BAGGAGE_HOSTS,
        "words",
        "private",
        "Hosts to which baggage and correlation ids may be sent: names, `*.suffix`, addresses, networks such as "
        "10.0.0.0/8, `*` for all, `none`. `private` stands for names without a dot, localhost, loopback and private "
        "addresses, and names under local, internal, svc and cluster.local.",
    ),
    Variable(
        BAGGAGE_INBOUND,
        "words",
        "correlation_id,tenant",
        "Baggage that is taken from callers, as in `ERRORPLANE_BAGGAGE_KEYS`; `none` where strangers call.",
    ),
    Variable(BAGGAGE_MASK, "flag", "false", "true: personal data and secrets in baggage are masked before it leaves."),
    Variable(
        METRIC_FIELDS,
        "words",
        "",
        "Context fields that errorplane's own instruments carry: component, tenant, deployment, deployment_id or the "
        "name of an attribute.",
    ),
    Variable(METRIC_VALUES, "number", "50", "How many values of each of them are told apart; the rest is `_OTHER`."),
    Variable(
        MIDDLEWARE,
        "flag",
        "true",
        "false: Flask, Starlette, FastAPI, gRPC and Celery get no middleware for correlation ids; it can be put in by "
        "hand.",
    ),
    Variable(
        USER_KEY,
        "text",
        "",
        "The key, 16 characters or more, under which users become pseudonyms in `user.hash`; without it, nothing about "
        "them is written.",
    ),
    Variable(
        EXPORT_ERRORS,
        "flag",
        "false",
        "true: spans that end in an error leave even if head sampling drops their traces, within the rates below, and "
        "stack traces beyond them are left out.",
    ),
    Variable(EXPORT_RATE, "number", "1", "How many errors of one fingerprint leave a second."),
    Variable(EXPORT_BURST, "number", "10", "How many of them may leave at once after a quiet time."),
    Variable(EXPORT_TOTAL_RATE, "number", "50", "How many errors of all fingerprints together leave a second."),
    Variable(
        EXPORT_FINGERPRINTS,
        "number",
        "1000",
        "How many fingerprints are told apart; the first error of so many new ones a minute leaves in any case.",
    ),
    Variable(
        LOG_CODE, "flag", "false", "Whether JSON lines tell file, line and function, as OpenTelemetry's own records do."
    ),
    Variable(
        ON_ERROR, "text", "", "`module:function`, shown every error before anything is written of it, as by `on_error`."
    ),
    Variable(IGNORE, "words", "", "Qualified types of errors that are dropped, with the types derived from them."),
    Variable(
        LOCALS,
        "words",
        "",
        "Names of local variables, or patterns such as order_*, that are written, masked, with an error; none by default.",
    ),
    Variable(
        LOG_LINES, "number", "0", "How many of the last lines logged in its trace are written, masked, with an error."
    ),
    Variable(
        EXCEPTION_SIGNAL,
        "text",
        "",
        "logs: exceptions of spans become log records in place of span events; logs/dup: both; without it, span events.",
        ("logs", "logs/dup"),
    ),
    Variable(
        EVENT_BRIDGE,
        "flag",
        "false",
        "true: log records with an event name become events of the current span too (OpenTelemetry's span event bridge).",
    ),
    Variable(
        UNHANDLED,
        "flag",
        "true",
        "false: errors that nobody handles, in threads, tasks and child processes too, are not reported, and child "
        "processes do not send what waits when they end.",
    ),
    Variable(EXIT_SECONDS, "number", "5", "How long a child process that ends waits for what it sends."),
    Variable(
        FORK,
        "text",
        "own",
        "What a forked child gets anew. own: OpenTelemetry's locks and connections, and the counts of errorplane's "
        "instruments; all: the counts of all instruments too; off: nothing.",
        ("own", "all", "off"),
    ),
)
BY_NAME: Final = {variable.name: variable for variable in VARIABLES}
