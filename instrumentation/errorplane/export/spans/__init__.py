"""Errors leave the application although head sampling has dropped their traces."""

from __future__ import annotations

from errorplane.export.spans._export import ErrorExport, Insides, Sampling, measure, start
from errorplane.export.spans._sampler import RecordingSampler

__all__ = ["ErrorExport", "Insides", "RecordingSampler", "Sampling", "measure", "start"]
