"""What the tests of logging share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.logs.producers import loguru_alone


@pytest.fixture(autouse=True)
def _loguru() -> Iterator[None]:
    """loguru is one for the whole process: each test finds it without handlers."""
    with loguru_alone():
        yield
