"""The helper that runs Collectors fails loudly, and the build script says what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import collector_tools as tools


def test_a_missing_binary_fails_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that needs a Collector does not skip where there is none."""
    monkeypatch.setattr(tools, "TOOLS", tmp_path)
    with pytest.raises(AssertionError, match="run `make collector`"):
        tools.tool("otelcol")


@pytest.mark.e2e
def test_a_collector_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    """A configuration that cannot start fails the test right away, not at the health check's deadline."""
    text = (tools.CONFIGS / "gateway.yaml").read_text()
    broken = tmp_path / "broken.yaml"
    broken.write_text(text.replace("receivers: [otlp]", "receivers: [nope]"))
    with pytest.raises(tools.CollectorFailed, match=r"ended with 1[\s\S]*nope"), tools.run_collector(broken, tmp_path):
        pytest.fail("it started")


@pytest.mark.e2e
def test_no_process_is_left_behind_when_a_test_fails(tmp_path: Path) -> None:
    """The Collector is dead after its block, however the block ends."""

    def fail() -> None:
        with tools.run_collector(tools.CONFIGS / "gateway.yaml", tmp_path) as gateway:
            running.append(gateway)
            raise LookupError("the test's own failure")

    running: list[tools.Collector] = []
    with pytest.raises(LookupError):
        fail()
    assert running[0].process.poll() is not None


def build(folder: Path, path: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a copy of the build script in ``folder`` with another PATH and no package registry."""
    shutil.copytree(tools.CONFIGS / "distribution", folder / "collector-config" / "distribution", dirs_exist_ok=True)
    (folder / "scripts").mkdir(exist_ok=True)
    shutil.copy(tools.ROOT / "scripts" / "build-collector", folder / "scripts")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    command: list[str | Path] = [sys.executable, folder / "scripts" / "build-collector"]
    return subprocess.run(
        command,
        env={**kept, "PATH": path, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, **env},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def test_the_build_says_that_go_is_missing(tmp_path: Path) -> None:
    """A Go that is too old is passed over by name; with no registry either, one message says what to do."""
    old = tmp_path / "old"
    old.mkdir()
    (old / "go").write_text("#!/bin/sh\necho go version go1.19.8 linux/amd64\n")
    (old / "go").chmod(0o755)
    result = build(tmp_path, f"{old}:/usr/bin:/bin")
    assert f"{old}/go is no Go 1.26.0 or newer" in result.stdout
    assert result.returncode == 1
    assert "The Collector is built with Go 1.26.0 or newer." in result.stderr
    assert "Install Go, put it on PATH, then run `make collector` again." in result.stderr
    assert "Traceback" not in result.stderr
