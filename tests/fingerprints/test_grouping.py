"""Fingerprints group the recorded faults of real runtimes; `record.py` says how they were made."""

from __future__ import annotations

import hashlib

import pytest
from tests.fingerprints.measure import GOAL, grouping, samples
from tests.fingerprints.record import LANGUAGES, Sample

from errorplane.errors import fingerprint_of_text
from errorplane.redaction import Engine

ENGINE = Engine()


@pytest.mark.parametrize("language", LANGUAGES)
def test_precision_and_recall(language: str) -> None:
    """Errors of one fault have one fingerprint, those of two faults have two, by the goal that is published."""
    found = grouping(samples(language))
    assert found.faults >= 15
    assert found.precision >= GOAL, found
    assert found.recall >= GOAL, found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_measure_can_fail(language: str) -> None:
    """Fingerprints that take the whole text, or only the type, fall below the goal on the same samples."""
    whole = grouping(samples(language), lambda type_, message, stack: hashlib.sha256(stack.encode()).hexdigest())
    assert whole.recall < GOAL
    assert grouping(samples(language), lambda type_, message, stack: type_).precision < GOAL


def test_pairs_are_counted() -> None:
    """Two of three samples of one fault in one group, with one of another fault: one right pair of three, and of three."""
    found = [Sample(fault, "", group, "", "") for fault, group in (("a", "1"), ("a", "1"), ("a", "2"), ("b", "1"))]
    result = grouping(found, lambda type_, message, stack: type_)
    assert result == (1 / 3, 1 / 3, 4, 2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_redaction_hides_does_not_matter(language: str) -> None:
    """The processor masks messages and stacks before it reads them."""
    masked = [
        sample._replace(
            message=ENGINE.redact(sample.message, "exception.message")[0],
            stack=ENGINE.redact(sample.stack, "exception.stacktrace")[0],
        )
        for sample in samples(language)
    ]
    assert grouping(masked).is_good


@pytest.mark.parametrize("language", LANGUAGES)
def test_line_ends_and_spaces_around_do_not_matter(language: str) -> None:
    """A stack that came through Windows or was stripped is the same."""
    for sample in samples(language):
        known = fingerprint_of_text(sample.type, sample.message, sample.stack)
        for stack in (sample.stack.replace("\n", "\r\n"), sample.stack.rstrip(), sample.stack + "\n\n"):
            assert fingerprint_of_text(sample.type, sample.message, stack) == known, stack


@pytest.mark.parametrize("language", LANGUAGES)
def test_any_part_of_a_stack_is_read(language: str) -> None:
    """Text that is cut anywhere, as by the limits of an SDK, never raises."""
    for sample in samples(language)[::7]:
        for end in range(0, min(len(sample.stack), 3_000), 61):
            assert fingerprint_of_text(sample.type, sample.message, sample.stack[:end])
            assert fingerprint_of_text("", "", sample.stack[end:])
