"""A damaged record of the journal costs what it held, and nothing else."""

from __future__ import annotations

from pathlib import Path

from tests.support.collector_tools import wait_until
from tests.support.telemetry import span, traces

from errorplane.journal import Change, Delivery
from errorplane.keys import from_policy
from errorplane.otlp import Signal
from errorplane.pipeline import Processor
from errorplane.policy import Policy


def policy_of(folder: Path) -> Policy:
    """A policy without listeners, whose journal and output lie in ``folder``."""
    return Policy.model_validate(
        {
            "version": 1,
            "listen": {"grpc": None, "http": None, "admin": None},
            "journal": {"path": str(folder)},
            "sampling": {"decision_wait": "100ms"},
            "destinations": {"out": {"file": {"path": str(folder / "out.jsonl")}}},
            "telemetry": {"metrics_interval": None},
        }
    )


def test_damaged_counts_of_held_back_facts_do_not_keep_the_processor_down(tmp_path: Path) -> None:
    """The record of held-back error facts no longer opens: that is counted, and telemetry is taken and delivered."""
    policy = policy_of(tmp_path)
    keys = from_policy(policy)
    before = Processor(policy, keys)
    before.journal.commit(Change(overflow=b"counts"))
    before.journal.close()
    path = tmp_path / "journal" / "data.mdb"
    record = b"overflow" + bytes.fromhex(keys.key("journal").id)
    data = path.read_bytes()
    assert record in data
    path.write_bytes(data.replace(record, b"overflow" + bytes(4)))
    after = Processor(policy, keys)
    after.start()
    try:
        assert after.counters.total("internal_errors", where="journal_record") == 1
        after._entrance(Signal.TRACES, traces([span(error=True)]).SerializeToString())
        wait_until(lambda: after.counters.total("delivered_items", signal="traces") == 1, "delivery", 30)
    finally:
        assert after.stop(10.0) == 0


def test_a_damaged_delivery_to_a_removed_destination_does_not_keep_the_processor_down(tmp_path: Path) -> None:
    """What waits for a destination that the policy no longer names is given up at start, readable or not."""
    policy = policy_of(tmp_path)
    keys = from_policy(policy)
    before = Processor(policy, keys)
    delivery = Delivery(Signal.LOGS, "standard", ("removed",), payload=b"facts", payload_items=1)
    before.journal.commit(Change(deliveries=[delivery]))
    before.journal.close()
    path = tmp_path / "journal" / "data.mdb"
    record = (1).to_bytes(8, "big") + bytes.fromhex(keys.key("journal").id)
    data = path.read_bytes()
    assert record in data
    path.write_bytes(data.replace(record, record[:8] + bytes(4)))
    after = Processor(policy, keys)
    after.start()
    assert after.journal.pending_destinations() == {}
    assert after.stop(10.0) == 0
