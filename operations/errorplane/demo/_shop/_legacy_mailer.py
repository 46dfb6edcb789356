"""legacy-mailer: a program from before OpenTelemetry. It only prints, to a file that the Collector's agent follows."""

from __future__ import annotations

import sys
import time
import traceback
from datetime import UTC, datetime

from errorplane.demo._shop._shop import Shop

LETTERS = 8
_EVERY_S = 0.8


class MailboxFull(OSError):
    """A mailbox takes nothing any more."""


def run(shop: Shop) -> None:
    """Write letters: each second one is not delivered. Ends by itself, so that no line is cut in the middle."""
    for number in range(LETTERS):
        if number % 2 == 0:
            _say("INFO", f"sent a letter to {shop.wares.email('printed line')}")
        else:
            bounce(shop)
        time.sleep(_EVERY_S)


def bounce(shop: Shop) -> None:
    """Print a failure the way many programs do: a line, then the traceback."""
    try:
        raise MailboxFull(f"mailbox of {shop.wares.email('printed traceback')} is full")
    except MailboxFull as error:
        key = shop.ledger.note(error)
        _say("ERROR", f"not sent, shop.error.key={key}\n{traceback.format_exc().rstrip()}")


def _say(level: str, text: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC).isoformat(timespec='milliseconds')} {level} mailer {text}\n")
    sys.stdout.flush()
