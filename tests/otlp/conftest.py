"""Fixtures of the tests of receivers and destinations."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.otlp.parts import Certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """PEM files of one authority and of a stranger."""
    folder: Path = tmp_path_factory.mktemp("certificates")
    return Certificates(folder)
