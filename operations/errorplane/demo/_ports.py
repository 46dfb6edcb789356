"""Free ports of loopback."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterable

from errorplane.cli import CommandFailed

# Below the range from which Linux picks for outgoing connections, which would take them away again.
_LOW, _HIGH = 20_000, 32_000
# Where configurations expect an OTLP server (14317, 24318, ...): a client of somebody else would come to the demo.
_EXPECTED = {4317, 4318, 4319}
_TRIES = 500


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A port for each name that nobody listens on now; raises ``CommandFailed`` when there is none."""
    found: dict[str, int] = {}
    for name in names:
        for _ in range(_TRIES):
            port = random.randrange(_LOW, _HIGH)
            if port % 10_000 not in _EXPECTED and port not in found.values() and _is_free(port):
                found[name] = port
                break
        else:
            raise CommandFailed(f"no free port between {_LOW} and {_HIGH} on 127.0.0.1")
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return True
    return False
