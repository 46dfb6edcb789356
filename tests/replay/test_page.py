"""The guide to decisions shows what the commands print."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.pages import ROOT, blocks, here
from tests.otlp.clients import JSON, request
from tests.support.collector_tools import wait_until
from tests.support.processor_tools import run_processor

PAGE = ROOT / "docs" / "guides" / "decisions.md"
BLOCKS = {block.title: block.text for block in blocks(PAGE) if block.title}
LISTEN = "listen: {grpc: null, http: 127.0.0.1:0, admin: 127.0.0.1:0}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that the page shows."""
    for name in ("errorplane.yaml", "candidate.yaml", "traces.jsonl"):
        (tmp_path / name).write_text(BLOCKS[name])
    return tmp_path


def errorplane(folder: Path, *words: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "errorplane.cli", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_page_shows_what_a_replay_prints(folder: Path) -> None:
    """The tables of the page are those of its recording and its policies."""
    words = ("replay", "--policy", "candidate.yaml", "--against", "errorplane.yaml", "traces.jsonl")
    assert errorplane(folder, *words) == BLOCKS["replay"]


def test_the_page_shows_why(folder: Path) -> None:
    """The explanation of the page is that of its trace, sent to a processor with its policy, but for the time."""
    policy = folder / "errorplane.yaml"
    policy.write_text(
        here(BLOCKS["errorplane.yaml"].replace("sampling:", "sampling:\n  decision_wait: 100ms") + LISTEN, "")
    )
    with run_processor(policy) as processor:
        for line in BLOCKS["traces.jsonl"].splitlines():
            answer = request(processor.addresses["OTLP/HTTP"], line.encode(), "/v1/traces", kind=JSON)
            assert answer.code == 200, answer.body
        wait_until(lambda: processor.stats()["traces"]["kept"], "the verdict", 20.0)
    shown = errorplane(folder, "why", "4bf92f3577b34da6a3ce929d0e0e4736")
    moment = re.compile(r"20\d\d-[-0-9T:.]+Z")
    assert moment.sub("TIME", shown) == moment.sub("TIME", BLOCKS["why"])
