"""A name as semantic conventions write it, and as others do: expressions of gates for both."""

from __future__ import annotations

_SEPARATOR = "[._-]"


def any_spelling(name: str) -> bytes:
    """A gate for a dotted name of lower-case letters, in either case and with other separators.

    >>> any_spelling("db.statement")
    b'(?i)db[._-]statement'
    """
    return b"(?i)" + name.replace(".", _SEPARATOR).encode()


def other_spellings(name: str) -> bytes:
    """A gate for the same but the name itself, which a plain search finds at less cost.

    >>> other_spellings("a.b")
    b'A(?i:[._-]b)|(?i:a)[_-](?i:b)|(?i:a[._-])B'
    """
    parts = [_SEPARATOR if sign == "." else sign for sign in name]
    return "|".join(
        _either_case(parts[:at]) + ("[_-]" if sign == "." else sign.upper()) + _either_case(parts[at + 1 :])
        for at, sign in enumerate(name)
    ).encode()


def _either_case(parts: list[str]) -> str:
    return f"(?i:{''.join(parts)})" if parts else ""
