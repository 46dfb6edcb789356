"""Numbers of patients, insured persons, accounts and postal districts: any form, since every house has its own."""

from __future__ import annotations

from errorplane.detectors.identifiers._checksums import plain
from errorplane.detectors.identifiers._contextual import bounded, contextual

_DATE = r"(?!(?:19|20)[0-9]{2}[-/.][0-9]{1,2}[-/.][0-9])"
_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_RECORD = bounded(rf"{_UUID}|{_DATE}[a-z]{{0,4}}[-:#/]?[0-9][0-9a-z]{{0,11}}(?:-[0-9a-z]{{1,8}}){{0,3}}")
_MEMBER = bounded(rf"{_DATE}(?:[a-z]{{1,4}}-?)?[0-9][0-9a-z]{{2,14}}(?:-[0-9a-z]{{1,8}}){{0,3}}")
_ACCOUNT = bounded(rf"{_DATE}(?:[a-z]{{1,4}}-?)?[0-9](?:[ -]?[0-9]){{4,18}}(?![./:-][0-9])")
_ZIP = bounded(
    r"[0-9]{5}(?:[-+ ]?[0-9]{4})?|[0-9]{3,4} ?[a-z]{2}|[a-z]{1,2}[0-9][0-9a-z]? ?[0-9][a-z]{2}|[a-z][0-9][a-z] ?[0-9][a-z][0-9]"
    r"|(?:[a-z]{1,2}-)?[0-9]{3,6}(?:[- ][0-9]{2,4})?"
)


def _has_digits(number: str) -> bool:
    return sum(map(str.isdigit, number)) >= 4


def _is_account(number: str) -> bool:
    return len(plain(number)) >= 5


def _is_zip(code: str) -> bool:
    return not code.endswith((" ms", " kb", " mb", " gb", " no", " is", " at", " in", " on"))


RECORD_NUMBER = contextual("MEDICAL_RECORD_NUMBER", ("mrn",), _RECORD, _has_digits, near=24, score=0.85)
PLAN_NUMBER = contextual("HEALTH_PLAN_NUMBER", ("plan",), _MEMBER, _has_digits, near=24, score=0.7)
ACCOUNT_NUMBER = contextual("ACCOUNT_NUMBER", ("account",), _ACCOUNT, _is_account, near=20, score=0.7)
ZIP_CODE = contextual("ZIP_CODE", ("zip",), _ZIP, _is_zip, near=12, score=0.7)
