"""Measure contenders on the corpora and on logs."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.accuracy.contenders import Contender
from tests.accuracy.corpus import corpus
from tests.accuracy.logs import Line, ordinary_lines, read_folder
from tests.accuracy.page import Hits, Part
from tests.accuracy.scoring import ANY, Sample, Span, score
from tests.accuracy.synth import synth

# Addresses are real ones in logs; LogHub's mailboxes and MAC addresses were looked at, and are real too.
REAL = frozenset(("IP_ADDRESS", "MAC_ADDRESS", "EMAIL_ADDRESS"))


def parts(contenders: Sequence[Contender]) -> dict[str, Part]:
    """The two corpora, each in its development and its held-out half."""
    halves = {
        "synth": ("Presidio's synthetic prose, development templates", [each for each in synth() if not each.held_out]),
        "synth held out": (
            "Presidio's synthetic prose, held-out templates",
            [each for each in synth() if each.held_out],
        ),
        "telemetry": ("Telemetry, development templates", [each for each in corpus() if not each.held_out]),
        "telemetry held out": ("Telemetry, held-out templates", [each for each in corpus() if each.held_out]),
    }
    return {name: part(title, samples, contenders) for name, (title, samples) in halves.items()}


def part(title: str, samples: Sequence[Sample], contenders: Iterable[Contender]) -> Part:
    """Everybody's scores on the same samples."""
    return Part(title, len(samples), {each.name: score(samples, each.find(samples)) for each in contenders})


def generated_logs(contenders: Sequence[Contender]) -> Hits:
    """The ordinary lines of ``logs``: what is hit is wrong, unless it is an IP address and no version."""
    return _hits("generated", ordinary_lines(), contenders, frozenset(("IP_ADDRESS",)))


def folder_logs(folder: Path, contenders: Sequence[Contender]) -> list[Hits]:
    """Each file of a folder of logs."""
    return [_hits(name, [Line(text, ()) for text in lines], contenders, REAL) for name, lines in read_folder(folder)]


def _hits(title: str, lines: Sequence[Line], contenders: Sequence[Contender], real: frozenset[str]) -> Hits:
    samples = [Sample(line.text, (), title) for line in lines]
    hit: dict[str, int] = {}
    entities: dict[str, Counter[str]] = {}
    for contender in contenders:
        hit[contender.name], entities[contender.name] = 0, Counter()
        for line, spans in zip(lines, contender.find(samples), strict=True):
            wrong = [span.entity for span in spans if not _is_real(span, line, real)]
            hit[contender.name] += bool(wrong)
            entities[contender.name].update(set(wrong))
    return Hits(title, len(lines), hit, entities)


def _is_real(span: Span, line: Line, real: frozenset[str]) -> bool:
    """Whether it is an address, also if who found it does not say so, and no version."""
    if any(span.start < end and start < span.end for start, end in line.versions):
        return False
    return span.entity in real or (span.entity == ANY and _is_address(line.text[span.start : span.end]))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
