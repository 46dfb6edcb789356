"""What the doctor finds in the set-up of an application, and the near misses that it must leave alone."""

from __future__ import annotations

import dataclasses
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme

from errorplane.doctor import RULES, Exporter, Facts, check_endpoints, check_setup, check_variables
from errorplane.settings import VARIABLES

HEALTHY = Facts(
    program="app.py",
    distros=("errorplane",),
    distro="errorplane",
    attached=True,
    hooks={"record_exception": ""},
    providers={"traces": "opentelemetry.sdk.trace.TracerProvider", "logs": "opentelemetry.sdk._logs.LoggerProvider"},
    propagated=("baggage", "traceparent"),
    baggage_gate=True,
)
PROXIES = {
    "traces": "opentelemetry.trace.ProxyTracerProvider",
    "metrics": "opentelemetry.metrics._internal._ProxyMeterProvider",
    "logs": "opentelemetry._logs._internal.ProxyLoggerProvider",
}
FILE = {"OTEL_CONFIG_FILE": "otel.yaml"}
TWO = ("errorplane", "distro")
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "nothing wrong": ({}, []),
    "not attached": ({"attached": False}, ["not-attached"]),
    "switched off": ({"attached": False, "enabled": False}, ["switched-off"]),
    "a hook is off": (
        {"hooks": {"x": "", "y": "AttributeError: y"}, "failures": {"sdk.y": 1}},
        ["hook-off"],
    ),
    "a hook failed": ({"failures": {"on_start": 3}}, ["own-failures"]),
    "two distros": ({"distros": TWO}, ["several-distros"]),
    "two distros, one chosen": ({"distros": TWO, "variables": {"OTEL_PYTHON_DISTRO": "distro"}}, []),
    "two distros of one name": (
        {"distros": ("distro", "distro"), "variables": {"OTEL_PYTHON_DISTRO": "distro"}},
        ["several-distros"],
    ),
    "two distros of one name, and a third one chosen": (
        {"distros": ("errorplane", "distro (a)", "distro (b)"), "variables": {"OTEL_PYTHON_DISTRO": "errorplane"}},
        [],
    ),
    "a distro chosen of which there are two": (
        {"distros": ("errorplane", "distro (a)", "distro (b)"), "variables": {"OTEL_PYTHON_DISTRO": "distro"}},
        ["several-distros"],
    ),
    "a distro that is not there": ({"variables": {"OTEL_PYTHON_DISTRO": "aws_distro"}}, ["unknown-distro"]),
    "two configurators": ({"configurators": ("a", "b")}, ["several-configurators"]),
    "one configurator": ({"configurators": ("a",)}, []),
    "two configurators, one chosen": (
        {"configurators": ("a", "b"), "variables": {"OTEL_PYTHON_CONFIGURATOR": "b"}},
        [],
    ),
    "a file without logs": (
        {"variables": FILE, "providers": dict(HEALTHY.providers) | {"logs": PROXIES["logs"]}},
        ["config-file-signal-missing"],
    ),
    "a file with nothing": (
        {"variables": FILE, "providers": PROXIES},
        ["config-file-signal-missing", "config-file-signal-missing"],
    ),
    "a file without metrics": (
        {"variables": FILE, "providers": dict(HEALTHY.providers) | {"metrics": PROXIES["metrics"]}},
        [],
    ),
    "no file and no logs": (
        {"providers": dict(HEALTHY.providers) | {"logs": PROXIES["logs"]}},
        ["signal-off"],
    ),
    "no SDK": ({"providers": PROXIES, "variables": {"OTEL_SDK_DISABLED": "True"}}, ["switched-off"]),
    "a start that failed": (
        {"messages": ("opentelemetry.x: Failed to auto initialize OpenTelemetry: ValueError: x",), "variables": FILE},
        ["start-failed"],
    ),
    "an exporter that warns": ({"messages": ("opentelemetry.exporter: Transient error",)}, []),
    "a value that cannot be read": (
        {"messages": ("errorplane.settings: ERRORPLANE_MIDDLEWARE is 'x' and must be true or false; 'true' holds",)},
        ["wrong-value"],
    ),
    "settings that cannot be read": ({"settings_problem": "x.json: cannot be read"}, ["settings-file"]),
    "an opt-in without errorplane": (
        {
            "attached": False,
            "enabled": False,
            "variables": {"OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN": "logs"},
        },
        ["switched-off", "opt-in-ignored"],
    ),
    "an opt-in that is heeded": ({"variables": {"OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN": "logs/dup"}}, []),
    "a stability that nobody knows": (
        {"variables": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http, htpp/dup"}},
        ["opt-in-ignored"],
    ),
    "a stability that is known": ({"variables": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http/dup,database"}}, []),
    "a variable that is superseded": (
        {"variables": {"OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true"}},
        ["opt-in-ignored"],
    ),
    "an endpoint beside a file": (
        {"variables": {**FILE, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}},
        ["opt-in-ignored"],
    ),
    "what a distro sets beside a file": (
        {"variables": {**FILE, "OTEL_LOGS_EXPORTER": "otlp"}, "defaults": ("OTEL_LOGS_EXPORTER",)},
        [],
    ),
    "an endpoint without a file": ({"variables": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}}, []),
    "baggage without a gate": ({"baggage_gate": False}, ["baggage-to-everyone"]),
    "baggage to all hosts": ({"variables": {"ERRORPLANE_BAGGAGE_HOSTS": "private,*"}}, ["baggage-to-everyone"]),
    "no keys to all hosts": (
        {"variables": {"ERRORPLANE_BAGGAGE_HOSTS": "*", "ERRORPLANE_BAGGAGE_KEYS": "none"}},
        [],
    ),
    "baggage to hosts of a domain": ({"variables": {"ERRORPLANE_BAGGAGE_HOSTS": "*.shop.example"}}, []),
    "no baggage": ({"baggage_gate": False, "propagated": ("traceparent",)}, []),
    "pybreaker on a coroutine function": ({"breakers": ("app.py:3 fetch",)}, ["breaker-on-coroutine"]),
}


@pytest.mark.parametrize(("change", "wanted"), CASES.values(), ids=CASES)
def test_the_set_up_of_a_process(change: dict[str, Any], wanted: list[str]) -> None:
    """Each mistake alone, and what only looks like it."""
    assert [finding.rule.id for finding in check_setup(dataclasses.replace(HEALTHY, **change))] == wanted


@pytest.mark.parametrize(
    ("name", "meant"),
    [("ERRORPLANE_COMPONNENT", "ERRORPLANE_COMPONENT may be meant"), ("ERRORPLANE_X", "is no variable of errorplane")],
)
def test_names_of_variables_that_errorplane_does_not_know(name: str, meant: str) -> None:
    """With the one that may be meant, if one is near."""
    (finding,) = check_variables({name: "x"})
    assert (finding.rule.id, finding.where) == ("unknown-variable", name)
    assert finding.what.endswith(meant)


def test_names_of_variables_that_are_known() -> None:
    """All of the table, those of OpenTelemetry and of others, and the doctor's own."""
    known = [variable.name for variable in VARIABLES]
    assert not list(check_variables(dict.fromkeys([*known, "OTEL_ANYTHING", "PATH", "_ERRORPLANE_DOCTOR"], "x")))


@contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port that accepts connections, with TLS or without."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    if context is not None:
                        try:
                            context.wrap_socket(connection, server_side=True).close()
                        except OSError:
                            continue

        thread = Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def found(*endpoints: str, **environ: str) -> list[str]:
    exporters = [Exporter("traces", "x", endpoint) for endpoint in endpoints]
    return [finding.rule.id for finding in check_endpoints(exporters, environ)]


def test_endpoints_that_answer_or_do_not() -> None:
    """Each address is tried once, whatever the path; what is no address is left alone."""
    with listening() as port:
        assert found(f"http://127.0.0.1:{port}", f"http://localhost:{port}/v1/traces", "") == []
        assert found(f"https://127.0.0.1:{port}") == ["endpoint-tls"]
    assert found(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{port}/v1/logs") == ["endpoint-unreachable"]
    assert found("http://no-such-host.invalid:4317") == ["endpoint-unreachable"]


def test_endpoints_with_tls(tmp_path: Path) -> None:
    """Only what the exporter would trust is: by authority and by name."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    file = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(file)
    with listening(context) as port:
        assert found(f"https://127.0.0.1:{port}") == ["endpoint-tls"]
        assert found(f"https://127.0.0.1:{port}", OTEL_EXPORTER_OTLP_CERTIFICATE=str(file)) == []
        assert found(f"https://127.0.0.1:{port}", OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE=str(file)) == []
        assert found(f"https://localhost:{port}", OTEL_EXPORTER_OTLP_CERTIFICATE=str(file)) == ["endpoint-tls"]


def test_every_rule_says_why_and_what_to_do() -> None:
    """In sentences, and no id stands twice."""
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.why.endswith(".") and rule.do.endswith(".") for rule in RULES)
