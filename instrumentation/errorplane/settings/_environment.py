"""The environment as the application has it: its variables, and before them what a configuration file says."""

from __future__ import annotations

import os
import re
from collections import ChainMap
from collections.abc import Mapping
from typing import Final

_from_file: Final[dict[str, str]] = {}
_SECRET: Final = re.compile(r"(_KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|HEADERS|_DSN|CONNECTION_STRING)$")


def environment() -> Mapping[str, str]:
    """What holds now: values of `OTEL_CONFIG_FILE` before those of `os.environ`."""
    return ChainMap(_from_file, os.environ) if _from_file else os.environ


def prefer(values: Mapping[str, str]) -> None:
    """Let these values, by names of variables, stand before those of `os.environ`, in place of earlier ones."""
    _from_file.clear()
    _from_file.update(values)


def is_secret(name: str) -> bool:
    """Whether the value of a variable of this name is not to be shown.

    >>> is_secret("OTEL_EXPORTER_OTLP_HEADERS"), is_secret("ERRORPLANE_BAGGAGE_KEYS")
    (True, False)
    """
    return _SECRET.search(name.upper()) is not None
