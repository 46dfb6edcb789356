"""A scanner with the default detectors, built once."""

from __future__ import annotations

import pytest

from errorplane.scan import Checker, checker_of


@pytest.fixture(scope="session")
def checker() -> Checker:
    """What looks at strings where there is no policy."""
    return checker_of(None)
