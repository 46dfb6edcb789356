"""Measure how well fingerprints group the recorded faults: `python -m tests.fingerprints.measure`.

Over all pairs of samples of one language: precision is the share of the pairs with one fingerprint that are of one fault,
recall the share of the pairs of one fault that have one fingerprint. Ends with 1 where either is below the goal.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from tests.fingerprints.record import LANGUAGES, RECORDED, Sample

from errorplane.errors import fingerprint_of_text

GOAL: Final = 0.95
Fingerprint = Callable[[str, str, str], str]


class Grouping(NamedTuple):
    """Pairwise precision and recall, 0 to 1, and the numbers of samples and faults they are of."""

    precision: float
    recall: float
    samples: int
    faults: int

    @property
    def is_good(self) -> bool:
        return self.precision >= GOAL and self.recall >= GOAL


def samples(language: str) -> list[Sample]:
    """The recorded samples of a language."""
    lines = (RECORDED / f"{language}.jsonl").read_text().splitlines()
    return [Sample(**json.loads(line)) for line in lines[1:]]


def grouping(found: Iterable[Sample], fingerprint: Fingerprint = fingerprint_of_text) -> Grouping:
    """How well the fingerprint groups the samples."""
    cells = Counter((sample.fault, fingerprint(sample.type, sample.message, sample.stack)) for sample in found)
    of_fault: Counter[str] = Counter()
    of_group: Counter[str] = Counter()
    for (fault, group), count in cells.items():
        of_fault[fault] += count
        of_group[group] += count
    right = _pairs(cells.values())
    return Grouping(
        right / (_pairs(of_group.values()) or 1),
        right / (_pairs(of_fault.values()) or 1),
        sum(cells.values()),
        len(of_fault),
    )


def _pairs(counts: Iterable[int]) -> int:
    return sum(count * (count - 1) // 2 for count in counts)


def mistakes(found: Iterable[Sample]) -> list[str]:
    """Which faults are split, and which are taken for one."""
    groups: dict[str, set[str]] = defaultdict(set)
    faults: dict[str, dict[str, str]] = defaultdict(dict)
    for sample in found:
        group = fingerprint_of_text(sample.type, sample.message, sample.stack)
        groups[group].add(sample.fault)
        faults[sample.fault].setdefault(group, sample.variant)
    split = [f"split: {fault}: {'; '.join(by.values())}" for fault, by in faults.items() if len(by) > 1]
    return split + [f"one: {', '.join(sorted(names))}" for names in groups.values() if len(names) > 1]


def main() -> int:
    good = True
    for language in LANGUAGES:
        found = samples(language)
        result = grouping(found)
        good &= result.is_good
        sys.stdout.write(
            f"{language:11} precision {result.precision:.4f}  recall {result.recall:.4f}"
            f"  {result.samples} samples of {result.faults} faults\n"
        )
        sys.stdout.writelines(f"  {line}\n" for line in mistakes(found))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
