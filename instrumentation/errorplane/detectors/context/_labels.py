"""Words beside a number that say it is an identifier, a count or a time, and so no card.

Only numbers in one piece are judged by them: nobody writes an offset in groups of four digits.
"""

from __future__ import annotations

import re

from errorplane.detectors._lazy import lazy

# Nouns that name what a machine counts or points at; plural too. None of them names money or a person's document.
_TECHNICAL = (
    "id uid gid pid tid uuid guid oid xid zxid lsn scn txid cursor offset seq sequence epoch ts timestamp nanos millis "
    "micros duration elapsed latency uptime trace span session req correlation block blk chunk segment "
    "shard partition replica batch job task attempt stage executor container pod node thread worker packet "
    "inode fd ptr addr hash checksum crc digest etag revision rev version commit generation gen size bytes "
    "length len counter memory mem heap disk rss serial imei imsi iccid ean gtin upc isbn sku asin "
    "sensor meter nonce salt random seed snowflake tweet pipeline workflow instance volume snapshot term idx position pos "
    "watermark checkpoint queue range row progress diff hits misses up"
)
# Nouns of business, whose numbers are rarely as long as the common cards': "order 4111..." may well be one.
_BUSINESS = (
    "txn tx order product part invoice ticket incident tracking parcel shipment consignment waybill barcode ref reference "
    "user tenant token transaction trx"
)
# The same, but in a sentence also something else: "please process 4111...", "is there a limit 4111...".
_VERBS = (
    "issue limit date time model file run lease index host free used sum total count build case customer client member login "
    "device frame folder path key delivery request page line"
)
# Containers of any text where a colon or an equals sign follows: ``message 4111...`` has a number, ``msg=4111...`` a content.
_CONTAINERS = "msg message event record entry item object obj post comment note response resp"
_FILLER = r"(?:[ _.-]?(?:ids?|no|nr|num|number|is|was|of|at|to|from))?"
_SIGNS = r"\s\"'`:=#/\\<>_.-"


def _before(words: str, signs: str) -> re.Pattern[str]:
    nouns = "|".join(sorted(words.split(), key=lambda word: (-len(word), word)))
    return lazy(rf"(?:(?:^|[^a-z])(?:{nouns})s?|[a-z][_.-]ids?|[a-z]_(?:no|num|nr)){_FILLER}[{signs}]{{1,6}}\Z")


_BRACKETS = r"\[({)"  # Key (order_id)=(4111...)
_BEFORE_ANY = _before(_TECHNICAL, _SIGNS + _BRACKETS)
_BEFORE = _before(f"{_TECHNICAL} {_BUSINESS}", _SIGNS + _BRACKETS)
_CONTAINED = _before(_CONTAINERS, r"\s#/_-")
_BEFORE_IN_LOGS = _before(_VERBS, _SIGNS)  # not register_customer('4111...')
# ConnectionId(4111...), eventTime=4111...
_CAMEL = lazy(
    r"(?<=[a-z0-9])(?<![cC]ard)(?<![aA]ccount)(?<![pP]an)(?:I[dD]s?|Time|Timestamp|Ts|Seq|Sequence|Offset|Count|Size|Bytes|Millis"
    r"|Micros|Nanos)[\s\"'`:=(\[{]{1,4}\Z"
)
_GLUED = lazy(r"(?:[a-z][_-]-?|#)\Z")
_UNIT = lazy(
    r"[ ]?(?:bytes?|[kmgt]i?b|ns|us|ms|nanos\w*|millis\w*|micros\w*|sec\w*|rows?|records?|items?|ticks?|hz)(?![a-z])"
)
_NAME = lazy(r"(?:\A|[^a-z])(?P<name>[a-z]+)[0-9]{0,2}[\"'`]?[ ]?[:=][ ]?[\"'`\[(]{0,2}\Z")
_OPEN = (
    "value val values v input in data q query search term param params arg args argv text body msg message payload content "
    "detail details desc description reason note comment number no num nr account acct payment pay paid charge charged "
    "err failed got said received rejected invalid unknown a b c d e f g i j k l m n o p s t u w x y z"
)
_OPEN_NAMES = frozenset(_OPEN.split())
_NEAR = 32


def is_counted(low: str, start: int, end: int) -> bool:
    """Whether ``low[start:end]`` is called a machine's identifier, count or time by what stands right beside it.

    >>> is_counted("trace=4111111111111111", 6, 22), is_counted("order 4111111111111111", 6, 22)
    (True, False)
    """
    return _BEFORE_ANY.search(low[max(0, start - _NEAR) : start]) is not None or _UNIT.match(low, end) is not None


def is_labelled(low: str, start: int, end: int, *, personal: bool) -> bool:
    """The same with the words of business, and those that mean something else in a sentence.

    In a text that is addressed to someone (``personal``) fewer words say so.

    >>> is_labelled("order 4111111111111111", 6, 22, personal=False), is_labelled("pay 4111111111111111", 4, 20, personal=False)
    (True, False)
    """
    before = low[max(0, start - _NEAR) : start]
    if _BEFORE.search(before) is not None:
        return True
    if not personal and (_BEFORE_IN_LOGS.search(before) is not None or _CONTAINED.search(before) is not None):
        return True
    return _UNIT.match(low, end) is not None


def is_camel_counted(text: str, start: int) -> bool:
    """Whether a name of several words in one that ends in an identifier, a time or a count stands right before.

    >>> is_camel_counted("ConnectionId(4111111111111111)", 13), is_camel_counted("paid(4111111111111111)", 5)
    (True, False)
    """
    return _CAMEL.search(text, max(0, start - _NEAR), start) is not None


def is_value_of_other(low: str, start: int) -> bool:
    """Whether a name with a colon or an equals sign stands before that is not open to any value, as ``input=`` is."""
    found = _NAME.search(low, max(0, start - _NEAR), start)
    return found is not None and found["name"] not in _OPEN_NAMES and not found["name"].endswith(("error", "exception"))


def is_glued(low: str, start: int) -> bool:
    """Whether a word and a dash or an underscore stand right before (``blk_4111...``), or a ``#``."""
    return _GLUED.search(low, max(0, start - 3), start) is not None
