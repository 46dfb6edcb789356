"""Ids that are the same in every run."""

from __future__ import annotations

import random

from opentelemetry.sdk.trace.id_generator import IdGenerator


class SeededIds(IdGenerator):
    """Error ids (by calling it), and trace and span ids (as the SDK's `id_generator`), all from one seed.

    >>> SeededIds(1)() == SeededIds(1)(), SeededIds(1)() == SeededIds(2)()
    (True, False)
    """

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)

    def __call__(self) -> str:
        """32 hex digits, for `errorplane.hooks.attach(new_id=...)`."""
        return f"{self._id(128):032x}"

    def generate_trace_id(self) -> int:
        return self._id(128)

    def generate_span_id(self) -> int:
        return self._id(64)

    def _id(self, bits: int) -> int:
        return self._random.getrandbits(bits) or 1  # zero is no valid id
