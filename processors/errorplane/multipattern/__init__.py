"""Many expressions looked for in raw bytes at once, by Hyperscan: for the redactor's gate and for sampling's conditions."""

from __future__ import annotations

from errorplane.multipattern._scanner import Scanner, compile_database

__all__ = ["Scanner", "compile_database"]
