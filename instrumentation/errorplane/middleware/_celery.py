"""Celery: tasks run with the fields of the message that asked for them.

They are in the message since its producer put them there (`errorplane.propagation`), for brokers that may have them.
"""

from __future__ import annotations

from typing import Any, Final

from errorplane.hooks import GUARD
from errorplane.middleware._serving import serving

_running: Final[dict[str, serving]] = {}


def connect_celery() -> None:
    """Bind the fields of each task that this worker runs. Call it before OpenTelemetry's instrumentation of Celery is
    put in, so that the span of the task has them; a second call changes nothing."""
    from celery.signals import task_postrun, task_prerun

    task_prerun.connect(_begin, weak=False, dispatch_uid="errorplane")
    task_postrun.connect(_end, weak=False, dispatch_uid="errorplane")


def disconnect_celery() -> None:
    """Take that back."""
    from celery.signals import task_postrun, task_prerun

    task_prerun.disconnect(_begin, dispatch_uid="errorplane")
    task_postrun.disconnect(_end, dispatch_uid="errorplane")


def _begin(task_id: str | None = None, task: Any = None, **_: Any) -> None:
    GUARD.run("celery_prerun", _enter, task_id, task)


def _enter(task_id: str | None, task: Any) -> None:
    if task_id is not None and task is not None and not task.request.called_directly:
        around = _running[task_id] = serving(vars(task.request))
        around.__enter__()


def _end(task_id: str | None = None, **_: Any) -> None:
    around = _running.pop(task_id, None) if task_id is not None else None
    if around is not None:
        GUARD.run("celery_postrun", around.__exit__, None, None, None)
