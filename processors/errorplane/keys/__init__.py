"""Keys of what errorplane writes to disk: one provider for all of them.

A key comes from a file (generated when missing), an environment variable, a command or a plug-in: an entry point in
the group ``errorplane_keys`` that takes the purpose and returns 32 bytes. Each purpose has its own key, derived from
its source.
"""

from __future__ import annotations

from errorplane.keys._derive import derive
from errorplane.keys._ephemeral import EphemeralKeys
from errorplane.keys._errors import KeyUnavailable
from errorplane.keys._key import Key, KeyProvider
from errorplane.keys._provider import SourceProvider, from_policy
from errorplane.keys._seal import Opener, Sealer, SealError, key_id, write_pair

__all__ = [
    "EphemeralKeys",
    "Key",
    "KeyProvider",
    "KeyUnavailable",
    "Opener",
    "SealError",
    "Sealer",
    "SourceProvider",
    "derive",
    "from_policy",
    "key_id",
    "write_pair",
]
