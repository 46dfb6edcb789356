"""One service at a time: its requests, its errors, what its business refuses, and what its processes use."""

from __future__ import annotations

from errorplane.dashboards._model import Dashboard, Panel, Query, Row

_OF = 'service_name=~"$service"'
_REQUESTS = "errorplane_service_requests_total"
_BUSINESS = "errorplane_business_errors_total"
_SYSTEM = "the extra system-metrics in the application"
_EXPORT = "ERRORPLANE_EXPORT_ERRORS in the application"


def _rate(metric: str, *more: str) -> str:
    return f"rate({metric}{{{', '.join((_OF, *more))}}}[$__rate_interval])"


def _some(label: str) -> str:
    """Only series that have this label."""
    return f'{label}!=""'


def _by(labels: str, expression: str) -> str:
    return f"sum by ({labels}) ({expression})"


def _legend(labels: str) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in labels.split(", "))


def _sum(labels: str, expression: str) -> tuple[Query, ...]:
    """The sums by these labels, which are what the series are called."""
    return (Query(_by(labels, expression), _legend(labels)),)


def _top(labels: str, expression: str) -> tuple[Query, ...]:
    """The ten largest of the sums."""
    return (Query(f"topk(10, {_by(labels, expression)})", _legend(labels)),)


def _quantile(share: float) -> Query:
    buckets = _by("le", _rate("errorplane_service_request_duration_seconds_bucket"))
    return Query(f"histogram_quantile({share}, {buckets})", f"p{share * 100:g}")


def _now(metric: str, what: str = "") -> Query:
    return Query(f"sum by (service_name) ({metric}{{{_OF}}})", f"{{{{service_name}}}} {what}".strip())


_FAILED = f"sum({_rate(_REQUESTS, _some('error_type'))}) / sum({_rate(_REQUESTS)})"
_SHARE = f"min by (service_name) (errorplane_export_share_ratio{{{_OF}}})"

_TRAFFIC = (
    Panel(
        "Requests",
        "reqps",
        _sum("errorplane_operation", _rate(_REQUESTS)),
        "Requests and messages a second, by operation.",
        stacked=True,
    ),
    Panel("Failed requests", "percentunit", (Query(_FAILED, "failed"),), "The share of requests that failed."),
    Panel(
        "Duration",
        "s",
        (_quantile(0.5), _quantile(0.95), _quantile(0.99)),
        "How long requests take: half, 95 % and 99 % of them no longer than this.",
    ),
)
_ERRORS = (
    Panel(
        "Errors",
        "cps",
        _sum("errorplane_error_severity, errorplane_error_category", _rate("errorplane_service_errors_total")),
        "Errors a second, by severity and category.",
        stacked=True,
    ),
    Panel(
        "Errors by type",
        "cps",
        _top("error_type", _rate("errorplane_service_errors_total")),
        "The ten most frequent types.",
    ),
    Panel(
        "Errors by fingerprint",
        "cps",
        _top(
            "errorplane_error_fingerprint",
            _rate("errorplane_service_fingerprint_errors_total", _some("errorplane_error_fingerprint")),
        ),
        "The ten most frequent causes.",
    ),
)
_REFUSED = (
    Panel(
        "Business errors",
        "cps",
        _sum("errorplane_business_error", _rate(_BUSINESS)),
        "What the product refused, a second, by name.",
        "business_error or business_errors in the application",
        stacked=True,
    ),
    Panel(
        "Reasons",
        "cps",
        _top(
            "errorplane_business_error, errorplane_business_code", _rate(_BUSINESS, _some("errorplane_business_code"))
        ),
        "The ten most frequent codes.",
        "business errors with a code",
    ),
    Panel(
        "Fields that fail validation",
        "cps",
        _top(
            "errorplane_validation_field, errorplane_validation_type",
            _rate("errorplane_business_validation_errors_total"),
        ),
        "The ten most frequent fields and reasons.",
        "validation_errors in the application",
    ),
)
_OURS = (
    Panel(
        "Errors of unsampled traces",
        "cps",
        _sum("errorplane_export_outcome", _rate("errorplane_export_errors_total")),
        "Exported, held back by a budget, or lost by the exporter, a second.",
        _EXPORT,
        stacked=True,
    ),
    Panel(
        "Share of the export's rates in use",
        "percentunit",
        (Query(_SHARE, "{{service_name}}"),),
        "Less than 100 % while the exporter is overloaded.",
        _EXPORT,
    ),
    Panel(
        "Failures of errorplane itself",
        "cps",
        _sum("errorplane_hook", _rate("errorplane_hooks_failures_total")),
        "None of them reached the application. Normally there is no series.",
    ),
)
_PROCESSES = (
    Panel(
        "CPU",
        "percentunit",
        _sum("service_name, type", _rate("process_cpu_time_seconds_total")),
        "Processors in use, by all processes of the service.",
        _SYSTEM,
        stacked=True,
    ),
    Panel(
        "Memory",
        "bytes",
        (_now("process_memory_usage_bytes"),),
        "Resident memory of all processes of the service.",
        _SYSTEM,
    ),
    Panel(
        "Threads and files",
        "short",
        (_now("process_thread_count", "threads"), _now("process_open_file_descriptor_count", "open files")),
        "Threads and open files of all processes of the service.",
        _SYSTEM,
    ),
    Panel(
        "Garbage collections",
        "ops",
        _sum("service_name, generation", _rate("cpython_gc_collections_total")),
        "Collections a second, by generation.",
        _SYSTEM,
    ),
)

SERVICE = Dashboard(
    "service",
    "errorplane: service",
    "Requests, errors of the program, errors of the business and resources of a service.",
    f'label_values({{__name__=~"{_REQUESTS}|{_BUSINESS}"}}, service_name)',
    (
        Row("Requests, exact before sampling", _TRAFFIC),
        Row("Errors of the program", _ERRORS),
        Row("Errors of the business", _REFUSED),
        Row("What errorplane does in the application", _OURS),
        Row("Processes", _PROCESSES),
    ),
)
