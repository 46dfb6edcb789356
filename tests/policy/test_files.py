"""Files that cannot be read, or that are made to hurt."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from errorplane.policy import LoadResult, PolicyError, load, read

Read = Callable[..., LoadResult]
LAUGHS = "version: 1\nservices:\n  l0: &l0 {team: lol}\n" + "".join(
    f"  l{n}: &l{n} {{depends_on: [{', '.join([f'*l{n - 1}'] * 9)}]}}\n" for n in range(1, 12)
)
TOO_MUCH = {
    "aliases that multiply": LAUGHS,
    "an alias within itself": "version: 1\nservices: &s {a: *s, b: *s}\n",
    "brackets without end": "version: " + "[" * 200_000,
    "braces without end": "a: {" * 100_000,
    "dashes without end": "- " * 100_000,
    "too many values": "version: 1\nredaction: {allow: [" + "a," * 60_000 + "]}\n",
    "too many characters": "version: 1 #" + "x" * 600_000,
    "far too many characters": "version: 1 #" + "x" * 6_000_000,
    "a huge number": "version: " + "9" * 400_000,
    "a huge base-60 number": "version: " + ":".join(["59"] * 100_000),
}


def test_missing_file_says_what_to_do(tmp_path: Path) -> None:
    """Without a file, the message says how to start one and how to look at it."""
    with pytest.raises(PolicyError) as caught:
        load(tmp_path / "errorplane.yaml")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.path) == (0, 0, "")
    assert "python -m errorplane.policy default > errorplane.yaml" in problem.message
    assert "errorplane check errorplane.yaml" in problem.message


def test_folder_is_no_policy(tmp_path: Path) -> None:
    """A folder in the place of the file is refused like any other mistake."""
    (problem,) = read(tmp_path).problems
    assert str(problem) == f"{tmp_path}: error: cannot be read: Is a directory"


def test_file_that_is_not_text(tmp_path: Path) -> None:
    """A file that is not UTF-8 is refused with the line at which that shows."""
    path = tmp_path / "errorplane.yaml"
    path.write_bytes(b"version: 1\nservices: {caf\xe9: {}}\n")
    (problem,) = read(path).problems
    assert problem.message == "is not UTF-8 text, from line 2 on: save it as UTF-8"


def test_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    """A file from another editor means the same, and places are still right."""
    path = tmp_path / "errorplane.yaml"
    path.write_bytes(b"\xef\xbb\xbfversion: 1\r\ndefault_tier: 2\r\ntelemetry: {log_level: loud}\r\n")
    (problem,) = read(path).problems
    assert (problem.line, problem.column, problem.path) == (3, 24, "telemetry.log_level")


@pytest.mark.parametrize("text", TOO_MUCH.values(), ids=TOO_MUCH)
def test_oversized_policy_is_refused_quickly(tmp_path: Path, text: str) -> None:
    """A file that would take memory or time without end is refused within seconds, in one short message."""
    path = tmp_path / "errorplane.yaml"
    path.write_text(text)
    began = time.monotonic()
    with pytest.raises(PolicyError) as caught:
        load(path)
    assert time.monotonic() - began < 20
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("make", [lambda path: os.mkfifo(path), lambda path: path.mkdir()], ids=["pipe", "folder"])
def test_reference_to_what_is_no_file_does_not_block(reading: Read, tmp_path: Path, make: object) -> None:
    """A pipe that nobody writes to is refused at once."""
    assert callable(make)
    (tmp_path / "policy").mkdir()
    make(tmp_path / "policy" / "token")
    (problem,) = reading("version: 1\nlisten: {token: '${file:token}'}\n").problems
    assert problem.path == "listen.token"


def test_reference_to_a_large_or_binary_file_is_refused(reading: Read, tmp_path: Path) -> None:
    """A file is read up to 64 KiB, and as UTF-8 only."""
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "large").write_bytes(b"x" * 65_537)
    (tmp_path / "policy" / "binary").write_bytes(b"\xff\x00")
    text = "version: 1\nservices: {a: {team: '${file:large}', zone: '${file:binary}', component: '${file:a\\0b}'}}\n"
    messages = [problem.message for problem in reading(text.replace("'${file:a\\0b}'", '"${file:a\\0b}"')).problems]
    assert messages[0] == "the file large is larger than 64 KiB"
    assert messages[1] == "the file binary is not UTF-8 text"
    assert messages[2].endswith("cannot be read: not a path")


def test_relative_paths_start_at_the_folder_of_the_policy(reading: Read, tmp_path: Path) -> None:
    """Paths and file references do not depend on the working directory."""
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "token").write_text("secret\r\n")
    policy = reading("version: 1\nlisten: {token: '${file:token}'}\njournal: {path: spool}\n").policy
    assert policy is not None
    assert policy.journal.path == tmp_path / "policy" / "spool"
    assert policy.key_source("journal").file == tmp_path / "policy" / "spool" / "journal.key"
    assert policy.listen.token is not None
    assert policy.listen.token.get_secret_value() == "secret"
