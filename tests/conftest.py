"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from errorplane.hooks import GUARD


@pytest.fixture
def swallowing() -> Iterator[None]:
    """Failures of ours are counted, as in an application, and not raised as in a test."""
    GUARD.reraise = False
    yield
    GUARD.reraise = None
    GUARD.forget()
