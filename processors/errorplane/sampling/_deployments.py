"""Which versions of services are new: known by the resource attributes of what they send.

The first version that is seen of a service in an environment is no news, or everything would be new after the first
start; each other one is, from when it is first seen. Bounded: of a service the last 32 versions are remembered, and
of services the first 10,000, beyond which none is new; both are counted.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

_MAX_VERSIONS, _MAX_SERVICES = 32, 10_000
_LONGEST = 256  # characters of a service's name, an environment or a version; longer ones are not remembered


class Deployments:
    """Versions by service and environment, with when each was first seen; safe to use from several threads.

    ``clock`` is Unix time in seconds: what is remembered outlives the process.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], dict[str, float]] = {}
        self._changed = False
        self.forgotten = 0
        """Versions that were forgotten, and sightings of services that could not be remembered."""

    def age(self, service: str, environment: str, version: str) -> float | None:
        """Seconds since a version was first seen; None if it is the first of its service, or not known."""
        versions = self._seen.get((service, environment))
        first = None if versions is None else versions.get(version)
        if first is None:
            if not version or not service:
                return None
            first = self._remember(service, environment, version)
        return None if first <= 0.0 else max(0.0, self._clock() - first)

    def _remember(self, service: str, environment: str, version: str) -> float:
        """When the version was first seen: now, or 0 for the first of a service and what cannot be remembered."""
        with self._lock:
            versions = self._seen.get((service, environment))
            if versions is not None and version in versions:  # another thread was faster
                return versions[version]
            if max(map(len, (service, environment, version))) > _LONGEST:
                self.forgotten += 1
                return 0.0
            self._changed = True
            if versions is None:
                if len(self._seen) >= _MAX_SERVICES:
                    self.forgotten += 1
                    return 0.0
                self._seen[service, environment] = {version: 0.0}
                return 0.0
            now = self._clock()
            if len(versions) >= _MAX_VERSIONS:
                self.forgotten += 1
                versions = dict(list(versions.items())[1:])
            # A new dictionary: readers without the lock go on with the old one.
            self._seen[service, environment] = {**versions, version: now}
            return now

    def saved_if_changed(self) -> bytes | None:
        """What is remembered, as bytes, if that changed since the last call."""
        with self._lock:
            if not self._changed:
                return None
            self._changed = False
            return json.dumps([[*key, versions] for key, versions in self._seen.items()]).encode()

    def restore(self, saved: bytes) -> None:
        """Remember what ``saved_if_changed`` gave; b"" for nothing. Raises ValueError if it is something else."""
        if not saved:
            return
        try:
            rows: list[Any] = json.loads(saved)
            seen = {
                (str(service), str(environment)): {str(version): float(at) for version, at in versions.items()}
                for service, environment, versions in rows
            }
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError("not a list of services with their versions") from error
        with self._lock:
            self._seen = seen | self._seen
