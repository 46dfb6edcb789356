"""AWS access key ids (IAM user guide, "Understanding unique ID prefixes") and the secret keys beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject

_ID = lazy(r"(?<![0-9A-Z])A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}(?![0-9A-Za-z])")
_SECRET = lazy(r"(?<![0-9A-Za-z/+=])(?=[0-9A-Za-z/+]*[A-Z])(?=[0-9A-Za-z/+]*[g-z])[0-9A-Za-z/+]{40}(?![0-9A-Za-z/+=])")


def _find(subject: Subject) -> Iterable[Finding]:
    text = subject.text
    has_id = ("KIA" in text or "SIA" in text or "BIA" in text or "CCA" in text) and _ID.search(text) is not None
    if has_id or ("aws" in subject.low and "secret" in subject.low):
        return _find_keys(text)
    return ()


def _find_keys(text: str) -> Iterator[Finding]:
    for match in _ID.finditer(text):
        yield Finding("AWS_KEY", match.start(), match.end(), 1.0, "prefix and length of an access key id")
    for match in _SECRET.finditer(text):
        yield Finding("AWS_KEY", match.start(), match.end(), 0.8, "shape of a secret key, beside a key id or name")


AWS = Detector("AWS_KEY", (rb"A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}", rb"(?i)secret"), _find)
