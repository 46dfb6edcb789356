"""Who is measured: the commands and configurations of the Collector, of errorplane and of the floor."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[2]
COLLECTOR = ROOT / ".tools" / "otelcol"
MAX_TRACES = 5_000_000
_SLOW_S = 5
# Nine patterns for the Collector's redaction processor, in the order of NINE.
_PATTERNS = (
    r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}",
    r"\b(?:\d[ -]?){12,18}\d\b",
    r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b",
    r"\+\d{1,3}[ -]?(?:\d[ -]?){6,12}\d",
    r"(?i)bearer [a-z0-9._~+/-]+=*",
    r"eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*",
    r"\bA(?:KIA|SIA)[A-Z0-9]{16}\b",
)
NINE = (
    *("EMAIL_ADDRESS", "CREDIT_CARD", "IBAN_CODE", "US_SSN", "IP_ADDRESS"),
    *("PHONE_NUMBER", "BEARER_TOKEN", "JWT", "AWS_KEY"),
)
"""What errorplane looks for where it does what the Collector does."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a contender is to do, and where: its folder (a restart gets the same), its ports, that of the sink."""

    folder: Path
    port: int
    admin: int
    sink: int
    wait_s: float
    keep: float


@dataclass(frozen=True, slots=True)
class Contender:
    """One that is measured.

    ``redacts``: personal data must not reach the sink. ``sends``: there is something to reach it. ``counts``: it tells
    on ``/metrics`` of the admin port how many errors there were.
    """

    name: str
    title: str
    command: Callable[[Job], Sequence[str]]
    kind: Literal["collector", "errorplane", "floor"]
    redacts: bool = True
    sends: bool = True
    counts: bool = False


def collector(processors: Sequence[str]) -> Callable[[Job], Sequence[str]]:
    """The command of a Collector with these processors."""

    def command(job: Job) -> Sequence[str]:
        config = job.folder / "collector.yaml"
        patterns = "\n".join(f"      - '{pattern}'" for pattern in _PATTERNS)
        config.write_text(
            f"""
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: 127.0.0.1:{job.port}, max_recv_msg_size_mib: 64}}}}}}
processors:
  redaction:
    allow_all_keys: true
    blocked_values:
{patterns}
  tail_sampling:
    decision_wait: {job.wait_s}s
    num_traces: {MAX_TRACES}
    policies:
      - {{name: errors, type: status_code, status_code: {{status_codes: [ERROR]}}}}
      - {{name: slow, type: latency, latency: {{threshold_ms: {_SLOW_S * 1000}}}}}
      - {{name: rest, type: probabilistic, probabilistic: {{sampling_percentage: {job.keep * 100}}}}}
exporters:
  otlp_grpc:
    endpoint: 127.0.0.1:{job.sink}
    tls: {{insecure: true}}
    compression: none
    sending_queue:
      queue_size: 1000000
      batch: {{flush_timeout: 200ms, min_size: 1000, max_size: 8000}}
service:
  telemetry: {{metrics: {{level: none}}, logs: {{level: warn}}}}
  pipelines:
    traces: {{receivers: [otlp], processors: [{", ".join(processors)}], exporters: [otlp_grpc]}}
"""
        )
        return [str(COLLECTOR), "--config", str(config)]

    return command


def errorplane(detectors: Sequence[str] | None) -> Callable[[Job], Sequence[str]]:
    """The command of an errorplane processor with these detectors, or with its default set."""

    def command(job: Job) -> Sequence[str]:
        policy = job.folder / "errorplane.yaml"
        redaction = "" if detectors is None else f"redaction: {{detectors: [{', '.join(detectors)}]}}"
        policy.write_text(
            f"""
version: 1
listen: {{grpc: 127.0.0.1:{job.port}, http: null, admin: 127.0.0.1:{job.admin}, max_request_bytes: 64MiB}}
journal: {{path: {job.folder}/data}}
{redaction}
sampling:
  decision_wait: {job.wait_s}s
  max_traces: {MAX_TRACES}
  rules:
    - {{name: errors, when: {{status: error}}}}
    - {{name: slow, when: {{duration_over: {_SLOW_S}s}}}}
    - {{name: rest, keep: {job.keep}}}
destinations:
  sink: {{otlp: {{endpoint: "http://127.0.0.1:{job.sink}", compression: none}}}}
  facts: {{file: {{path: {job.folder}/facts.jsonl}}}}
retention: {{classes: {{all: {{days: 1, destinations: [sink]}}}}}}
errors: {{facts: {{destinations: [facts]}}}}
telemetry: {{metrics_interval: null, log_level: warning}}
"""
        )
        return [sys.executable, "-m", "errorplane.cli", "processor", "--policy", str(policy)]

    return command


def floor(job: Job) -> Sequence[str]:
    """The command of the floor."""
    return [sys.executable, "-m", "tests.bench.floor", str(job.port)]


FULL = Contender(
    "collector-full", "Collector: redaction + tail_sampling", collector(["redaction", "tail_sampling"]), "collector"
)
TAIL = Contender("collector-tail", "Collector: tail_sampling", collector(["tail_sampling"]), "collector", redacts=False)
OURS = Contender("errorplane-nine", "errorplane, nine detectors", errorplane(NINE), "errorplane", counts=True)
DEFAULT = Contender(
    "errorplane-default", "errorplane, all default detectors", errorplane(None), "errorplane", counts=True
)
FLOOR = Contender("floor", "floor: receive, scan, walk, compress", floor, "floor", sends=False)
CONTENDERS = (FULL, TAIL, OURS, DEFAULT)
