"""Structured logging in the vocabulary of the spans, whichever library an application logs with."""

from __future__ import annotations

from errorplane.logs._config import SERVER_LOGGERS, dict_config
from errorplane.logs._filter import FORMAT_NAMES, ContextFilter
from errorplane.logs._formatter import JsonFormatter
from errorplane.logs._forward import OpenTelemetrySink
from errorplane.logs._json import LINE_LENGTH, TEXT_LENGTH
from errorplane.logs._line import Options
from errorplane.logs._loguru import LoguruFormat, LoguruSink, loguru_handler
from errorplane.logs._structlog import StructlogRenderer
from errorplane.logs._vocabulary import FIELDS, Field, schema

__all__ = [
    "FIELDS",
    "FORMAT_NAMES",
    "LINE_LENGTH",
    "SERVER_LOGGERS",
    "TEXT_LENGTH",
    "ContextFilter",
    "Field",
    "JsonFormatter",
    "LoguruFormat",
    "LoguruSink",
    "OpenTelemetrySink",
    "Options",
    "StructlogRenderer",
    "dict_config",
    "loguru_handler",
    "schema",
]
