"""Run detectors over a text and put replacements in place of what they find."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Container, Iterator, Sequence

from errorplane.detectors._classes import data_class, sensitivity
from errorplane.detectors._lazy import Gates
from errorplane.detectors._model import Detector, Finding, Subject, Transform, replacement
from errorplane.detectors.context._keys import KeyClass, key_class
from errorplane.detectors.identifiers import COMMON, IDENTIFIERS
from errorplane.detectors.secrets import SECRETS
from errorplane.detectors.text._base64 import BASE64_GATE, decoded_runs
from errorplane.detectors.text._escapes import ESCAPE_GATES, readings
from errorplane.detectors.text._fold import gates
from errorplane.detectors.text._values import REPLACED, may_hold_replacement
from errorplane.detectors.text._words import ANY, words_in

ALL: tuple[Detector, ...] = (*COMMON, *IDENTIFIERS, *SECRETS)
FOLDED_GATES = Gates(lambda: (*gates(), *ESCAPE_GATES, BASE64_GATE))
"""Hyperscan expressions for every detector: one matches where a text is read in another way than its bytes say."""
_MAX_ROUNDS = 4
_NEVER_STORED = frozenset(("CVV", "TRACK_DATA"))
_MAX_DEPTH = 3  # of base64 in base64


def find(
    text: str,
    key: str | None = None,
    detectors: Sequence[Detector] = ALL,
    *,
    kind: KeyClass | None = None,
    allow: Container[str] = (),
) -> list[Finding]:
    """What has to be hidden in ``text``, in order, none overlapping; ``key`` is the attribute's name, if it has one.

    What stands in percent-encoding or in JSON or HTML escapes is found as well. Where findings overlap they become one,
    which covers all of them, is named after the surest, then the most sensitive, then the longest, and tells what else is
    in it (``also``).
    ``kind`` overrides what the key says (a value inside of a secret is one, whatever its own key). What is literally in
    ``allow`` is no finding, nor is what lies within something that was put in place of one.

    >>> [(f.entity, f.start, f.end) for f in find("mail bob@example.com")]
    [('EMAIL_ADDRESS', 5, 20)]
    """
    if kind is None:
        kind = KeyClass.NONE if key is None else key_class(key)
    name = key or ""
    found = _look(text, kind, name, detectors, allow, 0)
    if not found:
        return found
    if may_hold_replacement(text):
        found = _outside(found, [match.span() for match in REPLACED.finditer(text)])
    if allow:
        found = [finding for finding in found if text[finding.start : finding.end] not in allow]
    return found if len(found) < 2 else _merged(found)


def _look(
    text: str, kind: KeyClass, name: str, detectors: Sequence[Detector], allow: Container[str], depth: int
) -> list[Finding]:
    subject = Subject.of(text, kind, name)
    found = _all(subject, detectors)
    found += _find_decoded(subject, detectors, allow, depth)
    for plain in readings(subject.text):
        subject = Subject.of(plain.text, kind, name)
        for finding in (*_all(subject, detectors), *_find_decoded(subject, detectors, allow, depth)):
            start, end = plain.raw(finding.start), plain.raw(finding.end)
            found.append(Finding(finding.entity, start, end, finding.score, finding.reason, finding.also))
    return found


def _find_decoded(
    subject: Subject, detectors: Sequence[Detector], allow: Container[str], depth: int
) -> Iterator[Finding]:
    """What is in base64, as a whole: under the name of the surest that is found in it."""
    for run in decoded_runs(subject.text, subject.shape) if depth < _MAX_DEPTH else ():
        found = _look(run.text, KeyClass.NONE, "", detectors, allow, depth + 1)
        found = [finding for finding in found if run.text[finding.start : finding.end] not in allow]
        if found:
            best = max(found, key=_weight)
            reason = f"in base64: {best.reason}"
            yield Finding(best.entity, run.start, run.end, best.score, reason, _others(best, found))


def _all(subject: Subject, detectors: Sequence[Detector]) -> list[Finding]:
    """Detectors that need some kind of word, or context, are asked only where that is; most lines have neither."""
    found: list[Finding] = []
    bits, speaks = 0, False
    for detector in detectors:
        if detector.words != ANY and not speaks:
            if not bits:
                bits, speaks = words_in(subject.shape), bool(subject.context().topics)
            if not detector.words & bits and not speaks:
                continue
        found += detector.find(subject)
    return found


def _outside(found: list[Finding], replaced: list[tuple[int, int]]) -> list[Finding]:
    """Without what lies within a replacement: the letters of a token may look like anything."""
    starts = [start for start, _ in replaced]
    return [each for each in found if not _within(each, replaced, bisect_right(starts, each.start) - 1)]


def _within(finding: Finding, replaced: list[tuple[int, int]], at: int) -> bool:
    return at >= 0 and finding.end <= replaced[at][1]


def _merged(found: list[Finding]) -> list[Finding]:
    found.sort(key=_start)
    out = [found[0]]
    for finding in found[1:]:
        last = out[-1]
        if finding.start >= last.end:
            out.append(finding)
        else:
            best = max(last, finding, key=_weight)
            end = max(last.end, finding.end)
            out[-1] = Finding(best.entity, last.start, end, best.score, best.reason, _others(best, (last, finding)))
    return out


def _others(best: Finding, found: Collection[Finding]) -> frozenset[str]:
    """What is in one place besides the entity that names it."""
    if all(finding.entity == best.entity and not finding.also for finding in found):  # two readings of the same
        return frozenset()
    return frozenset(entity for finding in found for entity in finding.entities) - {best.entity}


def _start(finding: Finding) -> int:
    return finding.start


def _weight(finding: Finding) -> tuple[bool, float, int, int]:
    # What must never be stored names the whole, since that is dropped; another name may make a token of it.
    never = finding.entity in _NEVER_STORED
    return never, finding.score, -sensitivity(data_class(finding.entity)), finding.end - finding.start


def redact(
    text: str,
    key: str | None = None,
    detectors: Sequence[Detector] = ALL,
    *,
    kind: KeyClass | None = None,
    allow: Container[str] = (),
    transform: Transform | None = None,
) -> tuple[str, list[Finding]]:
    """The text with ``<ENTITY>`` in place of every finding, and the findings (in code points of ``text``).

    ``transform`` says what stands in place of a finding instead; where that is what stood there, nothing was hidden and
    the finding is left out. A second call with its own result changes nothing: where a replacement makes its
    surroundings look like something to hide, that is hidden as well, and a text that does not come to rest is replaced
    as a whole.

    >>> redact("mail bob@example.com")[0]
    'mail <EMAIL_ADDRESS>'
    """
    return settle(text, lambda each: find(each, key, detectors, kind=kind, allow=allow), transform)


def settle(
    text: str, look: Callable[[str], list[Finding]], transform: Transform | None = None
) -> tuple[str, list[Finding]]:
    """``redact`` with any way to look for findings."""
    hidden: list[Finding] = []
    for rounds in range(_MAX_ROUNDS + 1):
        changes = _changes(text, look(text), transform)
        if not changes:
            break
        if not rounds:
            hidden = [finding for finding, _ in changes]
        if rounds == _MAX_ROUNDS:
            return replacement(changes[0][0].entity), hidden
        text = _replaced(text, changes)
    return text, hidden


def _changes(text: str, found: list[Finding], transform: Transform | None) -> list[tuple[Finding, str]]:
    if transform is None:
        return [(finding, replacement(finding.entity)) for finding in found]
    values = [(finding, text[finding.start : finding.end]) for finding in found]
    return [(finding, new) for finding, value in values if (new := transform(finding, value)) != value]


def _replaced(text: str, changes: list[tuple[Finding, str]]) -> str:
    out: list[str] = []
    done = 0
    for finding, new in changes:
        out += (text[done : finding.start], new)
        done = finding.end
    out.append(text[done:])
    return "".join(out)
