"""What gunicorn is told beside its command line: to say when a worker can be stopped."""

from __future__ import annotations

from typing import Any


def post_worker_init(worker: Any) -> None:
    """Before this, a worker has the signal handlers of its master, and passes over a SIGTERM."""
    worker.log.info("Ready: %s", worker.pid)
