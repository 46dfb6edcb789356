"""The application's side on the oldest and on the newest Python and OpenTelemetry that it supports.

Each in an environment of its own that holds OpenTelemetry and nothing else that an application may lack.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from packaging.requirements import Requirement

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OLDEST: Final = PROJECT["requires-python"].removeprefix(">=")
NEWEST: Final = "3.15"
INSTRUMENTATION: Final = [
    requirement for requirement in map(Requirement, PROJECT["dependencies"]) if "exporter" not in requirement.name
]
CORE: Final = (
    "tests/compat/test_private_parts.py",
    "tests/doctor/test_code.py",
    "tests/instrumentation/test_events.py",
    "tests/instrumentation/test_hooks.py",
    "tests/instrumentation/test_settings.py",
    "tests/instrumentation/test_unhandled.py",
)
APP: Final = ROOT / "tests" / "instrumentation" / "app.py"


class Environment(NamedTuple):
    """A folder with a Python of its own."""

    folder: Path

    @property
    def python(self) -> str:
        return str(self.folder / "bin" / "python")

    def run(self, *words: str, **more: str) -> str:
        """The output of a command, whose errors fail the test."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        path = os.pathsep.join((str(self.folder / "bin"), os.environ["PATH"]))
        return run(words, {**kept, "PATH": path, **more}, 110)


def run(words: tuple[str, ...], env: Mapping[str, str], limit_s: float) -> str:
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=limit_s, check=False)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout[-8000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def make(folder: Path, version: str, pip: Path, exact: bool) -> Environment:
    """An environment with the application's side of this checkout, its entry points, and a test runner."""
    python = run((sys.executable, str(ROOT / "scripts" / "install-python"), version), os.environ, 110).strip()
    run((python, "-m", "venv", "--without-pip", str(folder)), os.environ, 60)
    environment = Environment(folder)
    wanted = [_oldest(each) if exact else each.name for each in INSTRUMENTATION]
    installing = (environment.python, f"{pip}/pip", "install", "-q", "--no-compile", "--disable-pip-version-check")
    run((*installing, *wanted, "pytest", "pytest-timeout"), os.environ, 110)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "errorplane.pth").write_text(f"{ROOT / 'instrumentation'}\n{ROOT}\n")
    (described,) = Path(sysconfig.get_paths()["purelib"]).glob("errorplane-*.dist-info")
    shutil.copytree(described, site / described.name)
    return environment


def _oldest(requirement: Requirement) -> str:
    (specifier,) = [each for each in requirement.specifier if each.operator == ">="]
    return f"{requirement.name}=={specifier.version}"


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Environment]:
    """Both, made at the same time. A pip that knows the newest Python is fetched first; it runs out of its wheel."""
    folder = tmp_path_factory.mktemp("versions")
    run((sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), "pip"), os.environ, 110)
    (pip,) = folder.glob("pip-*.whl")
    with ThreadPoolExecutor() as threads:
        oldest = threads.submit(make, folder / "oldest", OLDEST, pip, True)
        newest = threads.submit(make, folder / "newest", NEWEST, pip, False)
        return {"oldest": oldest.result(), "newest": newest.result()}


@pytest.mark.e2e
@pytest.mark.timeout(300)  # the first one makes the environments
@pytest.mark.parametrize("which", ["oldest", "newest"])
def test_the_hooks_work(which: str, environments: dict[str, Environment]) -> None:
    """The core of their tests passes, each of our hooks finds its part of the SDK, and an application is attached."""
    environment = environments[which]
    options = ("-q", "-p", "no:cacheprovider", "-o", "filterwarnings=")
    assert " passed" in environment.run(environment.python, "-m", "pytest", *options, *CORE)
    none = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("METRICS", "LOGS")}
    exported = environment.run(
        "opentelemetry-instrument", environment.python, str(APP), **none, OTEL_TRACES_EXPORTER="console"
    )
    assert len(re.findall(r'"errorplane.error.fingerprint": "v1:', exported)) == 4  # three spans and one event
    report = environment.run(environment.python, "-m", "errorplane.doctor", **none, OTEL_TRACES_EXPORTER="none")
    assert re.search(r"hooks +\d+ in force, 0 off, 0 failures", report), report
    print(report.splitlines()[0])


@pytest.mark.timeout(300)  # as above
def test_the_environments_are_what_they_are_called(environments: dict[str, Environment]) -> None:
    """The oldest that pyproject.toml allows, and the newest Python with an OpenTelemetry that is no older than ours."""
    code = "import sys, importlib.metadata as m; print('%d.%d' % sys.version_info[:2], m.version('opentelemetry-sdk'))"
    versions = {name: each.run(each.python, "-c", code).split() for name, each in environments.items()}
    assert versions["oldest"] == [OLDEST, "1.44.0"]
    assert versions["newest"][0] == NEWEST
    assert tuple(map(int, versions["newest"][1].split("."))) >= (1, 45)
