"""Decompression that stops at a limit, whatever the sender claims."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from errorplane.otlp._errors import InvalidRequest, TooLarge

GZIP_MAGIC = b"\x1f\x8b"  # can not start a protobuf message: 0x1f is a tag of the undefined wire type 7
_STEP_BYTES = 1 << 20
_MAX_MEMBERS = 256  # a request of millions of empty members would cost minutes


def gunzip(data: bytes, limit: int, grow: Callable[[int], None]) -> bytes:
    """Decompress gzip (RFC 1952, several members too) to at most ``limit`` bytes.

    ``grow`` is told how many bytes come into being before they do, and may raise. Raises ``TooLarge`` beyond the
    limit and ``InvalidRequest`` if the data is cut off, damaged or followed by something else.
    """
    parts: list[bytes] = []
    size = 0
    rest = data
    for _ in range(_MAX_MEMBERS):
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            grow(_STEP_BYTES)
            part = _step(member, rest)
            size += len(part)
            if size > limit:
                raise TooLarge(
                    f"the request is larger than {limit} bytes after decompression: send fewer items a request"
                )
            parts.append(part)
            rest = member.unconsumed_tail
        rest = member.unused_data
        if not rest.strip(b"\0"):
            return parts[0] if len(parts) == 1 else b"".join(parts)
    raise InvalidRequest(f"gzip: more than {_MAX_MEMBERS} members in one request")


def _step(member: zlib._Decompress, data: bytes) -> bytes:
    try:
        part = member.decompress(data, _STEP_BYTES)
    except zlib.error as error:
        raise InvalidRequest(f"gzip: the data is damaged ({error})") from error
    if not part and not member.eof:
        raise InvalidRequest("gzip: the data is cut off")
    return part
