"""What a policy asks for and this installation does not have."""

from __future__ import annotations


class ExtraUnavailable(Exception):
    """An extra, a recogniser or a model is missing or cannot be used; the text says what to do. Nothing starts."""
