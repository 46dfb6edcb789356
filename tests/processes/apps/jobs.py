"""A Celery worker whose broker is a folder."""

from __future__ import annotations

import os

from celery import Celery
from opentelemetry import metrics

folder = os.environ.get("JOBS_FOLDER", "jobs")
ours = metrics.get_meter("errorplane.shop").create_counter("errorplane.orders")
theirs = metrics.get_meter("shop").create_counter("shop.orders")
ours.add(1)
theirs.add(1)

app = Celery("jobs", broker="filesystem://")
app.conf.update(
    broker_transport_options={
        "data_folder_in": folder,
        "data_folder_out": folder,
        "control_folder": os.path.join(folder, "control"),
    },
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)


@app.task(name="order")
def order(number: int) -> None:
    """Fails. Celery logs it, and answers nobody."""
    ours.add(1)
    theirs.add(1)
    raise LookupError(f"order {number}")
