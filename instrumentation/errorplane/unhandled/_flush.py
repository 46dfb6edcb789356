"""Send what waits, where OpenTelemetry does not do so itself: in time, whatever the endpoint does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from errorplane.hooks._guard import GUARD

_MILLIS: Final = 1000.0


def flush_all(providers: Iterable[Any], seconds: float, clock: Callable[[], float] = time.monotonic) -> bool:
    """Flush each provider in a thread of its own; False if some did not get done within `seconds`.

    What is not done by then goes on behind the caller's back, for as long as the process lives.
    """
    deadline = clock() + seconds
    started = [thread for provider in providers if (thread := _start(provider, seconds)) is not None]
    for thread in started:
        thread.join(max(0.0, deadline - clock()))
    return not any(thread.is_alive() for thread in started)


def _start(provider: Any, seconds: float) -> threading.Thread | None:
    # The time allowed is not enough of a bound: the SDK's batch processors do not look at it.
    thread = threading.Thread(
        target=GUARD.run, args=("flush", _flush, provider, seconds), name="errorplane-flush", daemon=True
    )
    try:
        thread.start()
    except RuntimeError:  # the interpreter has begun to end; the SDK's own threads, which exist, do what they can
        return None
    return thread


def _flush(provider: Any, seconds: float) -> None:
    provider.force_flush(int(seconds * _MILLIS))
