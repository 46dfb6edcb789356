"""How a text is read before anything is looked for in it: folded, unescaped, decoded, as shapes, as values.

Knows nothing of detectors.
"""

from __future__ import annotations

__all__: list[str] = []
