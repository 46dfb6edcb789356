"""The revision names what a policy means."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from errorplane.policy import LoadResult

Read = Callable[..., LoadResult]
SMALL = (Path(__file__).parent / "testdata" / "policy.small.good.yaml").read_text()


def revision(reading: Read, text: str, **more: Any) -> str:
    """Revision of a policy given as text."""
    policy = reading(text, **more).policy
    assert policy is not None
    return policy.revision


def shuffled(value: Any, seed: random.Random) -> Any:
    """``value`` with the keys of every mapping in another order."""
    if isinstance(value, dict):
        items = [(key, shuffled(one, seed)) for key, one in value.items()]
        seed.shuffle(items)
        return dict(items)
    return [shuffled(one, seed) for one in value] if isinstance(value, list) else value


def test_revision_is_12_hex_digits(reading: Read) -> None:
    """Short enough for an attribute on every resource."""
    assert re.fullmatch("[0-9a-f]{12}", revision(reading, SMALL))


def test_layout_does_not_matter(reading: Read) -> None:
    """Order of keys, comments, block or flow style, folder, and defaults written out leave it as it is."""
    expected = revision(reading, SMALL)
    tree = yaml.safe_load(SMALL)
    for seed in range(5):
        text = yaml.safe_dump(shuffled(tree, random.Random(seed)), sort_keys=False)
        assert revision(reading, f"# seed {seed}\n{text}") == expected
    assert revision(reading, SMALL, folder="elsewhere") == expected
    assert revision(reading, SMALL + ["default_tier: 3\n", ": {max_request_bytes: 32768KiB}\n"][0]) == (expected)
    assert revision(reading, SMALL.replace("10s", "10000ms")) == expected


CHANGES = {
    "decision_wait: 10s": "decision_wait: 11s",
    "keep: 0.01": "keep: 0.02",
    "duration_over: 5s": "duration_over: 5001ms",
    "{path: ./data}": "{path: ./data2}",
    "./out/audit.jsonl": "./out/audit.jsonl/",
    "days: 400": "days: 401",
    "[audit, traces]": "[traces]",
    "protocol: grpc": "protocol: http",
    "version: 1\n": "version: 1\ndefault_tier: 2\n",
    "status: error}, class": "status: ok}, class",
    "- {name: slow": "- {name: slower",
    "grpc: 127.0.0.1:4317": "grpc: null",
}


@pytest.mark.parametrize(("old", "new"), CHANGES.items())
def test_meaning_matters(reading: Read, old: str, new: str) -> None:
    """Any effective change is another revision."""
    assert old in SMALL
    assert revision(reading, SMALL.replace(old, new)) != revision(reading, SMALL)


def test_order_of_rules_matters(reading: Read) -> None:
    """The first rule that matches wins, so their order is a part of the meaning."""
    one = "version: 1\nsampling: {rules: [{name: a, when: {status: ok}}, {name: b, when: {status: error}}]}\n"
    other = "version: 1\nsampling: {rules: [{name: b, when: {status: error}}, {name: a, when: {status: ok}}]}\n"
    assert revision(reading, one) != revision(reading, other)
