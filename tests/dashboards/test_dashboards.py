"""The dashboards: current, complete, and each query answered by a real Prometheus from a real application's data."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.collector_tools import CONFIGS, ROOT, free_port, run_collector, wait_until
from tests.support.processor_tools import policy, run_processor

from errorplane.dashboards import DASHBOARDS, Query, dashboard_json

RUN = "from opentelemetry.instrumentation.auto_instrumentation import run; run()"
QUERIES = [query for board in DASHBOARDS for row in board.rows for panel in row.panels for query in panel.queries]


def prometheus_tool(name: str) -> str:
    """`prometheus` or `promtool`; a test must fail, not skip."""
    found = shutil.which(name)
    assert found is not None, f"{name} is missing: install Debian's package `prometheus` (.ci/run does)"
    return found


def filled(expression: str) -> str:
    """The expression as Grafana sends it, for all services."""
    return expression.replace("$service", ".*").replace("$__rate_interval", "30s")


class Prometheus:
    """A running one, by its HTTP API."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self._url}{path}?{query}", timeout=10) as response:
            return json.load(response)

    def ready(self) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{self._url}/-/ready", timeout=2) as response:
            return bool(response.status == 200)
        return False

    def ask(self, expression: str) -> list[dict[str, Any]]:
        answer = self.get("/api/v1/query", query=expression)
        assert answer["status"] == "success", answer
        return list(answer["data"]["result"])


@contextlib.contextmanager
def running_prometheus(folder: Path, targets: dict[str, str]) -> Iterator[Prometheus]:
    """Prometheus, scraping these pages each second, by the names of their jobs."""
    config = folder / "prometheus.yml"
    jobs = [
        {"job_name": job, "honor_labels": True, "static_configs": [{"targets": [target]}]}
        for job, target in targets.items()
    ]
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
    port = free_port()
    options = (
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([prometheus_tool("prometheus"), *options], stdout=log, stderr=log)
    try:
        prometheus = Prometheus(port)
        wait_until(prometheus.ready, "Prometheus", 60)
        yield prometheus
    finally:
        process.kill()
        process.wait(30)


@contextlib.contextmanager
def running_app(endpoint: str) -> Iterator[subprocess.Popen[str]]:
    """The shop under `opentelemetry-instrument`, half of whose traces are not sampled."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    env = {
        **kept,
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{endpoint}",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.5",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
        "ERRORPLANE_EXPORT_ERRORS": "true",
        "ERRORPLANE_EXPORT_BURST": "1000",
        "ERRORPLANE_EXPORT_TOTAL_RATE": "1000",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "requests,flask,fastapi,httpx,asgi,wsgi,celery",
    }
    command = [sys.executable, "-c", RUN, sys.executable, str(Path(__file__).with_name("app.py"))]
    process = subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield process
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate(timeout=30)


def serve(app: subprocess.Popen[str]) -> None:
    """One round of requests."""
    assert app.stdin is not None
    assert app.stdout is not None
    app.stdin.write("\n")
    app.stdin.flush()
    assert app.stdout.readline() == "served\n"


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.name)
def test_the_committed_file_is_current(board: Any) -> None:
    """The file in the repository is what the table says: scripts/generate-dashboards."""
    path = CONFIGS / "dashboards" / f"{board.name}.json"
    assert path.read_text(encoding="utf-8") == dashboard_json(board)


def test_the_script_says_what_is_outdated() -> None:
    """With --check nothing is written, and nothing is outdated here."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate-dashboards", "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: board.name)
def test_panels_have_their_own_places_and_numbers(board: Any) -> None:
    """No two panels overlap or share an id, none is wider than the page, and every query names its source."""
    model = json.loads(dashboard_json(board))
    taken: set[tuple[int, int]] = set()
    for panel in model["panels"]:
        grid = panel["gridPos"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & taken
        assert grid["x"] + grid["w"] <= 24
        taken |= cells
        assert all(target["datasource"]["uid"] == "${source}" for target in panel.get("targets", ()))
    assert len({panel["id"] for panel in model["panels"]}) == len(model["panels"])


@pytest.mark.e2e
def test_every_query_is_answered_from_a_real_application(tmp_path: Path) -> None:
    """An application under `opentelemetry-instrument`, a processor, the Collector of metrics.yaml and a Prometheus:
    each query of the dashboards has an answer, the legends' labels are there, and the counts are the right ones."""
    path = policy(tmp_path / "processor", destinations={"metrics": {"file": {"path": "./out.jsonl"}}})
    with contextlib.ExitStack() as stack:
        collector = stack.enter_context(run_collector(CONFIGS / "metrics.yaml", tmp_path / "collector"))
        otlp = {"otlp": {"endpoint": f"http://{collector.address('GRPC')}", "protocol": "grpc"}}
        path = policy(tmp_path / "processor", destinations={"metrics": otlp})
        processor = stack.enter_context(run_processor(path))
        pages = {"applications": collector.address("PAGE_HTTP"), "errorplane": processor.addresses["admin"]}
        prometheus = stack.enter_context(running_prometheus(tmp_path, pages))
        app = stack.enter_context(running_app(processor.grpc))
        rounds = 0

        def unanswered() -> list[Query]:
            nonlocal rounds
            serve(app)
            rounds += 1
            return [query for query in QUERIES if not _answers(prometheus, query)]

        wait_until(lambda: not unanswered(), "answers to all queries", 60, lambda: str(unanswered()))
        declined = 'sum(errorplane_business_errors_total{errorplane_business_code="expired_card"})'
        wait_until(lambda: _value(prometheus, declined) == rounds, f"{rounds} business errors", 30)
        failed = 'sum(errorplane_service_errors_total{error_type="TimeoutError"})'
        wait_until(
            lambda: _value(prometheus, failed) == rounds,
            f"{rounds} errors",
            30,
            lambda: str(_value(prometheus, failed)),
        )
        assert not prometheus.ask('errorplane_service_errors_total{error_type!="TimeoutError"}')
        services = prometheus.get(
            "/api/v1/label/service_name/values",
            **{"match[]": '{__name__=~"errorplane_service_requests_total|errorplane_business_errors_total"}'},
        )
        assert services["data"] == ["shop"]


def _value(prometheus: Prometheus, expression: str) -> float | None:
    found = prometheus.ask(expression)
    return float(found[0]["value"][1]) if found else None


def _answers(prometheus: Prometheus, query: Query) -> bool:
    """Whether there are numbers, under the labels that the legend shows."""
    series = prometheus.ask(filled(query.expression))
    labels = [part.partition("}}")[0] for part in query.legend.split("{{")[1:]]
    return bool(series) and all(
        each["value"][1] not in ("NaN", "+Inf") and all(label in each["metric"] for label in labels) for each in series
    )
