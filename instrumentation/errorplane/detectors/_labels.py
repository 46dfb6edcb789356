"""Words beside a number that say it is an identifier, a count or a time, and so no card.

Only numbers in one piece are judged by them: nobody writes an offset in groups of four digits.
"""

from __future__ import annotations

import re

# Nouns that name what a log line counts or points at; plural too. None of them names money or a person's document.
_NOUNS = (
    "id uid gid pid tid uuid guid oid xid zxid lsn scn txid txn tx cursor offset seq sequence epoch ts timestamp time date "
    "nanos millis micros duration elapsed latency uptime order trace span session request req response resp correlation "
    "block blk chunk segment shard partition replica batch job task attempt stage executor container pod node host "
    "thread worker process event message msg packet frame record row entry item object obj page inode handle fd "
    "ptr addr offsets hash checksum crc digest etag revision rev version build commit generation gen size bytes length len "
    "count counter total sum limit memory mem heap disk free used rss serial imei imsi iccid ean gtin upc isbn sku asin "
    "product part invoice ticket case incident tracking parcel shipment consignment waybill delivery barcode model device "
    "sensor meter nonce salt random seed snowflake tweet post comment issue build run pipeline workflow instance volume "
    "snapshot lease term index idx position pos watermark checkpoint file path folder key ref reference user "
    "customer client tenant member login"
)
_NOUN = "|".join(sorted(set(_NOUNS.split()), key=lambda word: (-len(word), word)))
_FILLER = r"(?:[ _.-]?(?:ids?|no|nr|num|number|is|was|of|at|to|from))?"
_BEFORE = re.compile(
    rf"(?:(?:^|[^a-z])(?:{_NOUN})s?|[a-z][_.-]?ids?|[a-z]_(?:no|num|nr))(?<!paid){_FILLER}[\s\"'`:=#/\\\[({{<>_.-]{{1,6}}\Z"
)
_GLUED = re.compile(r"(?:[a-z][_-]-?|#)\Z")
_UNIT = re.compile(
    r"[ ]?(?:bytes?|[kmgt]i?b|ns|us|ms|nanos\w*|millis\w*|micros\w*|sec\w*|rows?|records?|items?|ticks?|hz)(?![a-z])"
)
_NEAR = 32


def is_labelled(low: str, start: int, end: int) -> bool:
    """Whether ``low[start:end]`` is called an identifier, a count or a time by what stands right beside it.

    >>> is_labelled("trace=4111111111111111", 6, 22), is_labelled("pay 4111111111111111", 4, 20)
    (True, False)
    """
    before = low[max(0, start - _NEAR) : start]
    return _BEFORE.search(before) is not None or _UNIT.match(low, end) is not None


def is_glued(low: str, start: int) -> bool:
    """Whether a word and a dash or an underscore stand right before (``blk_4111...``), or a ``#``."""
    return _GLUED.search(low, max(0, start - 3), start) is not None
