"""Masking beside the formatters of others, and with objects of an application that misbehave."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import sys
import threading
import time
from typing import Any

import pytest
import structlog
from structlog.stdlib import ProcessorFormatter
from uvicorn.logging import AccessFormatter

from errorplane.masking import Mask, MaskingFilter, default_mask, mask_event, mask_locals

EMAIL, CARD = "petra.kohl7@firma-beispiel.de", "5105105105105100"


def logger_with(formatter: logging.Formatter) -> tuple[logging.Logger, io.StringIO]:
    """A logger that writes masked lines into a string."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(MaskingFilter(Mask()))
    logger = logging.Logger("shop")  # noqa: LOG001  # not in the tree that pytest listens to
    logger.addHandler(handler)
    return logger, stream


def clean(text: str) -> str:
    """The text, in which no canary may be."""
    assert EMAIL not in text
    assert CARD not in text
    return text


def test_line_of_uvicorn_is_written_with_masked_arguments() -> None:
    """A formatter that takes a record's arguments apart finds as many as were logged, each masked."""
    logger, stream = logger_with(AccessFormatter("%(client_addr)s %(request_line)s %(status_code)s", use_colors=False))
    logger.info('%s - "%s %s HTTP/%s" %d', "203.0.113.77:555", "GET", f"/users?email={EMAIL}", "1.1", 200)
    assert stream.getvalue() == "<IP_ADDRESS>:555 GET /users?email=<EMAIL_ADDRESS> HTTP/1.1 200 OK\n"


def structlog_formatter() -> ProcessorFormatter:
    """What structlog's own documentation has for applications that use it beside the standard library's logging."""
    return ProcessorFormatter(
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )


def test_event_of_structlog_stays_one_through_the_filter() -> None:
    """An event that structlog hands to logging as a mapping keeps its entries, masked, and its exception, masked."""
    logger, stream = logger_with(structlog_formatter())
    log = structlog.wrap_logger(
        logger, processors=[ProcessorFormatter.wrap_for_formatter], wrapper_class=structlog.stdlib.BoundLogger
    )
    try:
        raise ValueError(EMAIL)
    except ValueError:
        log.exception("refused", user={"card": CARD}, tries=3)
    event = json.loads(clean(stream.getvalue()))
    assert (event["event"], event["user"], event["tries"]) == ("refused", {"card": "<CREDIT_CARD>"}, 3)
    assert event["exception"].endswith("ValueError: <EMAIL_ADDRESS>")


def test_event_goes_among_the_processors_of_a_formatter() -> None:
    """There ``mask_event`` sees the lines of the standard library too, with their exceptions."""
    formatter = ProcessorFormatter(
        processors=[ProcessorFormatter.remove_processors_meta, mask_event, structlog.processors.JSONRenderer()]
    )
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.Logger("shop")  # noqa: LOG001  # see above
    logger.addHandler(handler)
    try:
        raise ValueError(EMAIL)
    except ValueError:
        logger.exception("refused %s", CARD)
    event = json.loads(clean(stream.getvalue()))
    assert event["event"] == "refused <CREDIT_CARD>"
    assert event["exception"].endswith("ValueError: <EMAIL_ADDRESS>")


def test_names_that_an_application_makes_up_are_masked() -> None:
    """A thread, a logger and, where Python has them in records, a task that are named after a user are not written so."""
    logger, stream = logger_with(logging.Formatter("%(name)s %(threadName)s %(message)s"))
    logger.name = f"user.{EMAIL}"
    thread = threading.Thread(target=logger.warning, args=("gone",), name=f"sync-{EMAIL}")
    thread.start()
    thread.join(10)
    assert clean(stream.getvalue()).endswith("gone\n")
    if sys.version_info >= (3, 12):
        logger, stream = logger_with(logging.Formatter("%(taskName)s %(message)s"))

        async def report() -> None:
            logger.warning("gone")

        async def run() -> None:
            await asyncio.create_task(report(), name=f"sync-{EMAIL}")

        asyncio.run(run())
        assert clean(stream.getvalue()).endswith("gone\n")


class Lying:
    """An object that does not even say what it is."""

    @property  # type: ignore[misc]  # that it fails is what is tested
    def __class__(self) -> Any:
        raise RuntimeError(EMAIL)


def test_record_that_cannot_be_masked_is_written_without_what_it_holds(swallowing: None) -> None:
    """A message of which nothing can be asked costs the line's content and raises nothing into the application."""
    logger, stream = logger_with(logging.Formatter("%(levelname)s %(message)s"))
    logger.warning(Lying())
    assert clean(stream.getvalue()) == "WARNING [QUARANTINED:error]\n"


def test_settings_that_cannot_be_read_withhold_events_and_variables(
    swallowing: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no mask can be made, nothing of an event or a frame is shown, and nothing is raised into the application."""
    monkeypatch.setenv("ERRORPLANE_SETTINGS", "/does/not/exist.json")
    default_mask.cache_clear()
    try:
        assert mask_event(None, "info", {"event": EMAIL}) == {"event": "[QUARANTINED:error]"}
        assert mask_locals({"mail": EMAIL}) == {}
    finally:
        default_mask.cache_clear()


class Hostile(str):
    """A text whose methods fail."""

    __slots__ = ()

    def __len__(self) -> int:
        raise RuntimeError(EMAIL)

    __str__ = __getitem__ = __len__  # type: ignore[assignment]  # see above


def test_variables_that_misbehave_are_withheld_alone() -> None:
    """One variable of which nothing can be asked leaves the others as they are."""
    shown = mask_locals({"text": Hostile(EMAIL), "lying": Lying(), "tries": 3}, Mask())
    assert shown == {"text": "<EMAIL_ADDRESS>", "lying": "[QUARANTINED:error]", "tries": "3"}


def test_large_variables_hold_nothing_up() -> None:
    """Frames full of large lists and buffers are shown within a second of CPU: what is not shown is not looked at."""
    rows = {f"rows{n}": [[f"row {n} {i} {j} of user {i * j}" for i in range(200)] for j in range(50)] for n in range(8)}
    buffers = {f"buffer{n}": bytes(20_000_000) for n in range(8)}
    texts = {f"texts{n}": ["some words " * 20_000] * 20 for n in range(8)}
    start = time.process_time()
    shown = mask_locals({**rows, **buffers, **texts}, Mask())
    assert time.process_time() - start < 1.0
    assert shown["rows0"].startswith("[['row 0 0 0 of user 0',")
    assert shown["buffer0"].startswith("b'\\x00")


@pytest.mark.parametrize("shape", [lambda text: text, lambda text: [text], lambda text: text.encode()])
def test_number_at_the_end_of_what_is_looked_at_is_not_shown_in_part(shape: Any) -> None:
    """Where a long secret before it is hidden, a card number that the cut halves would come into what is shown."""
    parts = ('{"alg":"HS256","typ":"JWT"}', '{"sub":"' + "x" * 640 + '"}', "signature of it, which is long enough")
    token = ".".join(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts)
    for before in range(1024 - len(token) - 20, 1024 - len(token) - 4):
        text = f"{token} {'. ' * (before // 2)}{CARD}{' ' * 100}"
        shown = mask_locals({"value": shape(text)}, Mask())["value"]
        assert "<JWT>" in shown
        assert CARD[:4] not in shown
