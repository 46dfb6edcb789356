"""From the errors of one trace to error facts: one for each occurrence, with category, severity and owner."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from errorplane.classification._conditions import Subject, compile_when
from errorplane.classification._observe import ObservedError
from errorplane.detectors import DataClass, most_sensitive
from errorplane.errors import Category, ErrorFact, Kind, Severity
from errorplane.policy import Policy, Service

# What a kind says about the category when nothing else does; the application only hints.
_CATEGORY_OF_KIND: Mapping[Kind, Category] = {
    Kind.TIMEOUT: Category.TRANSIENT,
    Kind.DEPENDENCY: Category.TRANSIENT,
    Kind.RATE_LIMIT: Category.TRANSIENT,
    Kind.RESOURCE: Category.TRANSIENT,
    Kind.CANCELLED: Category.TRANSIENT,
    Kind.VALIDATION: Category.PERSISTENT,
    Kind.AUTHENTICATION: Category.PERSISTENT,
    Kind.AUTHORIZATION: Category.PERSISTENT,
    Kind.NOT_FOUND: Category.PERSISTENT,
    Kind.CONFLICT: Category.PERSISTENT,
    Kind.CONFIGURATION: Category.PERSISTENT,
    Kind.BUSINESS: Category.PERSISTENT,
    Kind.BUG: Category.PERSISTENT,
}


@dataclass(frozen=True, slots=True)
class ClassifiedError:
    """An observed error with the pipeline's decision about it.

    ``occurrence`` is the same for all spans and log records that tell of one occurrence; exactly one of them is its
    ``origin``, and only that one yields an error fact. ``data_class`` is the most sensitive one of all of them;
    ``handled`` is False where one of them says that it was not.
    """

    observed: ObservedError
    occurrence: str
    origin: bool
    category: Category
    severity: Severity
    data_class: DataClass | None = None
    handled: bool | None = None
    attempt: int | None = None


class Classifier:
    """Categories, severities and owners according to one policy."""

    def __init__(self, policy: Policy) -> None:
        self._services = policy.services
        self._tier_of = policy.tier_of
        self._revision = policy.revision
        self._severity = _compile_severity(policy)

    def classify(self, errors: Sequence[ObservedError]) -> list[ClassifiedError]:
        """Decide about all errors of one trace together, in the order given."""
        occurrences = _occurrences(errors)
        cascading = _cascading(errors)
        origins = _origins(errors, occurrences)
        hidden = _data_classes(errors, occurrences)
        handled = _handled(errors, occurrences)
        attempts = _attempts(errors, occurrences)
        classified = []
        for index, (error, occurrence) in enumerate(zip(errors, occurrences, strict=True)):
            category = Category.CASCADING if _key(error) in cascading else _category(error)
            severity = self._severity(_subject(error, category), error.severity)
            origin = index == origins[occurrence]
            found = hidden.get(occurrence)
            told = handled.get(occurrence), attempts.get(occurrence)
            classified.append(ClassifiedError(error, occurrence, origin, category, severity, found, *told))
        return classified

    def fact(self, error: ClassifiedError, retention_class: str) -> ErrorFact:
        """The record of one occurrence."""
        seen = error.observed
        service = self._services.get(seen.service, _UNKNOWN_SERVICE)
        return ErrorFact(
            id=error.occurrence,
            time_unix_nano=seen.time_ns,
            trace_id=seen.trace_id.hex() or None,
            span_id=seen.span_id.hex() or None,
            fingerprint=seen.fingerprint,
            type=seen.type,
            message=seen.message,
            category=error.category,
            kind=seen.kind,
            severity=error.severity,
            service=seen.service,
            component=seen.component or service.component,
            team=service.team,
            tier=str(self._tier_of(seen.service)),
            zone=seen.zone or service.zone,
            deployment=seen.environment,
            correlation_id=seen.correlation_id,
            data_class=None if error.data_class is None else str(error.data_class),
            retention_class=retention_class,
            policy_version=self._revision,
            source=seen.source,
            count=1 + seen.suppressed,
            handled=error.handled,
            attempt=error.attempt,
        )


_UNKNOWN_SERVICE = Service()
_UNKNOWN_TYPE = "_OTHER"  # what the semantic conventions give for it


def _compile_severity(policy: Policy) -> Callable[[Subject, Severity | None], Severity]:
    """The first rule that matches decides, then the application's hint, then the default."""
    rules = tuple((compile_when(rule.when), Severity(rule.severity)) for rule in policy.severity.rules)
    default = Severity(policy.severity.default)
    return lambda subject, hint: next((severity for matches, severity in rules if matches(subject)), hint or default)


def _subject(error: ObservedError, category: Category) -> Subject:
    return Subject(
        signal="trace" if error.source == "span" else "log",
        error=True,
        services=frozenset({error.service}),
        kinds=frozenset({error.kind}),
        categories=frozenset({category}),
    )


def _category(error: ObservedError) -> Category:
    return _CATEGORY_OF_KIND.get(error.kind) or error.hint or Category.UNKNOWN


def _key(error: ObservedError) -> tuple[str, bytes]:
    return error.service, error.span_id


def _occurrences(errors: Sequence[ObservedError]) -> list[str]:
    """The id of the occurrence that each error belongs to.

    Same occurrence: the same id given by the application; or the same fingerprint in the same service on one span (its
    log record) or on a chain of parent and child spans (an exception that passed through them). A span that failed
    without an exception of its own tells of the one in its child, or else, as a call that went wrong does, of the one
    that it made its parent raise, or of the one for which its parent failed with the same status, or of the last one that
    was caught and logged in it or in its parent that failed too.
    """
    spans = {_key(error): error for error in errors if error.source == "span"}
    children: dict[tuple[str, bytes], list[ObservedError]] = {}
    for error in spans.values():
        if error.parent_span_id:
            children.setdefault((error.service, error.parent_span_id), []).append(error)
    logs = (error for error in errors if error.source == "log" and error.has_exception)
    logged = {_key(error): error for error in sorted(logs, key=lambda error: error.time_ns)}
    ids = []
    for error in errors:
        inner = _innermost(error, children, len(errors))
        if inner.source == "span" and not _tells_of_exception(inner):
            parent = spans.get((inner.service, inner.parent_span_id))
            told = None if parent is None else _innermost(parent, children, len(errors))
            if parent is not None and told is not None and _is_answer_to(inner, parent, told):
                inner = told
            else:
                caught = logged.get(_key(inner)) or (logged.get(_key(parent)) if parent is not None else None)
                inner = _innermost(caught or inner, children, len(errors))
        ids.append(inner.error_id or _derived_id(inner))
    return ids


def _tells_of_exception(error: ObservedError) -> bool:
    return error.has_exception or error.error_id is not None


def _is_answer_to(error: ObservedError, parent: ObservedError, told: ObservedError) -> bool:
    """Whether what the parent tells is the reason for a failure without an exception: the parent raised it, or failed
    with the same status, as a server does that sends a 502 for what was raised below it."""
    return _tells_of_exception(parent) or (parent.type == error.type != _UNKNOWN_TYPE and _tells_of_exception(told))


def _innermost(
    error: ObservedError, children: Mapping[tuple[str, bytes], Sequence[ObservedError]], limit: int
) -> ObservedError:
    for _ in range(limit):  # a forged trace may hold a cycle of parents
        if error.error_id is not None:
            break
        below = children.get((error.service, error.span_id), ())
        same = [child for child in below if child.fingerprint == error.fingerprint or not error.has_exception]
        if not same:
            break
        inner = next(filter(_tells_of_exception, same), same[0])
        error = inner
    return error


def _origins(errors: Sequence[ObservedError], occurrences: Sequence[str]) -> dict[str, int]:
    """For each occurrence the index of the error that tells most of it: with an exception, then on a span."""
    best: dict[str, int] = {}
    for index, occurrence in enumerate(occurrences):
        other = best.get(occurrence)
        if other is None or _telling(errors[index]) > _telling(errors[other]):
            best[occurrence] = index
    return best


def _data_classes(errors: Sequence[ObservedError], occurrences: Sequence[str]) -> dict[str, DataClass]:
    """For each occurrence in whose items something was hidden, the most sensitive class of that."""
    found: dict[str, DataClass] = {}
    for error, occurrence in zip(errors, occurrences, strict=True):
        if error.data_class is not None:
            other = found.get(occurrence, error.data_class)
            found[occurrence] = most_sensitive((error.data_class, other)) or other
    return found


def _handled(errors: Sequence[ObservedError], occurrences: Sequence[str]) -> dict[str, bool]:
    """For each occurrence of which something is known: what is logged where it was handled for once may still escape."""
    found: dict[str, bool] = {}
    for error, occurrence in zip(errors, occurrences, strict=True):
        if error.handled is not None:
            found[occurrence] = error.handled and found.get(occurrence, True)
    return found


def _attempts(errors: Sequence[ObservedError], occurrences: Sequence[str]) -> dict[str, int]:
    """For each occurrence the last attempt that failed with it."""
    found: dict[str, int] = {}
    for error, occurrence in zip(errors, occurrences, strict=True):
        if error.attempt is not None:
            found[occurrence] = max(error.attempt, found.get(occurrence, 0))
    return found


def _telling(error: ObservedError) -> tuple[bool, bool]:
    return error.has_exception, error.source == "span"


def _derived_id(error: ObservedError) -> str:
    """An id that the same telemetry always gets, so that what is sent twice after a crash can be told.

    Log records without a trace may have one time in many processes, and in one whose clock counts milliseconds: who sent
    them and their place in the request tell them apart.
    """
    if error.trace_id.strip(b"\0"):
        place = error.span_id or str(error.time_ns).encode()
    else:
        place = f"{error.time_ns} {error.item} {error.instance}".encode()
    parts = (error.trace_id, place, error.service.encode(), error.fingerprint.encode())
    return hashlib.blake2b(b"\0".join(parts), digest_size=16, person=b"errorplane.fact").hexdigest()


def _cascading(errors: Iterable[ObservedError]) -> set[tuple[str, bytes]]:
    """Errors above an error of another service in their trace: its consequences, not causes of their own."""
    spans = {_key(error): error for error in errors if error.source == "span"}
    children: defaultdict[bytes, list[ObservedError]] = defaultdict(list)
    for error in spans.values():
        children[error.parent_span_id].append(error)
    found: set[tuple[str, bytes]] = set()
    open_ends = [
        error
        for error in spans.values()
        if any(child.service != error.service for child in children.get(error.span_id, ()))
    ]
    parents = {error.span_id: error for error in spans.values()}
    while open_ends:
        error = open_ends.pop()
        if _key(error) in found:
            continue
        found.add(_key(error))
        parent = parents.get(error.parent_span_id)
        if parent is not None:
            open_ends.append(parent)
    return found
