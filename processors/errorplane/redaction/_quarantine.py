"""What stands in place of a text that could not be looked at."""

from __future__ import annotations

from collections.abc import Callable

Seal = Callable[[bytes], str]
"""From bytes to ``enc_<kid>_<base64url>``, which only the holder of a private key can open."""

DEPTH, SIZE, DEADLINE, ENCODING, ERROR = "depth", "size", "deadline", "encoding", "error"
"""Too many values in each other, too long a text, too late, no UTF-8, a fault of a detector."""


def withheld(reason: str, original: bytes, seal: Seal | None) -> str:
    """``[QUARANTINED:reason]``, or with the sealed original in it ``[QUARANTINED:reason:enc_<kid>_<base64url>]``.

    An original that cannot be sealed is discarded.
    """
    if seal is None:
        return f"[QUARANTINED:{reason}]"
    try:
        return f"[QUARANTINED:{reason}:{seal(original)}]"
    except Exception:  # noqa: BLE001  # the boundary: whatever is wrong with sealing, the text is withheld
        return f"[QUARANTINED:{reason}]"
