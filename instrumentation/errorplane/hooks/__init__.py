"""Attach to the OpenTelemetry SDK of the process: whatever distro set it up, and whenever."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from errorplane.context import configure
from errorplane.errors import random_id
from errorplane.hooks._attachment import Attachment, in_force, installed, is_enabled, lock
from errorplane.hooks._callbacks import named, on_error
from errorplane.hooks._emit import reporting_provider, reporting_to
from errorplane.hooks._failures import observe_failures
from errorplane.hooks._guard import GUARD, Guard
from errorplane.hooks._imports import after_import
from errorplane.hooks._lines import keep_lines
from errorplane.hooks._report import report

__all__ = [
    "GUARD",
    "Guard",
    "after_import",
    "attach",
    "detach",
    "hook_states",
    "is_attached",
    "is_enabled",
    "on_error",
    "report",
    "reporting_provider",
    "reporting_to",
]


def attach(*, new_id: Callable[[], str] = random_id, environ: Mapping[str, str] = os.environ) -> None:
    """Hook into the SDK. `opentelemetry-instrument` calls this; without it, call it before anything is traced.

    A second call does nothing, as does any with `ERRORPLANE_ENABLED=false`. Never raises (see `GUARD`).
    """
    GUARD.run("attach", _attach, new_id, environ)


def detach() -> None:
    """Take the hooks out again. Providers keep our processors, which from then on do nothing."""
    with lock:
        for attachment, undo in installed:
            attachment.active = False
            for step in reversed(undo):
                step()
        installed.clear()
        in_force.clear()


def is_attached() -> bool:
    """Whether the hooks are in."""
    return bool(installed)


def hook_states() -> Mapping[str, str]:
    """Each hook that `attach` tried, by name: nothing where it is in force, else what the SDK lacks for it."""
    from errorplane.hooks import _sdk  # as below

    return _sdk.hook_states()


def _attach(new_id: Callable[[], str], environ: Mapping[str, str]) -> None:
    with lock:
        if installed or not is_enabled(environ):
            return
        from errorplane.hooks import _sdk  # a new SDK may break this import, and must not break the application

        configure(environ)
        attachment = Attachment.of(new_id, environ)
        in_force.append(attachment)
        own = [on_error(named(attachment.on_error))] if attachment.on_error else []
        own += [keep_lines(attachment)] if attachment.log_lines else []
        export = GUARD.run("export", _start_export, environ, attachment) or []
        travel = GUARD.run("propagation", _start_propagation, environ, attachment) or []
        unhandled = GUARD.run("unhandled", _start_unhandled, environ) or []
        installed.append((attachment, [*own, *export, *travel, *_sdk.install(attachment), *unhandled]))
        observe_failures()


def _start_export(environ: Mapping[str, str], attachment: Attachment) -> list[Callable[[], None]]:
    from errorplane.export.spans import start  # as above; and it needs this module
    from errorplane.hooks import _sdk

    export = start(environ, _sdk)
    if export is None:
        return []
    attachment.adopters.append(export.adopt)
    return [export.close]


def _start_propagation(environ: Mapping[str, str], attachment: Attachment) -> list[Callable[[], None]]:
    from errorplane import middleware, propagation  # they need this module

    def active() -> bool:
        return attachment.active

    return [*propagation.install(environ, active), *middleware.install(environ, active)]


def _start_unhandled(environ: Mapping[str, str]) -> list[Callable[[], None]]:
    from errorplane import unhandled  # it needs this module

    return [unhandled.install(environ)]
