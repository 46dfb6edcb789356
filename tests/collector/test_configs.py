"""The deployable Collector configurations: valid for the built binary, safe in what they listen on and write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support import collector_tools as tools

NAMES = ("agent", "balancer", "gateway", "attach", "metrics")
_VARIABLE = re.compile(r"\$\{env:\w+:-([^}]*)\}")


def config(name: str) -> dict[str, Any]:
    """A configuration as the Collector sees it when no variable is set."""
    text = (tools.CONFIGS / f"{name}.yaml").read_text()
    loaded: dict[str, Any] = yaml.safe_load(_VARIABLE.sub(lambda found: found[1], text))
    return loaded


@pytest.mark.e2e
@pytest.mark.parametrize("name", NAMES)
def test_the_built_collector_finds_it_valid(name: str) -> None:
    """`otelcol validate` accepts each configuration without any variable set."""
    result = tools.validate(tools.CONFIGS / f"{name}.yaml")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("receivers: [host_metrics]", "receivers: [hostmetrics]", "hostmetrics"),
        ("max_elapsed_time: 0s", "max_elapsed_time: soon", "max_elapsed_time"),
        ("type: recombine", "type: glue", "glue"),
    ],
)
def test_a_broken_configuration_is_refused_by_name(tmp_path: Path, old: str, new: str, named: str) -> None:
    """`otelcol validate` says which part is wrong: an unknown component, a bad value, an unknown operator."""
    text = (tools.CONFIGS / "agent.yaml").read_text()
    assert old in text
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace(old, new))
    result = tools.validate(broken)
    assert result.returncode != 0
    assert named in result.stderr


@pytest.mark.parametrize(
    ("name", "addresses"), [("agent", {"127.0.0.1:4317"}), ("attach", {"127.0.0.1:4317"}), ("balancer", {"127.0.0.1"})]
)
def test_nothing_before_errorplane_writes_to_disk(name: str, addresses: set[str]) -> None:
    """No storage, and no exporter but errorplane's in any pipeline that takes raw telemetry."""
    parts = config(name)
    assert [extension for extension in parts["extensions"] if "storage" in extension] == []
    assert not re.search(r"^\s*storage:", (tools.CONFIGS / f"{name}.yaml").read_text(), re.MULTILINE)
    raw = {
        pipeline: parts["exporters"][exporter]
        for pipeline, stages in parts["service"]["pipelines"].items()
        if "from_errorplane" not in pipeline
        for exporter in stages["exporters"]
    }
    assert raw
    assert {_address(exporter) for exporter in raw.values()} == addresses


def test_the_balancer_waits_for_the_processors_and_never_gives_up_by_itself() -> None:
    """Each of its queues answers with what became of the data; each inner retry ends, so that the outer one can."""
    for exporter in config("balancer")["exporters"].values():
        inner = exporter["protocol"]["otlp"]
        queues = [inner["sending_queue"], *filter(None, [exporter.get("sending_queue")])]
        assert [queue["wait_for_result"] and queue["block_on_overflow"] for queue in queues] == [True] * len(queues)
        assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s"
        assert inner["retry_on_failure"]["max_elapsed_time"] == "5s"
        assert exporter["resolver"]["dns"]["hostname"] == "127.0.0.1"


def test_attach_never_sends_back_what_came_from_errorplane() -> None:
    """A pipeline fed from errorplane ends in the existing exporters, else telemetry would go round for ever."""
    parts = config("attach")["service"]["pipelines"]
    returning = {name: stages for name, stages in parts.items() if "otlp/from_errorplane" in stages["receivers"]}
    assert sorted(returning) == ["logs/from_errorplane", "metrics/from_errorplane", "traces/from_errorplane"]
    assert all(stages["exporters"] == ["file"] for stages in returning.values())


@pytest.mark.parametrize("name", NAMES)
def test_it_listens_on_loopback_until_told_otherwise(name: str) -> None:
    """Every listening address is on loopback, and a variable overrides each."""
    parts = config(name)
    addresses = [protocol["endpoint"] for receiver in parts["receivers"].values() for protocol in _protocols(receiver)]
    addresses += [extension["endpoint"] for extension in parts["extensions"].values() if "endpoint" in extension]
    assert addresses
    assert [address for address in addresses if not address.startswith("127.0.0.1:")] == []
    literal = yaml.safe_load((tools.CONFIGS / f"{name}.yaml").read_text())
    listening = [p["endpoint"] for receiver in literal["receivers"].values() for p in _protocols(receiver)]
    assert [address for address in listening if not address.startswith("${env:ERRORPLANE_")] == []


def test_all_can_run_beside_errorplane_on_one_machine() -> None:
    """Agent, balancer, gateway and errorplane have no default port in common (agent and attach never run together)."""
    taken = [
        *("127.0.0.1:4317", "127.0.0.1:4318", "127.0.0.1:4319"),
        *(
            p["endpoint"]
            for name in ("agent", "balancer", "gateway")
            for r in config(name)["receivers"].values()
            for p in _protocols(r)
        ),
        *(config(name)["extensions"]["health_check"]["endpoint"] for name in ("agent", "balancer", "gateway")),
    ]
    assert len(taken) == len(set(taken))


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_is_described_with_its_default(name: str) -> None:
    """The comment at the top of each file lists every variable that the file reads, with the default in force."""
    text = (tools.CONFIGS / f"{name}.yaml").read_text()
    described = text[: text.index("\nextensions:")]
    for variable, default in re.findall(r"\$\{env:(\w+):-([^}]*)\}", text):
        line = next((line for line in described.splitlines() if re.search(rf"\b{variable}\b", line)), None)
        assert line is not None, f"{variable} is not described"
        assert default in line, f"{variable} is described with another default than {default}"


def test_go_mod_has_the_versions_of_the_manifest() -> None:
    """go.mod requires each module of the manifest at the manifest's version, so that the lock is not stale."""
    manifest = (tools.CONFIGS / "distribution" / "builder.yaml").read_text()
    locked = set(re.findall(r"^\s+(\S+) (v\S+)", (tools.CONFIGS / "distribution" / "go.mod").read_text(), re.MULTILINE))
    wanted = re.findall(r"^\s*- gomod: (\S+) (v\S+)", manifest, re.MULTILINE)
    assert len(wanted) > 20
    assert [module for module in wanted if module not in locked] == []


def _protocols(receiver: dict[str, Any]) -> list[dict[str, Any]]:
    return list(receiver.get("protocols", {}).values())


def _address(exporter: dict[str, Any]) -> str:
    """Where an exporter sends to: its endpoint, or the name of which a balancing one takes all addresses."""
    return str(exporter["endpoint"] if "endpoint" in exporter else exporter["resolver"]["dns"]["hostname"])
