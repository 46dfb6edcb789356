"""Keys of what errorplane writes to disk: one provider for all of them."""

from __future__ import annotations

from errorplane.keys._key import Key, KeyProvider

__all__ = ["Key", "KeyProvider"]
