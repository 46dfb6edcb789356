"""The cost of redaction beside Presidio's, in one run: per string, each once, and per clean span of a whole request.

Presidio: an ``AnalyzerEngine`` with its default English pattern recognisers, spaCy's blank pipeline and no NER. Every
round has new texts and both look at the same ones, so that nothing is remembered. Time is CPU time of one thread.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from tests.bench import traffic
from tests.bench.lines import CLEAN, DENSE, lines

from errorplane.detectors import ALL, Detector
from errorplane.otlp import Signal
from errorplane.otlp._wire import items, walk
from errorplane.redaction import Redactor

_NINE = 9
_GOALS = {"clean": (10.0, 100), "dense": (100.0, 20)}  # us a string; how many times less than Presidio
_SPAN_GOAL = 2.0


@dataclass
class Timed:
    """One contender: what it does to a text, and microseconds a text in each round, by kind of text."""

    name: str
    look: Callable[[str], object]
    us: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in _GOALS})


def presidio() -> AnalyzerEngine:
    """Presidio without a model."""
    nlp = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
    nlp.nlp = {"en": spacy.blank("en")}  # type: ignore[assignment]  # it is annotated as None, and a dict once loaded
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("SpacyRecognizer")
    return AnalyzerEngine(nlp_engine=nlp, registry=registry, supported_languages=["en"])


def nine_of(entities: Sequence[str]) -> tuple[Detector, ...]:
    """The first nine detectors of ``ALL`` for entities that Presidio's default recognisers know too."""
    return tuple(detector for detector in ALL if detector.entity in entities)[:_NINE]


def per_string(contenders: Sequence[Timed], rounds: int, texts: int) -> None:
    """Every contender looks at every text once, in turn."""
    for number in range(rounds):
        made = {"clean": lines(CLEAN, texts, 2 * number), "dense": lines(DENSE, texts, 2 * number + 1)}
        for kind, batch in made.items():
            for contender in contenders:
                contender.us[kind].append(_per_text(contender.look, batch))
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)


def _per_text(look: Callable[[str], object], texts: Sequence[str]) -> float:
    started = time.thread_time()
    for text in texts:
        look(text)
    return (time.thread_time() - started) / len(texts) * 1e6


def per_span(redactor: Redactor, rounds: int, spans: int) -> list[float]:
    """Microseconds a clean span, with the walk over the request, in each round."""
    out = []
    for number in range(rounds):
        bodies = list(traffic.requests(spans, seed=number, pii_spans=0.0))
        count = sum(len(items(Signal.TRACES, body)) for body in bodies)
        started = time.thread_time()
        for body in bodies:
            redactor.redact(Signal.TRACES, body, walk(Signal.TRACES, body))
        out.append((time.thread_time() - started) / count * 1e6)
    return out


def _table(contenders: Sequence[Timed], spans: dict[str, list[float]]) -> str:
    base = contenders[0]
    rows = [
        "| | " + " | ".join(f"{kind}: us/string (min-max) | of Presidio" for kind in _GOALS) + " | us/clean span |",
        "| --- |" + " --- |" * 5,
    ]
    for contender in contenders:
        cells = []
        for kind, us in contender.us.items():
            share = statistics.median(base.us[kind]) / statistics.median(us)
            cells += [_spread(us), "1" if contender is base else f"1/{share:,.0f}"]
        cells.append(_spread(spans[contender.name]) if contender.name in spans else "")
        rows.append(f"| {contender.name} | " + " | ".join(cells) + " |")
    goals = [cell for us, share in _GOALS.values() for cell in (f"at most {us:g}", f"1/{share}")]
    rows.append("| goal, nine detectors | " + " | ".join(goals) + f" | at most {_SPAN_GOAL:g} |")
    return "\n".join(rows)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):,.2f} ({min(values):,.2f}-{max(values):,.2f})"


def main() -> int:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds, each with new texts (default: 5)")
    parser.add_argument("--texts", type=int, default=500, help="texts of each kind in a round (default: 500)")
    parser.add_argument("--spans", type=int, default=20_000, help="spans in a round (default: 20,000)")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    analyzer = presidio()
    nine = nine_of(analyzer.get_supported_entities("en"))
    engines = {"nine detectors": Redactor(nine), f"all {len(ALL)} detectors": Redactor(ALL)}
    contenders = [Timed("Presidio", lambda text: analyzer.analyze(text, "en"))]
    contenders += [Timed(name, redactor.engine.redact) for name, redactor in engines.items()]
    per_string([Timed(each.name, each.look) for each in contenders], 1, 20)  # imports, tables and lazy parts
    per_string(contenders, args.rounds, args.texts)
    spans = {name: per_span(redactor, args.rounds, args.spans) for name, redactor in engines.items()}
    print(
        f"{args.texts} texts of each kind and {args.spans:,} spans of {_span_bytes()} bytes a round, {args.rounds} rounds, "
        f"each text once, CPU time of one thread, median (min-max); load of the machine {os.getloadavg()[0]:.1f} on "
        f"{os.cpu_count()} cores\nnine detectors: {', '.join(each.entity for each in nine)}\n"
    )
    print(_table(contenders, spans))
    return 0


def _span_bytes() -> int:
    body = next(traffic.requests(1000, seed=0, pii_spans=0.0))
    return len(body) // len(items(Signal.TRACES, body))


if __name__ == "__main__":
    sys.exit(main())
