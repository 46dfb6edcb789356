"""Run detectors over a text and put replacements in place of what they find."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from errorplane.detectors._aws import AWS
from errorplane.detectors._bearer import BEARER
from errorplane.detectors._card import CARD
from errorplane.detectors._email import EMAIL
from errorplane.detectors._escapes import Unescaped, readings
from errorplane.detectors._iban import IBAN
from errorplane.detectors._ip import IP
from errorplane.detectors._jwt import JWT
from errorplane.detectors._keys import KeyClass, key_class
from errorplane.detectors._model import Detector, Finding, Subject, replacement
from errorplane.detectors._password import PASSWORD
from errorplane.detectors._phone import PHONE
from errorplane.detectors._ssn import SSN

ALL: tuple[Detector, ...] = (EMAIL, CARD, IBAN, SSN, IP, PHONE, BEARER, JWT, AWS, PASSWORD)
_MAX_ROUNDS = 4


def find(
    text: str,
    key: str | None = None,
    detectors: Sequence[Detector] = ALL,
    *,
    kind: KeyClass | None = None,
    allow: Container[str] = (),
) -> list[Finding]:
    """What has to be hidden in ``text``, in order, none overlapping; ``key`` is the attribute's name, if it has one.

    What stands in percent-encoding or in JSON or HTML escapes is found as well. Where findings overlap they become one, which covers all of them and is named after the surest, then the longest.
    ``kind`` overrides what the key says (a value inside of a secret is one, whatever its own key). What is literally in
    ``allow`` is no finding.

    >>> [(f.entity, f.start, f.end) for f in find("mail bob@example.com")]
    [('EMAIL_ADDRESS', 5, 20)]
    """
    if kind is None:
        kind = KeyClass.NONE if key is None else key_class(key)
    subject = Subject.of(text, kind)
    found: list[Finding] = []
    for detector in detectors:
        found += detector.find(subject)
    for plain in readings(subject.text):
        found += _find_escaped(plain, kind, detectors)
    if allow:
        found = [finding for finding in found if text[finding.start : finding.end] not in allow]
    return found if len(found) < 2 else _merged(found)


def _find_escaped(plain: Unescaped, kind: KeyClass, detectors: Sequence[Detector]) -> Iterator[Finding]:
    subject = Subject.of(plain.text, kind)
    for detector in detectors:
        for finding in detector.find(subject):
            yield replace(finding, start=plain.raw(finding.start), end=plain.raw(finding.end))


def _merged(found: list[Finding]) -> list[Finding]:
    found.sort(key=_start)
    out = [found[0]]
    for finding in found[1:]:
        last = out[-1]
        if finding.start >= last.end:
            out.append(finding)
        else:
            best = max(last, finding, key=_weight)
            out[-1] = Finding(best.entity, last.start, max(last.end, finding.end), best.score, best.reason)
    return out


def _start(finding: Finding) -> int:
    return finding.start


def _weight(finding: Finding) -> tuple[float, int]:
    return finding.score, finding.end - finding.start


def redact(
    text: str,
    key: str | None = None,
    detectors: Sequence[Detector] = ALL,
    *,
    kind: KeyClass | None = None,
    allow: Container[str] = (),
) -> tuple[str, list[Finding]]:
    """The text with ``<ENTITY>`` in place of every finding, and the findings (in code points of ``text``).

    A second call with its own result changes nothing: where a replacement makes its surroundings look like something
    to hide, that is hidden as well, and a text that does not come to rest is replaced as a whole.

    >>> redact("mail bob@example.com")[0]
    'mail <EMAIL_ADDRESS>'
    """
    findings = find(text, key, detectors, kind=kind, allow=allow)
    again, rounds = findings, 0
    while again:
        text = _replaced(text, again)
        rounds += 1
        again = find(text, key, detectors, kind=kind, allow=allow)
        if again and rounds == _MAX_ROUNDS:
            return replacement(again[0].entity), findings
    return text, findings


def _replaced(text: str, findings: list[Finding]) -> str:
    out: list[str] = []
    done = 0
    for finding in findings:
        out += (text[done : finding.start], replacement(finding.entity))
        done = finding.end
    out.append(text[done:])
    return "".join(out)
