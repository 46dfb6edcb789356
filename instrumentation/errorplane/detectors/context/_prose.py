"""Telephone numbers where people write to people: no word says "phone", yet the shape is that of one.

Such texts reach telemetry as chat messages, tickets, forms and mails. A log line of a machine has no personal
pronouns, signatures or addresses, and its columns of digits must stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors.context._keys import one_of
from errorplane.detectors.context._labels import is_labelled

PERSONAL_WORDS = (
    *("my ", "your ", "you ", "please", "thank", "hello", "dear ", "regards", "sincerely", "i am ", "i have "),
    *(" his ", " her ", " he ", " she "),
)
"""One of them stands in a text that is addressed to someone; in lower case."""
_PERSONAL = lazy(f"(?<![a-z0-9_.-]){one_of(PERSONAL_WORDS)}(?<!my (?=id))")  # my id: a server's, not a person's
_LABELS = ("office", "fax", "mobile", "cell", "phone", "tel", "home", "work", "desk", "direct")
_LABEL = one_of(_LABELS)
LABEL_AFTER = rf"[0-9]\)? ?[-(]? ?{_LABEL}"
"""A number with its label behind it, as in signatures: ``(212) 555-0187 (office)``."""
_CALLS = r"(?:call|ring|sms|contact|dial)(?: to| at| on|:)? "
_CALLER = r"calle[re]"
CALL_WORDS = (_CALLS + r"[(+0-9]", _CALLER + r"""[\s"'=:]{0,4}[(0-9%\\&]""")
"""Words right before a number that make any grouped one a telephone number, as expressions of a gate: what stands
between them may be escaped."""
_CALL_BEFORE = lazy(rf"(?<![a-z])(?:{_CALLS}|{_CALLER}[\s\"'=:]{{1,4}})\Z")
_WORDS = ("call", "ring", "sms", "contact", "dial", *_LABELS)  # one of them is in whatever the two look for
_LABEL_AFTER = lazy(rf" ?[-(]? ?{_LABEL}(?![a-z0-9_=:])")

_NUMBER = lazy(
    r"(?<![0-9A-Za-z_$\u20ac\u00a3#*@.,/:%+-])(?<![0-9] )\(?[0-9]{1,6}(?![0-9])\)?"
    r"(?:(?:[ .\-/]{1,2}\(?|\(|(?<=\)))[0-9]{2,9}(?![0-9])\)?){1,5}"
    r"(?![0-9A-Za-z_]|[.,:/%-][0-9A-Za-z]| ?[%\u20ac$\u00a3])"
)
_PLAIN = lazy(
    r"(?<![0-9A-Za-z_$\u20ac\u00a3#*@=.,/:%+-])(?<![0-9] )(?:1?[2-9][0-9]{2}[2-9][0-9]{6}|0[1-9][0-9]{7,9})(?![0-9A-Za-z_]|[.,:/%-][0-9A-Za-z]| [0-9])"
)
_LINE_END = lazy(r"[ \t,;]*(?:[\r\n]|\Z)")
_SENTENCE = lazy(r"[^\d_={}\[\]<>|/\\]*[0-9()][0-9 ()]{9,16}[^\d_={}\[\]<>|/\\]*")
"""Words, one number and the marks of a sentence: no machine's line, which has a time, a name with a sign or a second number."""
_GROUP = lazy(r"[0-9]+")
_DATE = lazy(
    r"(?:(?:19|20)[0-9]{2}[-./ ][0-9]{1,2}[-./ ][0-9]{1,2}|[0-9]{1,2}[-./ ][0-9]{1,2}[-./ ](?:19|20)[0-9]{2})(?![0-9])"
    r"|(?:19|20)[0-9]{2}[-/. ]{1,3}(?:19|20)[0-9]{2}\Z"
)
_LONG = lazy(r"[0-9] [0-9]{3,4} [0-9]{3}|[0-9]{2} [0-9]{3} [0-9]{2} [0-9]{2}")  # as the gates
_POSTCODE = lazy(r"[0-9]{5}-[0-9]{3,4}\Z")
_THOUSANDS = lazy(r"[0-9]{1,3}(?:(?P<sep>[ .])[0-9]{3})(?:(?P=sep)[0-9]{3})*\Z")
# Two groups: these sizes only, since house numbers, postcodes and amounts stand beside each other too.
_PAIRS = frozenset(
    {(3, 4), (4, 4), (2, 6), (3, 6), (4, 6), (5, 6), (2, 7), (3, 7), (4, 7), (2, 8), (3, 8), (3, 5), (5, 5)}
)
_NOT_A_PHONE = lazy(
    r"(?<![a-z])(?:account|acct|iban|ssn|security|licen[cs]e|passport|policy|zip|postcode|postal|amount|price|total|pay(?:ing)?|paid|sum"
    r"|born|dated?|year|version|card|id|reference|code|case|ticket|order|invoice|tracking|serial|pin|isbn)"
    r"(?: (?:no|nr|num|number|code|id))?(?: (?:is|was|of))?[\s.:#\"'(]{0,3}\Z"
)
_CURRENCY_AFTER = lazy(
    r" ?(?:usd|eur|gbp|dollars?|euros?|pounds?|kr|yen|inr|rupees|rub|pln|chf|times|people|users|miles|km|rows|bytes)(?![a-z])"
)
_NEAR = 32


def is_personal(low: str) -> bool:
    """Whether a text is addressed to someone, or speaks of someone.

    >>> is_personal("my number is 467 3395"), is_personal("received 467 3395 of 512")
    (True, False)
    """
    return any(map(low.__contains__, PERSONAL_WORDS)) and _PERSONAL.search(low) is not None


def find_in_prose(low: str) -> Iterator[tuple[int, int]]:
    """Start and end of the numbers of a personal text, of those alone on a line of an address, and of labelled ones."""
    personal = is_personal(low)
    sentence = _SENTENCE.fullmatch(low) is not None
    block = low.count("\n") >= 2 and "=" not in low and "{" not in low
    if not (personal or sentence or block or any(map(low.__contains__, _WORDS))):
        return
    for match in _NUMBER.finditer(low):
        start, end = match.span()
        if _is_grouped_number(match[0]) and (
            ((personal or (sentence and _is_long(match[0]))) and not _is_other(low, start, end))
            or _CALL_BEFORE.search(low, max(0, start - _NEAR), start) is not None
            or _LABEL_AFTER.match(low, end) is not None
            or (block and _is_alone(low, start, end))
        ):
            yield start, end
    for match in _PLAIN.finditer(low):
        start, end = match.span()
        if (personal and not _is_other(low, start, end)) or (
            (sentence or match[0][0] == "0") and _CALL_BEFORE.search(low, max(0, start - _NEAR), start) is not None
        ):
            yield start, end


def _is_grouped_number(number: str) -> bool:
    sizes = tuple(map(len, _GROUP.findall(number)))
    digits = sum(sizes)
    if (
        len(sizes) < 2
        or not 6 <= digits <= 12
        or _DATE.match(number) is not None
        or _POSTCODE.match(number) is not None
    ):
        return False
    if _THOUSANDS.match(number) is not None and (digits < 8 or number.endswith("000")):
        return False
    if "." in number and min(sizes) < 3 and len(sizes) < 5 and (number[0] != "0" or sizes[0] == 1):
        return False  # a version, or an address
    if len(sizes) == 2 and "(" not in number:
        return sizes in _PAIRS and "." not in number  # a decimal
    return max(sizes[1:]) <= 8 and min(sizes[1:]) >= 2 and (digits >= 7 or sizes == (2, 2, 2))


def _is_long(number: str) -> bool:
    """Nine digits in three groups or more, separated by spaces, of sizes that amounts and columns seldom have."""
    sizes = tuple(map(len, _GROUP.findall(number)))
    return (
        len(sizes) > 2 and sum(sizes) >= 9 and number.count(" ") == len(sizes) - 1 and _LONG.search(number) is not None
    )


def _is_other(low: str, start: int, end: int) -> bool:
    before = low[max(0, start - _NEAR) : start]
    return (
        _NOT_A_PHONE.search(before) is not None
        or _CURRENCY_AFTER.match(low, end) is not None
        or is_labelled(low, start, end, personal=True)
    )


def _is_alone(low: str, start: int, end: int) -> bool:
    line = max(low.rfind("\n", 0, start), low.rfind("\r", 0, start)) + 1
    first = 1 if low[start] == "(" else 2  # as the gate
    return (
        line > 0
        and low[start : start + first].strip("0123456789") in ("", "(")
        and not low[line:start].strip()
        and _LINE_END.match(low, end) is not None
    )
