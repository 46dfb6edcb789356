"""Telephone numbers: international (+ or 00, a country code of ITU E.164), North American, national after a 0, and
local shapes where a word or the attribute's key says what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject
from errorplane.detectors.context._keys import PHONE_NAMES, KeyClass, one_of
from errorplane.detectors.context._labels import is_labelled
from errorplane.detectors.context._prose import CALL_WORDS, LABEL_AFTER, PERSONAL_WORDS, find_in_prose
from errorplane.detectors.text._escapes import ESCAPED, ESCAPED_SEPARATOR, as_gate

# Country codes of ITU-T E.164 (Annex to Operational Bulletin 1114): one digit, two digits, the rest three.
_COUNTRY = (
    r"(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|21[1-368]|22[0-9]|23[0-9]|24[0-9]|25[0-8]|26[0-9]"
    r"|29[01789]|35[0-9]|37[0-8]|38[0-35-79]|42[013]|50[0-9]|59[0-9]|67[02-9]|68[0-35-9]|69[0-2]|80[08]|85[02356]|870"
    r"|87[1-8]|88[0-36]|96[0-8]|97[0-79]|99[2-68])"
)
# A plus between digits is a space in a form's encoding.
_TAIL = r"(?:[ .\-/()+]{0,3}[0-9]){6,13}"
_LONG_TAIL = r"(?:[ .\-/()+]{0,3}[0-9]){8,13}"
# A signed decimal. The registries of domains write +33.612345678 (RFC 5733), after a country code and in nine digits.
_NO_DECIMAL = (
    r"(?![0-9]{1,3}\.[0-9]{1,8}(?![0-9.]|-[0-9]{2,4}-[0-9]))"
    rf"(?!(?!{_COUNTRY}\.)[0-9]{{1,3}}\.[0-9]{{9}}(?![0-9.]))"
)
_EXTENSION = r"(?:[ +,;]{0,2}(?:x|ext\.?|extension)[ +:]?[0-9]{1,6})?"
_END = r"(?![0-9A-Za-z])"

_PLUS = lazy(rf"\+(?<![0-9A-Za-z+]\+){_NO_DECIMAL} ?\(?{_COUNTRY}\)?{_TAIL}{_EXTENSION}{_END}")
_DOUBLE_ZERO = lazy(
    rf"00(?<![0-9A-Za-z_.:/+-]00)(?<![0-9]{{4}} 00)[ +-]?{_COUNTRY}{_LONG_TAIL}{_EXTENSION}(?![0-9A-Za-z]| [0-9]{{4}}|[.:/-][0-9])"
)
# With dots or spaces an exchange begins with 2 to 9; with dashes or parentheses invented numbers count as well.
_AMERICAN = lazy(
    r"(?<![0-9A-Za-z])(?<![0-9][.-])(?:1[ .+-]?)?"
    r"(?:\([2-9][0-9]{2}\)[ +]?[0-9]{3}[ .+-]?|[2-9][0-9]{2}-[0-9]{3}-)[0-9]{4}"
    rf"{_EXTENSION}(?![0-9A-Za-z]|[.-][0-9])"
)
_AMERICAN_SPACED = lazy(
    r"(?<![0-9A-Za-z])(?<![0-9][ .+/-])(?:1[ .+]?)?[2-9][0-9]{2}(?P<sep>[ .+])[2-9][0-9]{2}(?P=sep)[0-9]{4}"
    rf"{_EXTENSION}(?![0-9A-Za-z]|[ .+-][0-9])"
)
# What these shapes have in common; more exact ones take Hyperscan longer than the looks they save.
_SHAPES = (
    rb"[0-9]\)[ +]?[0-9]{3}",
    rb"[0-9]-[0-9]{3}-[0-9]{4}",
    rb"[0-9][ .+][0-9]{3,4}[ .+][0-9]{3}",
    rb"[0-9](?:[ .+-][0-9]{2}){4}",
    rb"[0-9]{2}[ +][0-9]{6}",
    rb"0[0-9]{1,3}-[0-9]{3,4}-[0-9]{4}",
    rb"0[0-9]{2,3}-[0-9]{7}",
    rb"0[1-9]-[0-9]{7}",
    rb"0[1-9][0-9]-[0-9]{3}-[0-9]{3}",
    rb"0[1-9][0-9]{0,3}(?:[ +][0-9]{2,4}){2}",
    rb"[0-9]{2}[ +][0-9]{3}[ +][0-9]{2}[ +][0-9]{2}",
)
_TRUNK = lazy(
    r"(?<![0-9A-Za-z])(?<![0-9][ .:/+-])(?:\(0[1-9][0-9]{0,3}\)[ +]?[0-9]{3,4}[ +-]?[0-9]{3,4}"
    r"|\([1-9][0-9]\)[ +]?[0-9]{4,5}-[0-9]{4}|0[1-9][0-9]{0,2}-[0-9]{3,4}-[0-9]{4}|0[1-9][0-9]{0,2}-[0-9]{7,8}|0[1-9][0-9]-[0-9]{3}-[0-9]{3}"
    r"|0[1-9](?P<sep>[ .+-])[0-9]{2}(?P=sep)[0-9]{2}(?P=sep)[0-9]{2}(?P=sep)[0-9]{2}"
    r"|0[1-9][0-9]{1,3}[ +][0-9]{3,4}[ +][0-9]{3,4}|0[1-9][0-9]{2,3}[ +][0-9]{6,7})"
    rf"{_EXTENSION}(?![0-9A-Za-z]|[ .:/+-][0-9])"
)
# Any other groups after a 0: nine to eleven digits. No dates, and no columns of digits or of hexadecimal.
_TRUNK_SPACED = lazy(
    r"(?<![0-9A-Za-z])(?<![0-9A-Za-z][.:/+_-])(?<![0-9] )(?<![0-9][A-Fa-f] )(?=(?:[ +]?[0-9]){9,11}(?![0-9A-Za-z]|[ +][0-9]))"
    rf"0[1-9][0-9]{{0,3}}(?:[ +][0-9]{{2,4}}){{2,4}}{_EXTENSION}(?![0-9A-Za-z_]|[ .,:/+-][0-9A-Fa-f]*[0-9])"
)
_SAID = (*PHONE_NAMES, "(?:t[e\u00e9\u00c9]l|tlf|cell|sms|handy|mobil)[.:#=]")
_LABELS = r"(?:desk|office|home|cell|direct)"
_HINTS = (
    r"(?:call|text|ring|reach|contact|phone|dial|message) (?:me|us|you|him|her|them|back)",
    r"call(?:ing|ed)? (?:on|at) ",
    r"dial(?:l?ed|ing)? ",
    r"messages? (?:to|from) ",
    r"(?:my|his|her|their|our|your|new) (?:registered|number|cell)",
    r"reached? (?:at|on|via|by)",
    r"contact(?:ed)? (?:at|on|via|number)",
    r"(?:hot|help)line",
    r"toll[-._ ]?free",
    rf"{_LABELS}:",
)
_GAP = r"[^0-9+(\0]{0,24}"  # and not across a number that was replaced
_LOCAL = r"(?P<number>\(?\+?[0-9](?:[ .\-/()+]{0,3}[0-9]){5,14}" + _EXTENSION + r")(?![0-9A-Za-z]|[.:/][0-9])"
_NAMED = lazy(f"{one_of(_SAID)}{_GAP}{_LOCAL}")
_HINTED = lazy(rf"{one_of(_HINTS)}{_GAP}(?![0-9+]+(?![0-9 .\-/()])){_LOCAL}")  # in groups: a hint is weak
# In one piece, after words that leave nothing else to be meant.
_TOLD = lazy(
    r"(?:(?:call|text|ring|reach|phone|message) (?:me|us|him|her|them)(?: back)?(?: (?:at|on|under))?"
    r"|(?:my|his|her|their|our) number is|dial(?:l?ed|ing)?)[ :]{1,2}(?P<number>[0-9]{7,13})(?![0-9A-Za-z]|[.:/-][0-9])"
)
_ALONE = lazy(rf"(?<![0-9A-Za-z]){_LOCAL}")
_SIX = b"dddddd"
_PHONE = KeyClass.PHONE
_DATE = lazy(r"(?:19|20)[0-9]{2}[-./][0-9]{1,2}[-./][0-9]{1,2}|[0-9]{1,2}[-./][0-9]{1,2}[-./](?:19|20)[0-9]{2}")
_DATE_AND_TIME = lazy(r"00[0-9]{4} [0-9]{6} ")  # of a log of the year 2000, as HDFS writes them
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[0-9]{1,2})"
_QUAD = lazy(rf"(?:{_OCTET}\.){{3}}{_OCTET}\Z")  # an address or a version; 078.936.50.93 is neither


def _find(subject: Subject) -> Iterable[Finding]:
    return _find_numbers(subject) if _SIX in subject.shape.translate(None, b" .-/()+") else ()


def _find_numbers(subject: Subject) -> Iterator[Finding]:
    text, low, shape = subject.text, subject.low, subject.shape
    if "+" in text:
        yield from _all(_PLUS, text, 0.9, "international, with a known country code")
    if "00" in text:
        for found in _all(_DOUBLE_ZERO, text, 0.7, "international after 00, with a known country code"):
            number = text[found.start : found.end]
            if not (" " in number and "." in number) and _DATE_AND_TIME.match(number) is None:
                yield found
    bracket = b"d)" in shape
    if bracket or (b"d-ddd-d" in shape or b"d ddd d" in shape or b"d.ddd.d" in shape or b"d+ddd+d" in shape):
        reason = "area code, exchange and number of North America"
        yield from _all(_AMERICAN, text, 0.7, reason)
        yield from _unlabelled(_all(_AMERICAN_SPACED, text, 0.7, reason), low)
    if bracket or (
        b"dd dd" in shape or b"dd+dd" in shape or b"d-ddd" in shape or b".dd.dd." in shape or b"-dd-dd-" in shape
    ):
        reason = "national number after a 0, in groups"
        yield from _all(_TRUNK, text, 0.6, reason)
        yield from _unlabelled(_all(_TRUNK_SPACED, text, 0.6, reason), low)
    if subject.key is _PHONE:
        yield from _local(_ALONE, subject, 0.8)
        return
    if _may_say(low):
        yield from _local(_NAMED, subject, 0.7)
        yield from _local(_HINTED, subject, 0.5)
        yield from _local(_TOLD, subject, 0.5)
    for start, end in find_in_prose(low):
        yield Finding("PHONE_NUMBER", start, end, 0.5, "the shape of a number in a text addressed to someone")


def _may_say(low: str) -> bool:
    """Whether a text holds a part of such a word at all."""
    return (
        "phone" in low
        or "mobil" in low
        or "msisdn" in low
        or "fax" in low
        or "whats" in low
        or "tel" in low
        or "cell" in low
        or "sms" in low
        or "contact" in low
        or "call" in low
        or "text " in low
        or "ring " in low
        or "reach" in low
        or "dial" in low
        or "message" in low
        or "number" in low
        or "registered" in low
        or "desk:" in low
        or "office:" in low
        or "home:" in low
        or "direct:" in low
        or "line" in low
        or "toll" in low
        or "tlf" in low
        or "handy" in low
        or "celular" in low
        or "rufn" in low
        or "puhelin" in low
        or not low.isascii()
    )


def _all(pattern: re.Pattern[str], text: str, score: float, reason: str) -> Iterator[Finding]:
    for match in pattern.finditer(text):
        start, end = match.span()
        opened = text.startswith("(", start - 1) and text[start:end].count(")") > text[start:end].count("(")
        yield Finding("PHONE_NUMBER", start - opened, end, score, reason)


def _unlabelled(findings: Iterable[Finding], low: str) -> Iterator[Finding]:
    """Without columns of counts, which have such groups too: ``rows 267 611 6624``."""
    for finding in findings:
        if not is_labelled(low, finding.start, finding.end, personal=True):
            yield finding


def _local(pattern: re.Pattern[str], subject: Subject, score: float) -> Iterator[Finding]:
    for match in pattern.finditer(subject.low):
        number = match["number"]
        if _DATE.match(number) is None and _QUAD.match(number) is None:
            yield Finding("PHONE_NUMBER", *match.span("number"), score, "local number after a word or key that says so")


PHONE = Detector(
    "PHONE_NUMBER",
    (
        rb"\+(?:[ .\-/()+]{0,4}[0-9]){7}",
        rb"\+ ?[%\\]",
        rb"(?:%(?:25){0,2}|u00)2[bB]",
        ESCAPED_SEPARATOR,
        rb"00[ +-]?[1-9](?:[ .\-/()+]{0,4}[0-9]){8}",
        *_SHAPES,
        *(as_gate(words) for words in (*PHONE_NAMES, *_HINTS[:-1])),
        rb"(?i)(?:t(?:e|\xc3[\xa9\x89])l|tlf|cell|sms|handy|mobil|desk|office|home|direct)[.:#=%\\]",
        *(as_gate(words) for words in (*PERSONAL_WORDS, *CALL_WORDS, LABEL_AFTER)),
        *(
            rb"(?:[\n\r]|\\{1,4}[nr]|" + ESCAPED + rb"0[aAdD])[ \t(+]{0,8}" + number
            for number in (rb"[0-9](?:[ .\-/()+]{0,4}[0-9]){6}", rb"[0-9]{2}(?:[ .\-/()+]{1,3}[0-9]{2}){2}")
        ),
    ),
    _find,
)
