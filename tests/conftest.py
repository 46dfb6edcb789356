"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from errorplane.hooks import GUARD

try:
    from hypothesis import settings
except ModuleNotFoundError:  # in the environments of tests/compat, which have no more than an application
    pass
else:
    # A machine may be busy: what takes too long is the matter of tests that measure it.
    settings.register_profile("busy", parent=settings(), deadline=None)
    settings.load_profile("busy")


@pytest.fixture
def swallowing() -> Iterator[None]:
    """Failures of ours are counted, as in an application, and not raised as in a test."""
    GUARD.reraise = False
    yield
    GUARD.reraise = None
    GUARD.forget()
