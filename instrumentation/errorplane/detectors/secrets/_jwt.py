"""JSON web tokens (RFC 7519): base64url of a JSON header, then payload and signature (five parts when encrypted)."""

from __future__ import annotations

from collections.abc import Iterable

from errorplane.detectors._lazy import lazy
from errorplane.detectors._model import Detector, Finding, Subject

_JWT = lazy(r"eyJ(?<![0-9A-Za-z_-]eyJ)[0-9A-Za-z_-]{5,}\.[0-9A-Za-z_-]{2,}(?:\.[0-9A-Za-z_-]*){0,3}")


def _find(subject: Subject) -> Iterable[Finding]:
    if "eyJ" not in subject.text:
        return ()
    reason = "base64url of a JSON header and its payload"
    return [Finding("JWT", match.start(), match.end(), 1.0, reason) for match in _JWT.finditer(subject.text)]


JWT = Detector("JWT", (rb"eyJ[0-9A-Za-z_-]{5}",), _find)
