"""One line at a time: read in its format, looked at, redacted."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from errorplane.detectors import TOP
from errorplane.redaction._quarantine import DEPTH, ENCODING, SIZE
from errorplane.scan._checker import Checker, unseen
from errorplane.scan._document import NotJson, Object, TooDeep, parse
from errorplane.scan._model import Entity, Result
from errorplane.scan._otlp import OtlpWalk, is_request
from errorplane.scan._walk import Walk, in_order

FORMATS = ("text", "ndjson", "otlp")
_BOM = "\ufeff"
# What is written in another way than it is looked at: escapes, numbers with an exponent, base64.
_INDIRECT = re.compile(rb"\\|[:,\[ \t]-?[0-9][0-9.]*[eE]|ytes")


class Scanner:
    """Scans lines of one format: ``text``, ``ndjson`` (a JSON document each) or ``otlp`` (an Export request each)."""

    def __init__(self, checker: Checker, form: str = "text") -> None:
        self._checker = checker
        self._form = form
        # Names of several words may be spread over objects in each other, of which a look at the whole line knows nothing.
        self._quick = form == "otlp" or not any("." in key for key in checker.keys)

    def scan(self, line: bytes | None) -> Result:
        """What is in a line, without its end, and what becomes of it; None is one that was too long to read."""
        if line is None:
            return self._quarantined(SIZE)
        try:
            text = line.decode()
        except UnicodeDecodeError:
            return self._quarantined(ENCODING, line.decode(errors="replace"))
        if self._form == "text" or not text.strip():
            return Result(text) if self._checker.is_clean(line) else self._as_text(text)
        if self._quick and not _INDIRECT.search(line) and self._checker.is_clean(line):
            return self._clean_document(text)
        return self._as_document(text)

    def _clean_document(self, text: str) -> Result:
        """A line with nothing in it; its places need not be known, only whether it is a document."""
        try:
            document = json.loads(text.removeprefix(_BOM))
        except RecursionError:
            return self._as_document(text)
        except ValueError:
            return Result(text, note="not JSON")
        return Result(
            text,
            note=None
            if self._form == "ndjson" or (isinstance(document, dict) and is_request(document))
            else "not OTLP",
        )

    def _as_text(self, text: str, note: str | None = None) -> Result:
        looked = self._checker.look(text, free=True)
        path = None if self._form == "text" else ""
        found = tuple(
            Entity(each.entity, each.start, each.end, each.score, self._checker.action(each), path, each.also)
            for each in looked.findings
        )
        return Result(looked.text, found, (looked.quarantined,) if looked.quarantined else (), note)

    def _as_document(self, text: str) -> Result:
        try:
            node = parse(text, int(text.startswith(_BOM)))
        except NotJson:
            return self._as_text(text, "not JSON")
        except TooDeep:
            return self._quarantined(DEPTH, text)
        note = None
        walk: Walk
        if self._form == "otlp" and isinstance(node, Object) and is_request(name.value for name, _ in node.members):
            walk = request = OtlpWalk(text, self._checker)
            request.request(node)
        else:
            walk = Walk(text, self._checker)
            walk.value(node, TOP, None)
            note = "not OTLP" if self._form == "otlp" else None
        return Result(walk.redacted(), in_order(walk.entities), tuple(walk.quarantined), note)

    def _quarantined(self, reason: str, text: str = "") -> Result:
        """A line that goes as a whole; what can be seen in it all the same is named."""
        seen = self._as_text(text).entities
        entities = tuple(replace(each, action="quarantine") for each in seen)
        new = unseen(reason).text
        return Result(new if self._form == "text" else json.dumps(new), entities, (reason,))
