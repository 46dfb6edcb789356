"""Structured logging in the vocabulary of the spans."""

from __future__ import annotations

from errorplane.logs._formatter import JsonFormatter

__all__ = ["JsonFormatter"]
