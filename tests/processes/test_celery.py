"""Celery's prefork pool, with a folder as its broker."""

from __future__ import annotations

from pathlib import Path

import pytest
from celery import Celery
from tests.instrumentation.sink import Sink
from tests.processes.servers import assert_told_once, environment, serving

TASKS = range(8)


@pytest.mark.e2e
def test_errors_of_tasks_arrive_once(tmp_path: Path) -> None:
    """From workers that are recycled meanwhile and leave by `os._exit`; Celery logs each error, too."""
    (tmp_path / "control").mkdir()
    sender = Celery("jobs", broker="filesystem://")
    folders = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path)}
    sender.conf.broker_transport_options = {**folders, "control_folder": str(tmp_path / "control")}
    for number in TASKS:
        sender.send_task("order", (number,))
    with Sink() as sink:
        env = environment(
            sink,
            "celery",
            "logging",
            JOBS_FOLDER=str(tmp_path),
            ERRORPLANE_FORK="all",
        )
        with serving(
            env, "-m", "celery", "-A", "jobs", "worker", "-c", "2", "--max-tasks-per-child", "2", "--without-mingle",
            "--without-gossip", "-l", "INFO",
        ) as server:  # fmt: skip
            server.wait_until(lambda said: said.count("raised unexpected") == len(TASKS))
            said = server.stop()
        assert_told_once(sink, TASKS, said)
        for metric in ("errorplane.orders", "shop.orders"):
            assert sum(sink.counts(metric).values()) == len(TASKS) + 1, (
                "the parent, which loaded the application, has 1"
            )
