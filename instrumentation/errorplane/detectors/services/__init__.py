"""Keys and tokens of well-known services: the rules of their shapes, and one look for all of them.

Knows nothing of detectors; ``errorplane.detectors.secrets`` makes one of each entity.
"""

from __future__ import annotations

__all__: list[str] = []
