"""The command line of errorplane."""

from __future__ import annotations

from errorplane.cli._main import CommandFailed, add_policy_argument, build_parser, main

__all__ = ["CommandFailed", "add_policy_argument", "build_parser", "main"]
