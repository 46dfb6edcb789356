"""The documentation says what is true: snippets run, links lead somewhere, generated pages are current."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from tests.docs.pages import PAGES, ROOT, Block, all_blocks, blocks, commands, here, words_of
from tests.instrumentation.sink import Sink, attributes
from tests.support.processor_tools import run_processor

from errorplane.cli import build_parser
from errorplane.keys import write_pair
from errorplane.policy import load

_LINK = re.compile(r"\]\((?!https?://)(?P<file>[^)#]*)(?:#(?P<heading>[^)]+))?\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_APP = """
from opentelemetry import trace
with trace.get_tracer("shop").start_as_current_span("checkout") as span:
    span.record_exception(TimeoutError("no answer"))
"""
_RUN_FROM_THE_PAGE = ("opentelemetry-instrument", "errorplane", "python")
_ELSEWHERE = ("make", "pip", "opentelemetry-bootstrap", ".ci/run")
_PAGES_WITH_COMMANDS = [page for page in PAGES if commands(page)]


def _of(block: Block) -> str:
    return block.where


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("block", [block for block in all_blocks("yaml") if block.is_policy], ids=_of)
def test_policies_in_the_documentation_are_valid(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every YAML block that is a policy loads, beside the keys and the shadow policy that pages name."""
    monkeypatch.setenv("ERRORPLANE_JOURNAL_KEY", "00" * 32)
    write_pair(tmp_path / "keys")
    (tmp_path / "candidate.yaml").write_text("version: 1\n")
    path = tmp_path / "errorplane.yaml"
    path.write_text(block.text)
    assert load(path).version == 1


@pytest.mark.parametrize("block", [block for block in all_blocks("yaml") if not block.is_policy], ids=_of)
def test_parts_of_a_collector_are_those_of_a_tested_one(block: Block) -> None:
    """Every other YAML block is a part of `attach.yaml` or `balancer.yaml`: same components, pipelines, values."""
    folder = ROOT / "collector-config"
    wholes = [yaml.safe_load((folder / name).read_text()) for name in ("attach.yaml", "balancer.yaml")]
    assert min((_differences(yaml.safe_load(block.text), whole, "") for whole in wholes), key=len) == []


def _differences(part: Any, whole: Any, path: str) -> list[str]:
    if isinstance(part, dict) and isinstance(whole, dict):
        return [
            found
            for key, value in part.items()
            for found in ([f"{path}{key}"] if key not in whole else _differences(value, whole[key], f"{path}{key}."))
        ]
    default = re.sub(r"\$\{env:\w+:-([^}]*)\}", r"\1", whole) if isinstance(whole, str) else whole
    return [] if part == default or str(part).lower() == default else [f"{path}: {part!r} is not {default!r}"]


@pytest.mark.parametrize("block", [block for block in all_blocks("python") if not block.title], ids=_of)
def test_python_in_the_documentation_runs(block: Block, tmp_path: Path) -> None:
    """Every Python block without a file name runs by itself, without an error."""
    done = subprocess.run(
        [sys.executable, "-c", block.text], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", _PAGES_WITH_COMMANDS, ids=_name)
def test_commands_in_the_documentation_are_known(page: Path) -> None:
    """Every command is run by the next test, or names a target, an extra or a script that exists."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in commands(page):
        first, *others = words_of(command)
        assert first in (*_RUN_FROM_THE_PAGE, *_ELSEWHERE), f"{command}: teach this test to run it"
        if first == "make":
            assert {word for word in others if "=" not in word} <= targets, command
        elif first == "pip":
            for wanted in map(Requirement, others[1:]):
                assert wanted.name == project["name"], command
                assert wanted.extras <= set(project["optional-dependencies"]), command


@pytest.mark.e2e
@pytest.mark.parametrize(
    "page", [page for page in _PAGES_WITH_COMMANDS if page.name not in ("CONTRIBUTING.md", "demo.md")], ids=_name
)
def test_commands_in_the_documentation_run(page: Path, tmp_path: Path) -> None:
    """The commands of a page work one after the other, with the files that the page names or shows."""
    with Sink() as sink:
        _write_files(page, tmp_path, sink)
        for command in commands(page):
            if words_of(command)[:2] == ["errorplane", "processor"]:
                build_parser().parse_args(words_of(command)[1:])
                with run_processor(tmp_path / "errorplane.yaml", env=_environment(sink)):
                    pass
            elif words_of(command)[0] in _RUN_FROM_THE_PAGE:
                _run(command, tmp_path, sink)


def _write_files(page: Path, folder: Path, sink: Sink) -> None:
    """What has a title; where there is no `app.py` a small one, and no `errorplane.yaml` the page's first policy."""
    found = list(blocks(page))
    policies = [block.text for block in found if block.is_policy]
    (folder / "app.py").write_text(_APP)
    (folder / "errorplane.yaml").write_text(here(policies[0] if policies else "version: 1\n", sink.endpoint))
    for block in found:
        if block.title:
            (folder / block.title).write_text(here(block.text, sink.endpoint) if block.is_policy else block.text)


def _environment(sink: Sink) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return {
        **kept,
        "PATH": path,
        "ERRORPLANE_JOURNAL_KEY": "00" * 32,
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint,
    }


def _run(command: str, folder: Path, sink: Sink) -> None:
    """Run it; an instrumented application must have sent an error."""
    done = subprocess.run(
        ["sh", "-ec", command],
        cwd=folder,
        env=_environment(sink),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    if words_of(command)[0] == "opentelemetry-instrument":
        errors = [attributes(span.attributes).get("errorplane.error.kind") for span in sink.spans.values()]
        assert "timeout" in errors, command


@pytest.mark.e2e
def test_what_appears_is_what_the_guide_says(tmp_path: Path) -> None:
    """The tables of the guide to instrumentation, for the application shown there."""
    page = ROOT / "docs" / "guides" / "instrument.md"
    with Sink() as sink:
        _write_files(page, tmp_path, sink)
        _run("OTEL_SERVICE_NAME=shop opentelemetry-instrument python app.py", tmp_path, sink)
        spans, (record,) = sink.spans, sink.logs
    rows = re.findall(r"^\| `(errorplane\.[\w.]+)` \| (?:`([\w-]+)`)?", page.read_text(), re.MULTILINE)
    assert len(rows) == 7
    events = list(spans["reserve"].events)
    assert len(events) == 1
    assert not spans["checkout"].events
    carriers: list[Any] = [*spans.values(), *events, record]
    places = [attributes(each.attributes) for each in carriers]
    for name, value in rows:
        assert len({place[name] for place in places}) == 1, name
        assert not value or value == "v1" or places[0][name] == value, name
    assert record.trace_id == spans["reserve"].trace_id


def test_the_readme_shows_what_a_scan_prints(tmp_path: Path) -> None:
    """The log lines of the README, scanned, are the block below them."""
    page = ROOT / "README.md"
    texts = [block for block in blocks(page) if block.language == "text"]
    lines = next(at for at, block in enumerate(texts) if block.title == "app.log")
    (tmp_path / "app.log").write_text(texts[lines].text)
    command = [sys.executable, "-m", "errorplane.cli", "scan", "app.log"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == texts[lines + 1].text


def test_links_lead_somewhere() -> None:
    """Every relative link in the documentation names a file of the project, and a heading in it if it names one."""
    broken = [
        f"{page.relative_to(ROOT)}: {link[0]}"
        for page in PAGES
        for link in _LINK.finditer(page.read_text())
        if not _leads_somewhere(page, link["file"], link["heading"])
    ]
    assert broken == []


def _leads_somewhere(page: Path, file: str, heading: str | None) -> bool:
    target = page.parent / file if file else page
    return target.exists() and (heading is None or heading in map(_anchor, _HEADING.findall(target.read_text())))


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_the_reference_is_current() -> None:
    """The generated pages are those that the code would write now."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "generate-docs"), "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
