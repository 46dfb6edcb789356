"""Keys from every source, and what is refused."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from errorplane.keys import KeyUnavailable, SourceProvider, derive, from_policy
from errorplane.keys._command import command_secret
from errorplane.keys._derive import decode_secret
from errorplane.policy import KeySource, load

SECRET = bytes(range(32))
TEXTS = [
    SECRET.hex(),
    SECRET.hex().upper() + "\n",
    base64.b64encode(SECRET).decode(),
    base64.urlsafe_b64encode(SECRET).decode().rstrip("=") + "\r\n",
]


def test_default_policy_generates_one_private_file_for_each_purpose(tmp_path: Path) -> None:
    """With nothing configured, both keys are generated below the journal, mode 0600, and differ."""
    policy_file = tmp_path / "errorplane.yaml"
    policy_file.write_text("version: 1\n")
    keys = from_policy(load(policy_file))
    journal, segments = keys.key("journal"), keys.key("segments")
    assert len(journal.secret) == len(segments.secret) == 32
    assert journal.secret != segments.secret
    assert journal.id != segments.id
    files = sorted((tmp_path / "data").iterdir())
    assert [f.name for f in files] == ["journal.key", "segments.key"]
    assert [oct(f.stat().st_mode & 0o777) for f in files] == ["0o600", "0o600"]
    assert oct((tmp_path / "data").stat().st_mode & 0o777) == "0o700"


def test_generated_key_is_the_same_after_a_restart(tmp_path: Path) -> None:
    """A second provider reads what the first one generated."""
    source = {"journal": KeySource(file=tmp_path / "k")}
    assert SourceProvider(source).key("journal") == SourceProvider(source).key("journal")


def test_generated_file_can_be_moved_into_the_environment(tmp_path: Path) -> None:
    """A key file holds what the environment source reads, so that a key can move from one source to the other."""
    by_file = SourceProvider({"journal": KeySource(file=tmp_path / "k")}).key("journal")
    environ = {"K": (tmp_path / "k").read_text()}
    assert SourceProvider({"journal": KeySource(env="K")}, environ).key("journal") == by_file


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    """Eight processes generate the same missing key at once: all end with the same one, and no draft stays."""
    program = (
        "import sys, pathlib; from errorplane.keys import SourceProvider; from errorplane.policy import KeySource\n"
        "sys.stdin.readline()\n"
        f"print(SourceProvider({{'journal': KeySource(file=pathlib.Path({str(tmp_path / 'new' / 'k')!r}))}})"
        ".key('journal').secret.hex())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    keys = {process.communicate(timeout=60)[0].strip() for process in started}
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    assert [f.name for f in (tmp_path / "new").iterdir()] == ["k"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o611])
def test_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    """A key file with any right for group or others is refused, with the command that mends it."""
    path = tmp_path / "k"
    path.write_text(SECRET.hex())
    path.chmod(mode)
    with pytest.raises(KeyUnavailable, match=f"chmod 600 {path}") as caught:
        SourceProvider({"journal": KeySource(file=path)}).key("journal")
    assert SECRET.hex() not in str(caught.value)


def test_file_that_is_no_key_is_refused_without_its_text(tmp_path: Path) -> None:
    """A damaged key file is named, what it holds is not, and no new key takes its place."""
    path = tmp_path / "k"
    path.write_text("hunter2")
    path.chmod(0o600)
    with pytest.raises(KeyUnavailable, match="32 bytes in base64 or hex") as caught:
        SourceProvider({"journal": KeySource(file=path)}).key("journal")
    assert "hunter2" not in str(caught.value)
    assert path.read_text() == "hunter2"


def test_pipe_in_the_place_of_a_key_file_does_not_block(tmp_path: Path) -> None:
    """A FIFO without a writer is refused at once."""
    os.mkfifo(tmp_path / "k", 0o600)
    with pytest.raises(KeyUnavailable, match="not a regular file"):
        SourceProvider({"journal": KeySource(file=tmp_path / "k")}).key("journal")


def test_folder_in_the_place_of_a_key_file_is_refused(tmp_path: Path) -> None:
    """A path that cannot be a key file is named in the message."""
    with pytest.raises(KeyUnavailable, match=str(tmp_path)):
        SourceProvider({"journal": KeySource(file=tmp_path)}).key("journal")


def test_key_file_below_a_file_is_refused(tmp_path: Path) -> None:
    """An operating-system error becomes a message about the key."""
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyUnavailable, match=r"keys\.journal: .*Not a directory"):
        SourceProvider({"journal": KeySource(file=tmp_path / "file" / "k")}).key("journal")


@pytest.mark.parametrize("text", TEXTS)
def test_environment_holds_hex_or_base64(text: str) -> None:
    """Hex and both base64 alphabets give the same key."""
    assert decode_secret(text.encode()) == SECRET
    provider = SourceProvider({"segments": KeySource(env="K")}, {"K": text})
    assert provider.key("segments") == derive(SECRET, "segments")


@pytest.mark.parametrize(
    ("environ", "message"), [({}, "variable K is not set"), ({"K": "swordfish"}, "variable K does not hold 32 bytes")]
)
def test_environment_without_a_key_is_refused(environ: dict[str, str], message: str) -> None:
    """A missing and a wrong variable are told apart, and the value is not shown."""
    with pytest.raises(KeyUnavailable, match=message) as caught:
        SourceProvider({"journal": KeySource(env="K")}, environ).key("journal")
    assert "swordfish" not in str(caught.value)


def test_purposes_with_one_source_have_different_keys() -> None:
    """The same secret gives each purpose a key and an id of its own."""
    source = KeySource(env="K")
    provider = SourceProvider({"journal": source, "segments": source}, {"K": SECRET.hex()})
    journal, segments = provider.key("journal"), provider.key("segments")
    assert len({journal.secret, segments.secret, SECRET}) == 3
    assert journal.id != segments.id


def test_derivation_does_not_change() -> None:
    """The derived key and its id are fixed for ever: what was sealed with them must open again."""
    key = derive(SECRET, "journal")
    assert (key.id, key.secret.hex()) == (
        "9a3e5412",
        "11ee6b87cb45d8f5cf572837dc92a16635556ae76d4b8fb79d8a63332472eae6",
    )


def test_key_is_masked_when_printed() -> None:
    """Neither repr nor str of a key holds its secret."""
    key = derive(SECRET, "journal")
    assert str(key) == repr(key) == f"Key(id={key.id!r})"


def test_unknown_purpose_is_refused() -> None:
    """A purpose without a source is an error that lists the purposes."""
    with pytest.raises(KeyUnavailable, match="there are journal"):
        SourceProvider({"journal": KeySource(env="K")}).key("token")


def python(code: str) -> tuple[str, ...]:
    """A command that runs Python code."""
    return (sys.executable, "-c", code)


def test_command_prints_the_key() -> None:
    """The program's output is the key; it has no input to wait for."""
    argv = python(f"import sys; assert sys.stdin.read() == ''; print({SECRET.hex()!r})")
    assert SourceProvider({"journal": KeySource(command=argv)}).key("journal") == derive(SECRET, "journal")


def test_command_runs_once(tmp_path: Path) -> None:
    """A key is asked for once, however often it is wanted."""
    argv = python(f"open({str(tmp_path / 'runs')!r}, 'a').write('x'); print({SECRET.hex()!r})")
    provider = SourceProvider({"journal": KeySource(command=argv)})
    provider.key("journal")
    provider.key("journal")
    assert (tmp_path / "runs").read_text() == "x"


def test_command_has_no_shell(tmp_path: Path) -> None:
    """Shell syntax in an argument is passed on as it is."""
    argv = ("/bin/echo", f"$(touch {tmp_path / 'made'}); `touch {tmp_path / 'made'}`")
    with pytest.raises(KeyUnavailable):
        command_secret("journal", argv)
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (python("print('swordfish')"), "printed something else"),
        (python("print('swordfish'); raise SystemExit(3)"), "failed with status 3"),
        (python("print('swordfish' * 10_000)"), "printed too much"),
        (python("while True: print('swordfish')"), "printed too much"),
        (("/nonexistent/swordfish-free",), "cannot be run: No such file"),
    ],
)
def test_command_without_a_key_is_refused_without_its_output(argv: Sequence[str], message: str) -> None:
    """Every failure is told apart; output and arguments are not shown."""
    with pytest.raises(KeyUnavailable, match=message) as caught:
        command_secret("journal", argv)
    assert "swordfish'" not in str(caught.value)
    assert "swordfishswordfish" not in str(caught.value)


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "import os, time; os.close(1); time.sleep(60)",
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])",
    ],
    ids=["sleeps", "closes its output and sleeps", "leaves a child that holds its output"],
)
def test_slow_command_is_ended(code: str) -> None:
    """A program that takes too long is killed with what it started, and the wait ends."""
    began = time.monotonic()
    with pytest.raises(KeyUnavailable, match="took longer than 1 s"):
        command_secret("journal", python(code), timeout_s=1)
    assert time.monotonic() - began < 10


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed distribution with three key plug-ins; ``imported`` appears when its module is loaded."""
    (tmp_path / "keyplugin_under_test.py").write_text(
        f"open({str(tmp_path / 'imported')!r}, 'w').close()\n"
        "def good(purpose): return (purpose.encode() * 32)[:32]\n"
        "def short(purpose): return b'swordfish'\n"
        "def broken(purpose): raise RuntimeError('swordfish')\n"
    )
    info = tmp_path / "keyplugin_under_test-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: keyplugin-under-test\nVersion: 1\n")
    names = ("good", "short", "broken")
    lines = "".join(f"{n} = keyplugin_under_test:{n}\n" for n in names)
    (info / "entry_points.txt").write_text(f"[errorplane_keys]\n{lines}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "keyplugin_under_test", raising=False)
    return tmp_path


def test_plugin_gives_the_key(plugins: Path) -> None:
    """The entry point that the policy names is asked with the purpose."""
    key = SourceProvider({"journal": KeySource(plugin="good")}).key("journal")
    assert key == derive((b"journal" * 32)[:32], "journal")


def test_plugin_is_loaded_only_when_named(plugins: Path) -> None:
    """An installed plug-in that no source names is not imported."""
    SourceProvider({"journal": KeySource(env="K")}, {"K": SECRET.hex()}).key("journal")
    assert not (plugins / "imported").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("short", "did not return 32 bytes"),
        ("broken", "failed with RuntimeError"),
        ("other", "there are .*broken, good, short"),
    ],
)
def test_plugin_without_a_key_is_refused(plugins: Path, name: str, message: str) -> None:
    """Every failure of a plug-in is told apart, without its words."""
    with pytest.raises(KeyUnavailable, match=message) as caught:
        SourceProvider({"journal": KeySource(plugin=name)}).key("journal")
    assert "swordfish" not in str(caught.value)
