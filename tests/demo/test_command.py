"""What the command says and returns without a run, or with a recorded one."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.demo.parts import Recording, first_only, rewrite
from tests.demo.test_verify import tells_of_an_error
from tests.docs.pages import commands, words_of

from errorplane.cli import build_parser, main
from errorplane.demo import _cast, _collectors, _command
from errorplane.demo._report import print_report

Play = Callable[..., Any]


@pytest.fixture
def replay(untouched: Recording, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., int]:
    """Run the command on the recorded run, after a change to what that wrote; returns the exit status."""

    def run(change: Callable[[Recording], object], *options: str) -> int:
        def play(settings: Any, folder: Any, scratch: Path, progress: Any) -> Any:
            copied = untouched.copy_to(folder.root)
            change(copied)
            return copied.played

        monkeypatch.setattr(_command, "play", play)
        monkeypatch.chdir(tmp_path)
        return main(["demo", "--out", str(tmp_path / "out"), *options])

    return run


@pytest.mark.e2e
def test_an_honest_run_returns_0(replay: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """Progress goes to standard error, the report to standard output."""
    assert replay(lambda run: None) == 0
    said = capsys.readouterr()
    assert "  OK  Every one of" in said.out
    assert "comparing" in said.err
    assert "comparing" not in said.out


@pytest.mark.e2e
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_loss_returns_1(
    options: tuple[str, ...], replay: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """One error's span that is missing in one destination makes exit status 1, and the loss is said."""
    assert replay(lambda run: rewrite(run.audit, first_only(tells_of_an_error)), *options) == 1
    said = capsys.readouterr()
    assert "LOST  " in (said.err if options else said.out)
    assert "not in audit" in (said.err if options else said.out)


@pytest.mark.e2e
def test_a_leak_returns_1(replay: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    """One planted string in the output makes exit status 1; JSON lists it, standard error says where it was."""
    value = ""

    def leak(run: Recording) -> None:
        nonlocal value
        value = run.played.planted[0]["value"]
        with run.audit.open("a") as file:
            file.write(json.dumps({"resourceLogs": [], "x": value}) + "\n")

    assert replay(leak, "--json") == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["redaction"]["leaked"] == [value]
    assert "found in: destination audit" in said.err
    assert value not in said.err


def test_a_policy_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A wrong --policy is a message, and nothing is started or written."""
    assert main(["demo", "--out", str(tmp_path / "out"), "--policy", str(tmp_path / "none.yaml")]) == 1
    assert "none.yaml: there is no such file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_policy_with_mistakes_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The mistakes of the user's policy are reported before anything is started."""
    (tmp_path / "mine.yaml").write_text("version: 1\nsampling: {rulez: []}\n")
    assert main(["demo", "--out", str(tmp_path / "out"), "--policy", str(tmp_path / "mine.yaml")]) == 1
    assert "mine.yaml:2:" in capsys.readouterr().err


def test_the_policy_in_the_working_directory_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without --policy, ./errorplane.yaml counts, and the demo says so."""
    (tmp_path / "errorplane.yaml").write_text("version: 1\nsampling: {rulez: []}\n")
    monkeypatch.chdir(tmp_path)
    assert main(["demo"]) == 1
    said = capsys.readouterr().err
    assert "the rules are those of errorplane.yaml" in said
    assert "errorplane.yaml:2:" in said


@pytest.mark.parametrize("seconds", ["0", "61", "-1", "nan", "soon"])
def test_a_duration_beyond_its_bounds_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Customers come for 1 to 60 seconds."""
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--duration", seconds])
    assert ended.value.code == 2
    assert "--duration" in capsys.readouterr().err


def test_a_missing_opentelemetry_instrument_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without opentelemetry-instrument the demo says what to install, before it starts anything."""
    bare = tmp_path / "python"
    bare.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(bare))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--out", str(tmp_path / "out")]) == 1
    assert "opentelemetry-instrument is missing: pip install 'errorplane[operations]'" in capsys.readouterr().err
    assert not list((tmp_path / "out" / "logs").iterdir())


def test_a_collector_that_is_not_built_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a checkout without a Collector, --collector says how to build it."""
    (tmp_path / "collector-config").mkdir()
    (tmp_path / "collector-config" / "agent.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--out", str(tmp_path / "out"), "--collector"]) == 1
    assert "otelcol is missing: run `make collector`" in capsys.readouterr().err


def test_the_agents_page_says_how_much_it_has_read(tmp_path: Path) -> None:
    """Nobody who answers means that nothing was read yet."""
    assert _collectors.printed_entries("127.0.0.1:9") == 0


class TestNode:
    """The service in another language takes part where it can, and the demo says why where it cannot."""

    def offer(self, folder: Path, says: str, *, installed: bool = True) -> None:
        """A checkout whose Node.js is a program that says ``says`` about its version."""
        packages = folder / ".tools" / "node-shop"
        packages.mkdir(parents=True)
        program = packages / "node"
        program.write_text(f"#!/bin/sh\necho '{says}'\n")
        program.chmod(0o755)
        if installed:
            (packages / ".stamp").touch()

    @pytest.mark.parametrize("version", ["v18.19.0", "v20.6.0", "v20.20.2", "v22.1.0", "v26.0.0-nightly2026"])
    def test_a_new_node_takes_part(self, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Versions for which the instrumentation is made will do."""
        self.offer(tmp_path, version)
        monkeypatch.chdir(tmp_path)
        found = _cast.find_node()
        assert isinstance(found, _cast.Node)
        assert found.program == tmp_path / ".tools" / "node-shop" / "node"

    @pytest.mark.parametrize("version", ["v16.20.2", "v18.18.2", "v19.9.0", "v20.5.1", "", "Segmentation fault"])
    def test_an_old_node_does_not(self, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Older ones, and programs that are no Node.js, are named with what would do."""
        self.offer(tmp_path, version)
        monkeypatch.chdir(tmp_path)
        assert "it takes 18.19, or 20.6 or newer" in str(_cast.find_node())

    def test_half_installed_packages_are_not_used(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Packages count once their installation has come to its end."""
        self.offer(tmp_path, "v22.1.0", installed=False)
        monkeypatch.chdir(tmp_path)
        found = _cast.find_node()
        assert isinstance(found, str) or not found.packages.is_relative_to(tmp_path)


def test_the_shop_does_not_inherit_where_telemetry_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that steer SDKs or proxies are taken away from the shop; the processor keeps those of a policy."""
    given = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://production:4317",
        "ERRORPLANE_ENABLED": "false",
        "HTTPS_PROXY": "http://proxy:3128",
        "no_proxy": "x",
        "HOME": os.environ.get("HOME", "/"),
    }
    assert _cast.environment(given).keys() == {"HOME", "PYTHONUNBUFFERED"}
    assert _cast.without_proxies(given).keys() == {"OTEL_EXPORTER_OTLP_ENDPOINT", "ERRORPLANE_ENABLED", "HOME"}


@pytest.mark.e2e
def test_the_commands_of_the_report_and_of_the_guide_work(
    untouched: Recording, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the report and the guide say to try next prints JSON, checks the policy, and complains about nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    stream = io.StringIO()
    result = untouched.copy_to(tmp_path / "out" / "demo").evaluate()
    print_report(result, 1.0, stream)
    said = [line.strip() for line in stream.getvalue().splitlines()]
    guide = Path(__file__).parents[2] / "docs" / "guides" / "demo.md"
    lines = [*said, *commands(guide)]
    tried = [line for line in lines if " cat --policy" in line or " check --policy" in line]
    assert len(tried) == 4
    for line in tried:
        done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, ""), line
        assert "valid" in done.stdout or json.loads(done.stdout)
    for line in (line for line in commands(guide) if line.startswith("errorplane demo")):
        build_parser().parse_args(words_of(line)[1:])
