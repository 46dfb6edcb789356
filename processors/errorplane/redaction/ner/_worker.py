"""The program of the process in which a spaCy model runs; it is started by its path and imports nothing of errorplane.

In and out go frames: four bytes of length, big-endian, then JSON. The first frame out says what the model knows, or what
is wrong; after that each text in (a JSON string) has one frame out, a list of [start, end, label] in code points.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import warnings
from typing import Any, BinaryIO

_NEEDED = ("tok2vec", "transformer", "curated_transformer", "ner", "entity_ruler", "span_ruler", "sentencizer")


def main(model: str) -> None:
    """Answer until there is nothing more to read."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends this by closing the pipe
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the frames
    warnings.simplefilter("ignore")
    try:
        nlp = _loaded(model)
    except Exception as error:  # noqa: BLE001  # whatever a model's own code raises is the answer
        _write(sink, {"error": f"{type(error).__name__}: {error}"})
        return
    _write(sink, {"labels": sorted(set(nlp.get_pipe("ner").labels)) if nlp.has_pipe("ner") else []})
    while (text := _read(source)) is not None:
        _write(sink, [(each.start_char, each.end_char, each.label_) for each in nlp(text).ents])


def _loaded(model: str) -> Any:
    import spacy

    nlp = spacy.load(model)
    nlp.select_pipes(enable=[name for name in nlp.pipe_names if name in _NEEDED])
    nlp("Warm up.")
    return nlp


def _read(source: BinaryIO) -> str | None:
    head = source.read(4)
    return str(json.loads(source.read(int.from_bytes(head, "big")))) if len(head) == 4 else None


def _write(sink: BinaryIO, answer: object) -> None:
    body = json.dumps(answer).encode()
    sink.write(len(body).to_bytes(4, "big") + body)
    sink.flush()


if __name__ == "__main__":
    main(sys.argv[1])
