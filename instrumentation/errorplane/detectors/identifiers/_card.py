"""Payment card numbers: issuer range, length for that issuer, Luhn (ISO/IEC 7812-1), plausible groups of digits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.context._keys import KeyClass
from errorplane.detectors.context._labels import is_camel_counted, is_counted, is_glued, is_labelled, is_value_of_other
from errorplane.detectors.identifiers._checksums import luhn
from errorplane.detectors.text._escapes import ESCAPED_SEPARATOR

# (lowest and highest leading digits, lengths): what the schemes publish, checked 2026. UATP (1, fifteen digits) is not
# here, since counters look like it: its numbers need a word or key beside them.
_ISSUERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("4", "4", (13, 16, 19)),  # Visa; Elo, Dankort
    ("51", "55", (16,)),  # Mastercard
    ("2221", "2720", (16,)),  # Mastercard, 2-series
    ("34", "34", (15,)),  # American Express
    ("37", "37", (15,)),
    ("30", "30", (14, 15, 16, 17, 18, 19)),  # Diners Club
    ("36", "36", (14, 15, 16, 17, 18, 19)),
    ("38", "39", (14, 15, 16, 17, 18, 19)),
    ("3528", "3589", (16, 17, 18, 19)),  # JCB
    ("2131", "2131", (15,)),
    ("1800", "1800", (15,)),
    ("353", "353", (16,)),  # RuPay, co-branded with JCB
    ("356", "356", (16,)),
    ("35", "35", (16,)),  # what test numbers of JCB begin with, too
    ("50", "50", tuple(range(12, 20))),  # Maestro; RuPay 508, Verve, Elo, Dankort
    ("56", "58", tuple(range(12, 20))),  # Maestro
    ("0604", "0604", tuple(range(12, 20))),
    ("63", "63", tuple(range(12, 20))),  # Maestro 6304, 6390; InstaPayment, InterPayment
    ("67", "67", tuple(range(12, 20))),  # Maestro
    ("60", "60", (16, 17, 18, 19)),  # Discover 6011, RuPay, UkrCard
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("64", "65", (16, 17, 18, 19)),  # Discover, RuPay, Troy, Verve
    ("81", "82", (16,)),  # RuPay, UnionPay
    ("2200", "2205", (16, 17, 18, 19)),  # Mir, BORICA
    ("9792", "9792", (16,)),  # Troy
    ("9860", "9860", (16,)),  # Humo
    ("8600", "8600", (16,)),  # Uzcard
    ("9704", "9704", (16, 19)),  # Napas
    ("1946", "1946", (16, 18, 19)),  # GPN
    ("31", "31", (19,)),  # China T-Union
)
_LENGTHS = {
    f"{prefix:0{len(low)}}": lengths
    for low, high, lengths in reversed(_ISSUERS)
    for prefix in range(int(low), int(high) + 1)
}
_GROUPS = frozenset(
    {
        (4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (4, 4, 4, 4, 1), (4, 4, 4), (4, 4, 4, 1), (4, 4, 4, 2),
        (4, 4, 4, 3), (4, 4, 5), (4, 3, 3, 3), (4, 6, 5), (4, 6, 4), (4, 5, 6), (6, 13), (8, 8), (6, 4, 4, 4), (5, 4, 4),
        (4, 4, 8), (4, 12), (4, 8, 4), (4, 7, 4),
    }
)  # fmt: skip
# With dots or two spaces between the groups, which columns of numbers and versions have as well.
_WIDE_GROUPS = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4)})
_USUAL_GROUPS = frozenset({(4, 4, 4, 4), (4, 4, 4, 4, 3), (4, 6, 5), (4, 6, 4)})
# Visa, Mastercard and American Express: of random numbers of their length two in a hundred look like them and pass Luhn.
_COMMON = lazy(r"4[0-9]{15}|(?:5[1-5]|2[2-7])[0-9]{14}|3[47][0-9]{13}")
_FIRST_GROUPS = frozenset(sizes[0] for sizes in _GROUPS)
_WITHOUT_SEPARATORS = str.maketrans(dict.fromkeys(" +-."))
_WITHOUT_DIGITS = str.maketrans(dict.fromkeys("0123456789"))
_TWELVE = b"d" * 12
_RUN = lazy(r"[0-9](?<![0-9]{2})(?:(?:[ +.-]|  |\+\+)?[0-9]){11,}")
_GROUP = lazy(r"[0-9]+")
_UUID = lazy(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_CONTEXT = lazy(
    # No cc of a UUID, and no credit=0.00 of a ledger.
    r"(?:^|[^a-z])(?:(?:credit|debit|payment|bank)?cards?(?:number|num|no|nr)?|(?<![0-9])ccn?(?![0-9])|pan"
    r"|(?:credit|debit)(?!\W{1,4}[0-9]+[.,][0-9])|visa|master ?card|amex|maestro|jcb|diners|discover|union ?pay)(?![a-z])"
)
_WORD_BEFORE = lazy(r"(?:^|[^0-9a-z])(?:(?=[a-z]*[g-z])[a-z]{2,}|cc)\Z|%b\Z")  # %B: track 1 of a stripe
_PART_BEFORE = lazy(r"(?:[0-9a-z]|[0-9]\.)\Z")
_PART_AFTER = lazy(r"(?!\.00?(?![0-9a-z.])|l(?![0-9a-z]))(?:[0-9a-z]|\.[0-9])")  # but .0 of a float, L of a long
_MINUS = lazy(r"(?:^|[\s_=:,(\[])-\Z")
_NEAR, _MANY_GROUPS = 40, 64
_CARD, _ACCOUNT, _ID = KeyClass.CARD, KeyClass.ACCOUNT, KeyClass.ID


def _issued(digits: str) -> bool:
    size = len(digits)
    return (
        size in _LENGTHS.get(digits[:1], ())
        or size in _LENGTHS.get(digits[:2], ())
        or size in _LENGTHS.get(digits[:3], ())
        or size in _LENGTHS.get(digits[:4], ())
    )


def _find(subject: Subject) -> Iterable[Finding]:
    return _find_runs(subject) if _TWELVE in subject.shape.translate(None, b" +-.") else ()


def _find_runs(subject: Subject) -> Iterator[Finding]:
    for run in _RUN.finditer(subject.text):
        if b"dddd" not in subject.shape[run.start() : run.end()]:
            continue
        groups = [match.span() for match in _GROUP.finditer(subject.text, *run.span())]
        sizes = tuple(end - start for start, end in groups)
        for first, size in enumerate(sizes):
            # The longest that begins here. Two may overlap: a number beside a card can look like its start.
            lasts = range(min(first + 5, len(groups)), first + 1, -1) if size in _FIRST_GROUPS else ()
            for last in (*lasts, first + 1) if 12 <= size <= 19 else lasts:
                if last > first + 1 and (sizes[first:last] not in _GROUPS or _is_column(sizes, first, last)):
                    continue
                start, end = groups[first][0], groups[last - 1][1]
                if _is_card(subject, start, end):
                    yield Finding("CREDIT_CARD", start, end, 1.0, "issuer range, length and Luhn digit")
                    break


def _is_column(sizes: tuple[int, ...], first: int, last: int) -> bool:
    """Whether groups of four are a part of six or more; of eight, or of very many, they may be cards."""
    if {*sizes[first:last]} != {4}:
        return False
    while first and sizes[first - 1] == 4 and last - first <= _MANY_GROUPS:
        first -= 1
    while last < len(sizes) and sizes[last] == 4 and last - first <= _MANY_GROUPS:
        last += 1
    return 5 < last - first <= _MANY_GROUPS and (last - first) % 4 != 0


def _is_card(subject: Subject, start: int, end: int) -> bool:
    number = subject.text[start:end]
    digits = number.translate(_WITHOUT_SEPARATORS)
    if len(digits) < len(number) and not _evenly_grouped(number):
        return False
    if not luhn(digits):
        return False
    said = _said(subject, start)
    return (said or (_issued(digits) and not _is_id(subject, start, end))) and _free(subject, start, end, digits)


def _evenly_grouped(number: str) -> bool:
    """Whether separators are of one kind; dots and double spaces only between the commonest groups."""
    separators = number.translate(_WITHOUT_DIGITS)
    if len({*separators}) > 1:
        return False
    sizes = tuple(map(len, _GROUP.findall(number)))
    if separators[0] != "." and len(separators) < len(sizes):
        return True
    return sizes in _WIDE_GROUPS and len(separators) == (len(sizes) - 1) * (1 if separators[0] == "." else 2)


def _is_id(subject: Subject, start: int, end: int) -> bool:
    """An identifier or a count in one piece, or columns of counts: nobody writes these in a card's usual groups."""
    low = subject.low
    sizes = tuple(map(len, _GROUP.findall(low[start:end])))
    if sizes in _USUAL_GROUPS:
        return False
    if is_camel_counted(subject.text, start):
        return True
    if _COMMON.fullmatch(low, start, end) is not None:
        return subject.key is _ID or is_counted(low, start, end) or is_glued(low, start)
    personal = subject.personal()
    if is_labelled(low, start, end, personal=personal):
        return True
    if len(sizes) > 1:  # beside another number: two columns
        return low[max(0, start - 2) : start].strip(" ").isdigit() or low[end : end + 2].strip(" ").isdigit()
    rare = sizes[0] not in (15, 16, 19) and not personal
    return subject.key is _ID or is_glued(low, start) or (rare and is_value_of_other(low, start))


def _free(subject: Subject, start: int, end: int, digits: str) -> bool:
    """No part of a larger identifier or number."""
    low = subject.low
    if _PART_AFTER.match(low, end) is not None:
        return False
    before = low[max(0, start - 24) : start]
    if _PART_BEFORE.search(before) is not None and _WORD_BEFORE.search(before) is None:
        return False
    if before.endswith("+") and len(digits) < 15 and not _said(subject, start):
        return False  # a telephone number
    if len(digits) > 16 and _MINUS.search(before) is not None and not _said(subject, start):
        return False  # a 64-bit integer
    if len(digits) == 12 and (subject.key is _ACCOUNT or "arn:" in low[max(0, start - _NEAR) : start]):
        return False
    if "-" not in low[max(0, start - 1) : end + 1]:
        return True
    uuid = _UUID.search(low, max(0, start - 35), end + 35)
    return uuid is None or uuid.end() <= start or uuid.start() >= end


def _said(subject: Subject, start: int) -> bool:
    if subject.key is _CARD:
        return True
    if subject.text.startswith("0000", start):
        return False
    return _CONTEXT.search(subject.low, max(0, start - _NEAR), start) is not None


CARD = Detector(
    "CREDIT_CARD",
    (
        rb"[0-9](?:[ +]?[0-9]){11}",
        # Dashes only as in _GROUPS, since UUIDs are digits with dashes too.
        rb"[0-9]{4}-[0-9]{4,7}-[0-9]{4}",
        rb"[0-9]{4}(?:\.|[ +]{2})[0-9]{4,6}(?:\.|[ +]{2})[0-9]{4}",
        rb"[0-9]{4}-[0-9]{8}",
        rb"[0-9]{4}-[0-9]{3}-[0-9]{3}-[0-9]{3}",
        ESCAPED_SEPARATOR,
    ),
    _find,
)
