"""The folder of a run: what the last run made goes, what others made stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from errorplane.cli import CommandFailed
from errorplane.demo._folder import Folder


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    """Folders that hold telemetry and keys are readable by their owner only."""
    folder = Folder(tmp_path / "a" / "b")
    with folder.claimed():
        assert {path.name for path in folder.root.iterdir()} == {".errorplane-demo", "destinations", "journal", "logs"}
        assert all(path.stat().st_mode & 0o077 == 0 for path in (folder.destinations, folder.journal, folder.logs))


def test_what_the_last_run_made_is_removed_and_nothing_else(tmp_path: Path) -> None:
    """A stale folder is emptied of its own names; a person's notes in it stay."""
    folder = Folder(tmp_path)
    with folder.claimed():
        for path in (folder.policy, folder.ledger, folder.metrics, folder.stats, folder.logs / "old.log"):
            path.write_text("old")
        for path in (folder.gateway, folder.queue):
            path.mkdir()
        (tmp_path / "notes.txt").write_text("mine")
    with folder.claimed():
        left = {path.name for path in tmp_path.iterdir()}
        assert left == {".errorplane-demo", "destinations", "journal", "logs", "notes.txt"}
        assert list(folder.logs.iterdir()) == []


@pytest.mark.parametrize("name", ["logs", "errorplane.yaml", "destinations", "journal"])
def test_what_no_demo_made_is_not_touched(name: str, tmp_path: Path) -> None:
    """A folder that holds such names, but no mark of an earlier run, is refused as it is."""
    (tmp_path / name).write_text("mine")
    with (
        pytest.raises(CommandFailed, match=f"holds {name}, not made by an earlier demo.*--out"),
        Folder(tmp_path).claimed(),
    ):
        pass
    assert (tmp_path / name).read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    """A link in place of one of the folders costs nothing behind it."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("mine")
    folder = Folder(tmp_path / "out")
    with folder.claimed():
        folder.logs.rmdir()
        folder.logs.symlink_to(elsewhere)
    with folder.claimed():
        assert not folder.logs.is_symlink()
    assert (elsewhere / "precious").read_text() == "mine"


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    """The second run is told, and the first one's files stay."""
    folder = Folder(tmp_path)
    with folder.claimed():
        folder.ledger.write_text("first")
        with pytest.raises(CommandFailed, match="another demo is writing"), Folder(tmp_path).claimed():
            pass
        assert folder.ledger.read_text() == "first"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file in the way is a message, not a traceback."""
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(CommandFailed, match="file/out: Not a directory: name another"),
        Folder(tmp_path / "file" / "out").claimed(),
    ):
        pass
