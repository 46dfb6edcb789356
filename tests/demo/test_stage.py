"""Processes that are started together end together, whatever happens."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.demo.parts import processes_of, wait_until

from errorplane.cli import CommandFailed
from errorplane.demo import _cast
from errorplane.demo._ports import free_ports
from errorplane.demo._stage import PortTaken, Stage

pytestmark = pytest.mark.e2e
SLEEP = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(600)",
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder in which the processes work."""
    made = tmp_path / "stage"
    made.mkdir()
    return made


def test_everything_ends_with_the_block(home: Path) -> None:
    """Processes that obey TERM and those that do not are gone when the block is left."""
    with Stage(home, 60.0) as stage:
        for name, command in (("sleeper", SLEEP), ("stubborn", STUBBORN)):
            actor = stage.start(name, command, os.environ, home / f"{name}.log")
            stage.wait("it runs", lambda log=actor.log: "here" in log.read_text(), 30.0)  # type: ignore[misc]  # bound at definition
        assert len(processes_of(home)) == 2
    assert processes_of(home) == []


def test_everything_ends_when_the_block_fails(home: Path) -> None:
    """An exception in the block leaves no process."""

    def fail() -> None:
        with Stage(home, 60.0) as stage:
            stage.start("sleeper", SLEEP, os.environ, home / "sleeper.log")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert processes_of(home) == []


def test_impatience_does_not_stop_the_cleaning_up(home: Path) -> None:
    """Ctrl-C while the processes are being ended is ignored."""
    with Stage(home, 60.0) as stage:
        actor = stage.start("stubborn", STUBBORN, os.environ, home / "stubborn.log")
        stage.wait("it runs", lambda: "here" in actor.log.read_text(), 30.0)
        impatient = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
        impatient.start()
    impatient.join()
    assert processes_of(home) == []


def test_a_process_that_dies_is_reported_with_the_end_of_its_log(home: Path) -> None:
    """Waiting ends at once when a process dies, and the message shows what it said."""
    command = [sys.executable, "-c", "import sys; print('no bank today'); sys.exit(3)"]
    started = time.monotonic()
    with Stage(home, 60.0) as stage:
        stage.start("payments", command, os.environ, home / "payments.log")
        with pytest.raises(CommandFailed, match=r"(?s)payments ended with status 3.*no bank today"):
            stage.wait("never", lambda: False, 50.0)
    assert time.monotonic() - started < 20.0


def test_a_wait_has_a_deadline(home: Path) -> None:
    """What does not come in time is named, with the logs of all processes."""
    with Stage(home, 60.0) as stage:
        stage.start("sleeper", SLEEP, os.environ, home / "sleeper.log")
        with pytest.raises(CommandFailed, match=r"(?s)the shop is open: not within 0 s.*log of sleeper"):
            stage.wait("the shop is open", lambda: False, 0.2)


def test_the_whole_run_has_a_deadline(home: Path) -> None:
    """When the time of the run is used up, no wait goes on, however long its own deadline is."""
    with pytest.raises(CommandFailed, match="not within 0 s"), Stage(home, 0.2) as stage:
        stage.wait("never", lambda: False, 50.0)


def test_what_does_not_end_is_an_error(home: Path) -> None:
    """A process that ignores TERM is reported, and killed with the block."""
    with Stage(home, 60.0) as stage:
        actor = stage.start("stubborn", STUBBORN, os.environ, home / "stubborn.log")
        stage.wait("it runs", lambda: "here" in actor.log.read_text(), 30.0)
        with pytest.raises(CommandFailed, match="stubborn does not end"):
            stage.stop([actor], 0.2)
    assert processes_of(home) == []


def test_a_killed_demo_leaves_nothing_running(home: Path) -> None:
    """SIGKILL for the parent reaches the children, since the kernel ends them."""
    program = (
        "import os, sys, time\nfrom pathlib import Path\nfrom errorplane.demo._stage import Stage\n"
        "home = Path(sys.argv[1])\n"
        "with Stage(home, 60.0) as stage:\n"
        "    stage.start('sleeper', sys.argv[2:], os.environ, home / 'sleeper.log')\n"
        "    time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(home), *STUBBORN])
    log = home / "sleeper.log"
    try:
        wait_until("the child runs", lambda: log.exists() and "here" in log.read_text())
    finally:
        parent.kill()
        parent.wait(30.0)
    wait_until("the child is gone", lambda: processes_of(home) == [], 10.0)


def test_ports_are_free_and_different() -> None:
    """A port that somebody listens on is never given out, nor one twice."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        ports = free_ports([f"service {number}" for number in range(50)])
        assert len(set(ports.values())) == 50
        assert not {port % 10_000 for port in ports.values()} & {4317, 4318, 4319}
        assert taken.getsockname()[1] not in ports.values()


def test_a_port_that_is_taken_meanwhile_is_reported(home: Path) -> None:
    """A service whose port was taken away ends with a message that names the service and shows its log."""
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", 0))
        thief.listen()
        settings = home / "shop.json"
        paths = {name: str(home / name) for name in ("ledger", "planted", "answers")}
        ports = {"payments": thief.getsockname()[1]}
        settings.write_text(json.dumps({"ports": ports, "seed": "1", "calls": 1, "rate": 1.0, **paths}))
        with Stage(home, 60.0) as stage:
            stage.start("payments", _cast.plain_command("payments", settings), _cast.environment(), home / "p.log")
            with pytest.raises(PortTaken, match=r"(?s)payments ended.*[Aa]ddress already in use"):
                stage.wait("payments answers", lambda: False, 50.0)
    assert processes_of(home) == []
