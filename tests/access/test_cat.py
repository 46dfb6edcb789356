"""What ``errorplane cat`` shows, and what it leaves in the audit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.otlp.parts import sample

from errorplane.cli import main
from errorplane.keys import from_policy
from errorplane.otlp import SegmentDestination, Signal
from errorplane.policy import load

POLICY = """
version: 1
destinations: {archive: {file: {path: ./out/, encrypt: true}}}
retention: {classes: {audit: {days: 400}}}
"""


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one sealed segment of a policy's destination; it is also where the test works."""
    monkeypatch.chdir(tmp_path)
    Path("errorplane.yaml").write_text(POLICY)
    policy = load(Path("errorplane.yaml"))
    keys = from_policy(policy)
    destination = SegmentDestination("archive", tmp_path / "out", {"audit": 400}, lambda: keys.key("segments"))
    destination.send(Signal.TRACES, "audit", sample(Signal.TRACES), 1)
    destination.close()
    return Path("out")


def test_a_sealed_segment_is_opened_and_its_reader_recorded(
    sealed: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """What lies there encrypted is printed; the audit names the file so that no working folder must be known."""
    (segment,) = sealed.rglob("*.jsonl.enc")
    assert b"resourceSpans" not in segment.read_bytes()
    assert main(["cat", str(sealed)]) == 0
    assert b"resourceSpans" in capfdbinary.readouterr().out
    (line,) = Path("data/audit.jsonl").read_text().splitlines()
    record = json.loads(line)
    assert (record["action"], record["resource"], record["allowed"]) == (
        "error-data.read",
        str(segment.resolve()),
        True,
    )
