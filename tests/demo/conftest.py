"""One real run of the demo for all tests that look at what a run leaves behind."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.demo.parts import DURATION_S, Recording

from errorplane.demo._folder import Folder
from errorplane.demo._play import Settings, play
from errorplane.demo._progress import Progress


@pytest.fixture(scope="session")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """A run with the demo's own rules and no Collector; never changed."""
    root = tmp_path_factory.mktemp("demo")
    scratch = root / "scratch"
    scratch.mkdir()
    settings = Settings(None, root / "out", collector=False, duration_s=DURATION_S, seed="1")
    folder = Folder(settings.out)
    with folder.claimed():
        played = play(settings, folder, scratch, Progress())
    return Recording(settings, folder, played)


@pytest.fixture
def recording(untouched: Recording, tmp_path: Path) -> Recording:
    """A copy of that run, to tamper with."""
    return untouched.copy_to(tmp_path / "copy")
