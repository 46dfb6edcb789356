"""The shop plants what looks real, counts its own errors, and fails in the ways that it plans."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pytest

from errorplane.demo._cast import PYTHON_ROLES, telemetry_environment
from errorplane.demo._shop._client import SCENES, plan
from errorplane.demo._shop._ledger import Ledger
from errorplane.demo._shop._wares import Wares
from errorplane.propagation import Rules

MAKERS = ("email", "card", "iban", "ssn", "phone", "address", "bearer", "jwt", "aws_key", "password")


def test_every_ware_is_written_down_and_made_once(tmp_path: Path) -> None:
    """Values are distinct, and each stands in the list of what was planted with its entity and place."""
    wares = Wares(tmp_path / "planted.jsonl", "1")
    made = [getattr(wares, maker)(f"place of {maker}") for maker in MAKERS for _ in range(200)]
    planted = [json.loads(line) for line in (tmp_path / "planted.jsonl").read_text().splitlines()]
    assert [line["value"] for line in planted] == made
    assert len(set(made)) == len(made)
    assert len({(line["entity"], line["place"]) for line in planted}) == len(MAKERS)


def test_the_same_seed_makes_the_same_wares(tmp_path: Path) -> None:
    """A run can be repeated."""
    first, second, other = (Wares(tmp_path / f"{number}", seed) for number, seed in enumerate(("1", "1", "2")))
    assert [first.card("x"), first.email("x")] == [second.card("x"), second.email("x")] != [other.card("x"), ""]


def test_cards_have_a_right_check_digit(tmp_path: Path) -> None:
    """Card numbers are valid by ISO/IEC 7812, so that a detector with a checksum must find them."""
    wares = Wares(tmp_path / "planted", "1")
    for _ in range(200):
        digits = [int(char) for char in wares.card("x") if char.isdigit()]
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
        assert (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def test_ibans_have_right_check_digits(tmp_path: Path) -> None:
    """IBANs are valid by ISO 13616."""
    wares = Wares(tmp_path / "planted", "1")
    for _ in range(200):
        iban = wares.iban("x").replace(" ", "")
        assert int("".join(str(int(char, 36)) for char in iban[4:] + iban[:4])) % 97 == 1


@pytest.mark.parametrize("count", [1, 50, 140])
def test_every_scene_happens_in_every_run(count: int, tmp_path: Path) -> None:
    """However short the run, no way of failing is left out."""
    calls = plan(count, "1", Wares(tmp_path / "planted", "1"), recommendations=True)
    happened = Counter(call.scene for call in calls)
    assert len(happened) == len(SCENES) + 2
    assert len(calls) <= max(count + 10, len(happened))
    assert "recommendations" not in {
        call.scene for call in plan(count, "1", Wares(tmp_path / "other", "1"), recommendations=False)
    }


def test_the_ledger_notes_what_leaves_its_block(tmp_path: Path) -> None:
    """An exception passes through, and leaves one line with the type, at once and outside of telemetry."""
    ledger = Ledger(tmp_path / "ledger", "checkout")
    with pytest.raises(KeyError), ledger:
        raise KeyError("x")
    with ledger:
        pass
    (line,) = [json.loads(line) for line in (tmp_path / "ledger").read_text().splitlines()]
    assert (line["key"], line["service"], line["type"], line["trace_id"]) == (
        "checkout-0001",
        "checkout",
        "KeyError",
        "",
    )


def test_the_ledger_counts_in_threads(tmp_path: Path) -> None:
    """Errors at the same time get different keys and whole lines."""
    ledger = Ledger(tmp_path / "ledger", "checkout")
    threads = [threading.Thread(target=lambda: [ledger.note(ValueError()) for _ in range(100)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30.0)
    keys = [json.loads(line)["key"] for line in (tmp_path / "ledger").read_text().splitlines()]
    assert len(keys) == len(set(keys)) == 800


def test_the_package_holds_what_a_run_reads() -> None:
    """The policy and the Node.js service are data of the installed package, the lock file too."""
    package = files("errorplane.demo")
    names = ("policy.yaml", "node/recommendations.cjs", "node/package.json", "node/package-lock.json", "_leash.py")
    assert [name for name in names if not package.joinpath(*name.split("/")).is_file()] == []


def test_the_lock_file_names_no_host_and_every_package_has_its_hash() -> None:
    """npm installs exactly what is committed, from whichever registry the machine uses."""
    lock = json.loads(files("errorplane.demo").joinpath("node", "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, entry in packages.items() if "resolved" in entry or "integrity" not in entry] == []
    asked = json.loads(files("errorplane.demo").joinpath("node", "package.json").read_text())["dependencies"]
    assert lock["packages"][""]["dependencies"] == asked


def test_the_storefront_gets_the_baggage_that_its_span_is_to_show(tmp_path: Path) -> None:
    """Of what callers send errorplane lets in what is listed only; the plan's orders send nothing else."""
    sent = {
        key
        for call in plan(140, "1", Wares(tmp_path / "planted", "1"), recommendations=True)
        if (key := _baggage_key(call.headers))
    }
    inbound = Rules.of(telemetry_environment(PYTHON_ROLES[-1], "", "")).inbound
    assert sent
    assert [key for key in sent if key not in inbound] == []


def _baggage_key(headers: Mapping[str, str]) -> str:
    return headers.get("baggage", "").partition("=")[0]
