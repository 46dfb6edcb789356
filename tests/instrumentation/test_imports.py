"""What is waiting for a library sees it once it is imported, beside others that wait for it, too."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import wrapt

from errorplane.hooks import GUARD, after_import


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a package with a module in it that nobody has imported."""
    name = f"library_{tmp_path.name}"
    package = tmp_path / name
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "part.py").write_text("value = 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for loaded in [each for each in sys.modules if each.startswith(name)]:
        del sys.modules[loaded]


def test_it_is_told_once_the_module_is_there(library: str) -> None:
    """The module is whole when it is seen; a second import, a reload and other modules are no reason to tell again."""
    seen: list[int] = []
    after_import(f"{library}.part", lambda module: seen.append(module.value))
    package = importlib.import_module(library)
    assert seen == []
    part = importlib.import_module(f"{library}.part")
    importlib.import_module(f"{library}.part")
    importlib.reload(part)
    assert seen == [7]
    assert package.part is part
    after_import(f"{library}.part", lambda module: seen.append(module.value))
    assert seen == [7, 7]


@pytest.mark.parametrize("ours_first", [True, False])
def test_it_chains_with_the_instrumentations(library: str, *, ours_first: bool) -> None:
    """OpenTelemetry's instrumentations wait by wrapt: both are told, whoever came first, and the loader is a real one."""
    seen: list[str] = []
    name = f"{library}.part"

    def ours() -> None:
        after_import(name, lambda _: seen.append("ours"))

    if ours_first:
        ours()
    wrapt.register_post_import_hook(lambda _: seen.append("theirs"), name)
    if not ours_first:
        ours()
    part = importlib.import_module(name)
    assert sorted(seen) == ["ours", "theirs"]
    assert part.__spec__ is not None
    assert part.__spec__.origin == part.__file__


def test_a_failure_does_not_stop_the_import(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, and whoever else waits is told all the same."""
    seen: list[ModuleType] = []

    def fail(_: ModuleType) -> None:
        raise ValueError("no")

    monkeypatch.setattr(GUARD, "reraise", False)
    before = GUARD.failures.get(f"import_{library}", 0)
    after_import(library, fail)
    after_import(library, seen.append)
    assert seen == [] != [importlib.import_module(library)] == seen
    assert GUARD.failures[f"import_{library}"] == before + 1


def test_a_module_that_is_missing_stays_missing(library: str) -> None:
    """Waiting for a library does not make it appear."""
    after_import(f"{library}.absent", lambda _: None)
    with pytest.raises(ModuleNotFoundError, match=f"No module named '{library}.absent'"):
        importlib.import_module(f"{library}.absent")
