"""Paths as kinds of single values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationInfo

from errorplane.policy._scalars import Scalar, fail


class Location(Scalar):
    """A path; a relative one starts at the folder of the policy file."""

    label = "path"

    def read(self, value: object, info: ValidationInfo) -> Path:
        return Path(self._text(value, info))

    def _text(self, value: object, info: ValidationInfo) -> str:
        if not isinstance(value, (str, Path)):
            fail("want_text", "must be a path")
        text = str(value)
        if not text.strip() or "\x00" in text:
            fail("value", "must be a path, not empty")
        if text.startswith("~"):
            fail("value", "must be a path without ~: write it in full, or ${env:HOME}/...")
        return str(info.context["folder"] / text) if info.context else text

    def show(self, value: Any) -> object:
        text = str(value)
        return text if text.startswith(("/", ".")) else f"./{text}"


class Output(Location):
    """A path that keeps its final slash, because with one it names a folder."""

    def read(self, value: object, info: ValidationInfo) -> str:  # type: ignore[override]  # text, see FileTarget
        return self._text(value, info) + ("/" if isinstance(value, str) and value.endswith("/") else "")
