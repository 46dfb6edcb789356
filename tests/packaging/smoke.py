"""Smoke test of built packages: install them into clean environments, away from the sources, and use them.

Usage: python tests/packaging/smoke.py DIST [--constraints LOCK]      DIST: folder with one wheel and one sdist

Two environments: the plain wheel (what an application installs), and the wheel with everything, whose place the sdist
then takes. Each is used from an empty folder with no PYTHONPATH, so that nothing can come from a checkout. Ends with
exit code 1 and the output of the first command that failed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

# What must be importable after `pip install errorplane`, without any extra.
PLAIN_IMPORTS = (
    "errors",
    "context",
    "hooks",
    "distro",
    "doctor",
    "logs",
    "middleware",
    "propagation",
    "settings",
    "unhandled",
    "detectors",
    "testing",
)
# What only the extras bring; each name must be loaded from the environment too.
EXTRA_IMPORTS = (
    "policy",
    "keys",
    "access",
    "disk",
    "otlp",
    "redaction",
    "journal",
    "sampling",
    "pipeline",
    "cli",
    "demo",
)
ENTRY_POINTS = (
    ("opentelemetry_distro", "errorplane"),
    ("opentelemetry_pre_instrument", "errorplane"),
    ("opentelemetry_instrumentor", "errorplane"),
    ("console_scripts", "errorplane"),
)
APPLICATION = """\
import logging
from opentelemetry import trace
with trace.get_tracer("smoke").start_as_current_span("work"):
    try:
        raise ValueError("no such order")
    except ValueError as error:
        trace.get_current_span().record_exception(error)
"""


class SmokeFailed(Exception):
    """A command did not do what it should; the message has its output."""


class Environment:
    """A virtual environment and an empty folder to run it in."""

    def __init__(self, folder: Path, constraints: Path | None) -> None:
        """Make the environment in ``folder``; installs take the versions of ``constraints``."""
        self._folder = folder
        self._constraints = constraints
        self._bin = folder / "venv" / "bin"
        self._empty = folder / "empty"
        self._empty.mkdir(parents=True)
        _run([sys.executable, "-m", "venv", folder / "venv"], self._empty, os.environ)

    def install(self, *requirements: str) -> None:
        """``pip install``."""
        options = ["--constraint", str(self._constraints)] if self._constraints else []
        self.run("python", "-m", "pip", "--disable-pip-version-check", "install", "-q", *options, *requirements)

    def run(self, program: str, *arguments: str, code: int = 0, env: Mapping[str, str] | None = None) -> str:
        """Run a program of the environment; returns its output. Raises SmokeFailed at another exit code."""
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "OTEL_", "ERRORPLANE_", "VIRTUAL_"))
        }
        clean["PATH"] = f"{self._bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return _run([self._bin / program, *arguments], self._empty, {**clean, **(env or {})}, code)

    def write(self, name: str, text: str) -> str:
        """Write a file into the empty folder; returns its path."""
        path = self._empty / name
        path.write_text(text)
        return str(path)


def _run(command: Sequence[str | Path], folder: Path, env: Mapping[str, str], code: int = 0) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    if done.returncode != code:
        shown = " ".join(map(str, command))
        raise SmokeFailed(f"{shown}\nended with {done.returncode} instead of {code}:\n{done.stdout[-4000:]}")
    return done.stdout


def check_contents(wheel: Path, sdist: Path) -> None:
    """The packages hold the four parts, their markers and the licence, and nothing that does not belong in."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    wanted = [
        f"errorplane/{part}/{file}" for part in (*PLAIN_IMPORTS, *EXTRA_IMPORTS) for file in ("__init__.py", "py.typed")
    ]
    _expect(not (missing := sorted(set(wanted) - set(names))), f"the wheel lacks {missing}")
    _expect(any(name.endswith("licenses/LICENSE") for name in names), "the wheel has no licence")
    odd = [
        n for n in names if not re.match(r"errorplane/[a-z_]+/|errorplane-[\w.]+\.dist-info/", n) or n.endswith(".pyc")
    ]
    _expect(not odd, f"the wheel holds what does not belong in: {odd}")
    with tarfile.open(sdist) as archive:
        members = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("pyproject.toml", "LICENSE", "README.md", "collector-config/agent.yaml", "tests/packaging/smoke.py"):
        _expect(name in members, f"the sdist lacks {name}")


def check_plain(environment: Environment, wheel: Path) -> None:
    """An application's install: parts import, OpenTelemetry finds the hooks, the processor says what it lacks."""
    environment.install(str(wheel))
    loads = "".join(f"import errorplane.{part}\n" for part in PLAIN_IMPORTS)
    environment.run("python", "-c", f"{loads}assert errorplane.__file__ is None\n")
    found = environment.run(
        "python",
        "-c",
        "import importlib.metadata as m\nfor e in m.distribution('errorplane').entry_points: e.load(); print(e.group, e.name)",
    )
    for group, name in ENTRY_POINTS:
        _expect(f"{group} {name}" in found, f"entry point {name} of {group} is missing; there are:\n{found}")
    heavy = "import sys, errorplane.hooks, errorplane.errors\nprint([m for m in ('pydantic', 'yaml', 'lmdb') if m in sys.modules])"
    _expect(
        environment.run("python", "-c", heavy).strip() == "[]", "the application side loads the processor's packages"
    )
    application = environment.write("app.py", APPLICATION)
    exporters = {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    output = environment.run("opentelemetry-instrument", "python", application, env=exporters)
    _expect('"errorplane.error.fingerprint": "v1:' in output, f"no fingerprint on the exception's event:\n{output}")
    off = environment.run(
        "opentelemetry-instrument", "python", application, env={**exporters, "ERRORPLANE_ENABLED": "false"}
    )
    _expect("errorplane." not in off, f"ERRORPLANE_ENABLED=false does not switch it off:\n{off}")
    nothing = {f"OTEL_{signal}_EXPORTER": "none" for signal in ("TRACES", "METRICS", "LOGS")}
    for program, *words in (("errorplane", "doctor"), ("python", "-m", "errorplane.doctor")):
        report = environment.run(program, *words, env=nothing)
        _expect("errorplane is attached" in report and "0 errors, 0 warnings" in report, f"the doctor says:\n{report}")
    answer = environment.run("errorplane", "processor", code=2)
    _expect("errorplane[processor]" in answer, f"the processor does not say what to install:\n{answer}")
    _expect("Traceback" not in answer, f"a missing extra ends in a traceback:\n{answer}")


def check_all(environment: Environment) -> None:
    """Everything installed: the command line works, good policies pass, bad ones are explained."""
    loads = "".join(f"import errorplane.{part}\n" for part in (*PLAIN_IMPORTS, *EXTRA_IMPORTS))
    environment.run("python", "-c", loads)
    help_text = environment.run("errorplane", "--help")
    for command in ("processor", "check", "demo"):
        _expect(command in help_text, f"`errorplane --help` does not name {command}:\n{help_text}")
    environment.run("errorplane", "check", environment.write("good.yaml", "version: 1\n"))
    bad = environment.run(
        "errorplane", "check", environment.write("bad.yaml", "version: 1\nlisten: {gprc: x}\n"), code=1
    )
    _expect("bad.yaml:2:" in bad and "gprc" in bad, f"a mistake is not reported with its place:\n{bad}")


def _expect(truth: bool, otherwise: str) -> None:
    if not truth:
        raise SmokeFailed(otherwise)


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    _expect(len(found) == 1, f"{folder} holds {len(found)} files {pattern}, not one")
    return found[0].resolve()


def main(arguments: Sequence[str]) -> int:
    """Run all checks; the exit code."""
    parser = argparse.ArgumentParser(description="Smoke test of the built wheel and sdist.")
    parser.add_argument("dist", type=Path, help="folder with one wheel and one sdist")
    parser.add_argument("--constraints", type=Path, help="versions to install, a file for pip's --constraint")
    options = parser.parse_args(arguments)
    try:
        wheel, sdist = _only(options.dist, "*.whl"), _only(options.dist, "*.tar.gz")
        with tempfile.TemporaryDirectory(prefix="smoke-") as name:
            folder = Path(name)
            constraints = _constraints(options.constraints, folder) if options.constraints else None
            check_contents(wheel, sdist)
            print("smoke: contents of wheel and sdist: ok", flush=True)
            check_plain(Environment(folder / "plain", constraints), wheel)
            print("smoke: plain install, opentelemetry-instrument: ok", flush=True)
            everything = Environment(folder / "all", constraints)
            everything.install(f"errorplane[all] @ {wheel.as_uri()}")
            check_all(everything)
            print("smoke: errorplane[all] from the wheel: ok", flush=True)
            # pip keeps what it builds under the file's path: from here it would install what an earlier run had built.
            everything.install("--force-reinstall", "--no-deps", str(shutil.copy(sdist, folder)))
            check_all(everything)
            print("smoke: errorplane[all] from the sdist: ok", flush=True)
    except SmokeFailed as error:
        print(f"smoke: {error}", file=sys.stderr)
        return 1
    return 0


def _constraints(lock: Path, folder: Path) -> Path:
    """The lock's versions without its hashes, which pip would then demand of the local wheel as well."""
    path = folder / "constraints.txt"
    lines = [line.partition(" \\")[0] for line in lock.read_text().splitlines() if re.match(r"[A-Za-z0-9]", line)]
    path.write_text("\n".join(lines) + "\n")
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
