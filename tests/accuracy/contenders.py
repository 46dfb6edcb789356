"""Who is measured: errorplane, stock Presidio, and the Collector's redaction processor. Each says what it would hide."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import grpc
import spacy
import tldextract
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from presidio_analyzer.predefined_recognizers import SpacyRecognizer
from spacy.language import Language
from tests.accuracy.scoring import ANY, Sample, Span
from tests.support.collector_tools import read_items, run_collector

from errorplane.detectors import find

_MASK = "****"
_EXPORT = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
_BATCH = 500
_LIMIT = 64 << 20


class Contender(Protocol):
    """Finds personal data in texts."""

    name: str

    def find(self, samples: Sequence[Sample]) -> list[list[Span]]:
        """What it would hide, for each sample."""


class Errorplane:
    """The default detectors, as processor and application run them."""

    name = "errorplane"

    def find(self, samples: Sequence[Sample]) -> list[list[Span]]:
        """By text and attribute key."""
        return [[Span(each.entity, each.start, each.end) for each in find(one.text, one.key)] for one in samples]


class Presidio:
    """``AnalyzerEngine`` with its predefined English recognisers of patterns, a blank spaCy model and no NER.

    All of its results count (its threshold is 0 by default), overlapping ones of one entity once.
    """

    name = "Presidio"

    def __init__(self) -> None:
        # Its recogniser of e-mail addresses would fetch a list of public suffixes; the copy in the package is used.
        setattr(tldextract, "extract", tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None))  # noqa: B010 - its type is that of the function it replaces
        engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
        setattr(engine, "nlp", {"en": _blank()})  # noqa: B010 - typed as None until a model is loaded
        registry = RecognizerRegistry()
        registry.load_predefined_recognizers(languages=["en"], nlp_engine=engine)
        registry.recognizers = [each for each in registry.recognizers if not isinstance(each, SpacyRecognizer)]
        self._analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])

    def find(self, samples: Sequence[Sample]) -> list[list[Span]]:
        """By text; it has no notion of a key."""
        return [self._find(sample.text) for sample in samples]

    def _find(self, text: str) -> list[Span]:
        return [Span(each.entity_type, each.start, each.end) for each in self._analyzer.analyze(text, language="en")]


def _blank() -> Any:
    """English tokens whose lemma is the word itself, so that Presidio's words of context work."""
    model = spacy.blank("en")

    @Language.component("lower_lemmas")
    def lower_lemmas(doc: Any) -> Any:
        for each in doc:
            each.lemma_ = each.lower_
        return doc

    model.add_pipe("lower_lemmas")
    return model


class Collector:
    """The Collector's redaction processor with the patterns of its README, as a real process over OTLP/gRPC.

    A text is a log record's body, or an attribute where it has a key. The processor says neither what it found nor
    where; both are read from what it puts in place.
    """

    name = "Collector"
    _CONFIG = """
receivers:
  otlp: {protocols: {grpc: {endpoint: "${env:ERRORPLANE_ACCURACY_GRPC}", max_recv_msg_size_mib: 64}}}
processors:
  redaction:
    allow_all_keys: true
    redact_all_types: true
    blocked_key_patterns: [".*token.*", ".*api_key.*"]
    blocked_values:
      - "4[0-9]{12}(?:[0-9]{3})?"
      - "(5[1-5][0-9]{14})"
      - "(?:[0-9]{1,3}\\\\.){3}[0-9]{1,3}"
      - "(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}"
    summary: silent
exporters:
  file: {path: ./out.jsonl}
extensions:
  health_check: {endpoint: "${env:ERRORPLANE_ACCURACY_HEALTH}"}
service:
  extensions: [health_check]
  telemetry: {metrics: {level: none}}
  pipelines:
    logs: {receivers: [otlp], processors: [redaction], exporters: [file]}
"""

    def find(self, samples: Sequence[Sample]) -> list[list[Span]]:
        """Raises MissingTool where no Collector is built, AssertionError where a record does not come out."""
        with tempfile.TemporaryDirectory(prefix="errorplane-accuracy-") as name:
            folder = Path(name)
            config = folder / "collector.yaml"
            config.write_text(self._CONFIG)
            with run_collector(config, folder) as collector, grpc.insecure_channel(collector.address()) as channel:
                call = channel.unary_unary(_EXPORT, request_serializer=None, response_deserializer=None)
                for start in range(0, len(samples), _BATCH):
                    call(_request(samples[start : start + _BATCH], start).SerializeToString(), timeout=60)
            texts = _texts(folder / "out.jsonl", len(samples))
        return [_masked(sample.text, text) for sample, text in zip(samples, texts, strict=True)]


def _request(samples: Sequence[Sample], first: int) -> ExportLogsServiceRequest:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for number, sample in enumerate(samples, first):
        record = records.add(event_name=str(number))
        if sample.key is None:
            record.body.string_value = sample.text
        else:
            record.attributes.add(key=sample.key).value.string_value = sample.text
    return request


def _texts(file: Path, count: int) -> list[str]:
    out = {}
    for item in read_items(file, "logs"):
        body = item.body
        values = body["attributes"] if body.get("attributes") else [{"value": body.get("body", {})}]
        out[int(body["eventName"])] = values[0]["value"].get("stringValue", "")
    missing = count - len(out)
    if missing:
        raise AssertionError(f"{missing} of {count} records did not come out of the Collector")
    return [out[number] for number in range(count)]


def _masked(text: str, after: str) -> list[Span]:
    """Which parts of a text stand as a mask in what came out."""
    if _MASK not in after:
        return []
    found = re.fullmatch("(.+?)".join(map(re.escape, after.split(_MASK))), text, re.DOTALL)
    if found is None:
        raise AssertionError(f"the Collector did more than mask: {after!r}")
    return [Span(ANY, *found.span(number)) for number in range(1, len(found.groups()) + 1)]
