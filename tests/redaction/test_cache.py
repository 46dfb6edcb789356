"""What is compiled is kept between starts, where nobody else can put anything in its place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from errorplane.redaction import Engine
from errorplane.redaction import _gate as gate
from errorplane.redaction._cache import remembered


def made_of(recipe: bytes, environ: Mapping[str, str], made: list[bytes]) -> bytes:
    """What is remembered for a recipe; each time that it is made is noted."""

    def make() -> bytes:
        made.append(recipe)
        return b"made of " + recipe

    def load(data: bytes) -> bytes:
        if data.startswith(b"bad"):
            raise ValueError("refused")
        return data

    return remembered(recipe, make, bytes, load, environ)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A cache folder of its own."""
    return {"XDG_CACHE_HOME": str(tmp_path / "cache")}


def test_same_recipe_is_made_once(environ: dict[str, str]) -> None:
    """A second asker gets what the first one made; another recipe is made."""
    made: list[bytes] = []
    assert [made_of(recipe, environ, made) for recipe in (b"a", b"a", b"b")] == [
        b"made of a",
        b"made of a",
        b"made of b",
    ]
    assert made == [b"a", b"b"]


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 40 + b"bad"])
def test_damaged_file_is_made_anew(environ: dict[str, str], damage: bytes, tmp_path: Path) -> None:
    """A file that was cut or changed is passed over and written again."""
    made: list[bytes] = []
    made_of(b"a", environ, made)
    (path,) = (tmp_path / "cache" / "errorplane").iterdir()
    path.write_bytes(damage)
    assert made_of(b"a", environ, made) == made_of(b"a", environ, made) == b"made of a"
    assert made == [b"a", b"a"]


def test_folder_that_others_may_write_to_is_not_used(environ: dict[str, str], tmp_path: Path) -> None:
    """Nothing is read from, or written to, a folder in which somebody else could have put a file."""
    folder = tmp_path / "cache" / "errorplane"
    folder.mkdir(parents=True)
    folder.chmod(0o777)
    made: list[bytes] = []
    made_of(b"a", environ, made)
    made_of(b"a", environ, made)
    assert made == [b"a", b"a"]
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"XDG_CACHE_HOME": "relative"}, {"HOME": "/proc/none"}])
def test_without_a_folder_everything_is_made(environ: dict[str, str]) -> None:
    """No home, a relative one and one that cannot be written to cost the cache only."""
    made: list[bytes] = []
    assert made_of(b"a", environ, made) == b"made of a"
    assert made_of(b"a", environ, made) == b"made of a"
    assert made == [b"a", b"a"]


def test_number_of_files_is_bounded(environ: dict[str, str], tmp_path: Path) -> None:
    """Policies come and go: of what they compiled the 64 files that were used last stay."""
    for number in range(70):
        made_of(b"%d" % number, environ, [])
        os.utime(
            max((tmp_path / "cache" / "errorplane").iterdir(), key=lambda path: path.stat().st_ctime_ns),
            (number, number),
        )
    assert len(list((tmp_path / "cache" / "errorplane").iterdir())) == 64


def test_engine_from_the_cache_finds_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An engine whose databases were read finds what the one found that compiled them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    text = "mail bob@example.com of card 4111111111111111, password=hunter2 at 203.0.113.9"
    gate._database.cache_clear()
    first = Engine().find(text)
    files = sorted((tmp_path / "errorplane").iterdir())
    stamps = [path.stat().st_ino for path in files]
    gate._database.cache_clear()
    assert Engine().find(text) == first
    assert len(first) == 4
    assert [path.stat().st_ino for path in sorted((tmp_path / "errorplane").iterdir())] == stamps
