"""The journal keeps what it acknowledged, lets go of what is done, and tells nobody else what it holds."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest
from tests.support.collector_tools import wait_until

from errorplane.journal import (
    Ack,
    Change,
    Delivery,
    Journal,
    JournalBusy,
    JournalCorrupt,
    JournalError,
    JournalFull,
    Refs,
    StoredRequest,
    VerdictRecord,
    WrongKey,
    _writer,
    pack_refs,
    read_verdict,
    unpack_refs,
)
from errorplane.journal._store import FORMAT
from errorplane.journal._writer import Append
from errorplane.keys import Key
from errorplane.otlp import Signal

KEY = Key("6b6b6b6b", b"k" * 32)
TRACE = bytes(range(16))
Open = Callable[..., Journal]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Opens journals in one folder, and closes what is still open at the end."""
    journals: list[Journal] = []

    def open_journal(key: Key = KEY, max_bytes: int = 1 << 24, retired: Sequence[Key] = ()) -> Journal:
        journal = Journal(tmp_path / "journal", key, max_bytes=max_bytes, retired=retired)
        journals.append(journal)
        return journal

    yield open_journal
    for journal in journals:
        journal.close()


def refs(*items: int) -> Refs:
    """References to items, all with the first tag."""
    made = Refs()
    made.items.extend(items)
    made.tag.extend([0] * len(items))
    return made


def test_a_request_is_there_after_a_restart(opened: Open) -> None:
    """What was appended is read back, with its number and signal, by the next process."""
    journal = opened()
    seq = journal.append(Signal.LOGS, b"body")
    journal.close()
    again = opened()
    assert again.recovered == (seq,)
    request = again.request(seq)
    assert request is not None
    assert (request.signal, request.body) == (Signal.LOGS, b"body")


def test_numbers_are_never_given_out_twice(opened: Open) -> None:
    """A request that was deleted before a restart does not lend its number to another."""
    journal = opened()
    first = journal.append(Signal.TRACES, b"one")
    journal.commit(Change(drop=Counter({first: 1})))
    journal.close()
    assert opened().append(Signal.TRACES, b"two") == first + 1


def test_a_request_goes_when_nobody_refers_to_it(opened: Open) -> None:
    """The indexer, each open trace and each delivery hold a request; the last one to let go deletes it."""
    journal = opened()
    seq = journal.append(Signal.TRACES, b"spans")
    journal.commit(Change(hold=Counter({seq: 1}), drop=Counter({seq: 1})))
    assert journal.request(seq) is not None
    delivery = Delivery(Signal.TRACES, "audit", ("a", "b"), (b"tag",), {seq: refs(0, 2)})
    journal.commit(Change(deliveries=[delivery], drop=Counter({seq: 1})))
    (number,) = journal.pending("a")
    assert journal.delivery(number) == delivery
    journal.acknowledge([Ack("a", number, (seq,))])
    assert journal.pending("a") == []
    assert journal.pending("b") == [number]
    assert list(journal.requests()) != []
    journal.acknowledge([Ack("b", number, (seq,))])
    assert journal.delivery(number) is None
    assert list(journal.requests()) == []
    assert journal.used_bytes == 0


def test_an_acknowledgement_counts_once(opened: Open) -> None:
    """A destination that acknowledges twice does not speak for another."""
    journal = opened()
    seq = journal.append(Signal.TRACES, b"spans")
    journal.commit(
        Change(deliveries=[Delivery(Signal.TRACES, "x", ("a", "b"), (b"",), {seq: refs(0)})], drop=Counter({seq: 1}))
    )
    (number,) = journal.pending("a")
    journal.acknowledge([Ack("a", number, (seq,))])
    journal.acknowledge([Ack("a", number, (seq,))])
    assert journal.pending("b") == [number]
    assert journal.request(seq) is not None


def test_deliveries_survive_a_restart(opened: Open) -> None:
    """What a destination has not acknowledged is sent by the next process, and its requests are held for it."""
    journal = opened()
    seq = journal.append(Signal.TRACES, b"spans")
    journal.commit(
        Change(deliveries=[Delivery(Signal.TRACES, "x", ("a",), (b"",), {seq: refs(0)})], drop=Counter({seq: 1}))
    )
    journal.close()
    again = opened()
    again.commit(Change(drop=Counter({seq: 1})))  # indexed again
    (number,) = again.pending("a")
    assert again.request(seq) is not None
    again.acknowledge([Ack("a", number, (seq,))])
    assert list(again.requests()) == []


def test_verdicts_are_remembered_and_forgotten(opened: Open) -> None:
    """A verdict is there after a restart; a sweep finds it once it has expired."""
    verdict = VerdictRecord(True, "errors", 1.0, "audit", 1000.5, 7, "rule", 2, "first", b"refs")
    journal = opened()
    journal.commit(Change(verdicts={TRACE: verdict}, indexed_through=7, overflow=b"held"))
    journal.close()
    again = opened()
    assert again.verdict(TRACE) == verdict
    assert again.indexed_through == 7
    assert again.overflow() == b"held"
    sweep = again.sweep_verdicts(b"", 10, lambda decided_at, through: decided_at < 2000)
    assert sweep.expired == (TRACE,)
    assert sweep.next_start == b""
    again.commit(Change(forget=[TRACE]))
    assert again.verdict(TRACE) is None


@pytest.mark.parametrize("last", [0, 255, 256, 65535, 65536, 2**32 - 1])
def test_places_of_items_come_back_as_they_were(last: int) -> None:
    """References to items of any number, spans and log records, survive being packed; those added later join them."""
    refs = {1 << 40: (Signal.LOGS, array("I", [last, 3])), 7: (Signal.TRACES, array("I", [0]))}
    packed = b"".join(pack_refs(seq, signal, numbers) for seq, (signal, numbers) in refs.items())
    assert unpack_refs(packed) == refs
    added = unpack_refs(packed + pack_refs(7, Signal.TRACES, [last]))
    assert list(added[7][1]) == [0, last]


def test_records_of_budgets_are_stored_with_the_verdicts(opened: Open) -> None:
    """They are replaced and deleted by later changes, and the next process reads what is left."""
    journal = opened()
    assert journal.budgets() == []
    journal.commit(Change(budgets={b"errors\0trace\0": b"totals", b"errors\0trace\0key": b"1", b"gone": b"x"}))
    journal.commit(Change(budgets={b"errors\0trace\0key": b"2", b"gone": None, b"never was": None}))
    journal.close()
    assert opened().budgets() == [(b"errors\0trace\0", b"totals"), (b"errors\0trace\0key", b"2")]


def test_a_full_journal_refuses_requests_but_takes_decisions(opened: Open) -> None:
    """At the bound senders are told to wait, while what frees room still goes through."""
    journal = opened(max_bytes=1 << 20)
    held: list[int] = []
    try:
        while len(held) < 100:
            held.append(journal.append(Signal.TRACES, os.urandom(100_000)))
    except JournalFull as full:
        told = str(full)
    assert "max_bytes" in told
    assert len(held) >= 8
    journal.commit(Change(drop=Counter(held)))
    assert journal.used_bytes == 0
    journal.append(Signal.TRACES, os.urandom(100_000))


def test_room_is_used_again(opened: Open) -> None:
    """Ten times the bound passes through a journal whose requests are let go."""
    journal = opened(max_bytes=1 << 21)
    for _ in range(200):
        seq = journal.append(Signal.TRACES, os.urandom(100_000))
        journal.commit(Change(drop=Counter({seq: 1})))
    assert journal.used_bytes == 0


def test_the_file_does_not_grow_while_requests_are_held_and_let_go(opened: Open, tmp_path: Path) -> None:
    """Twenty times the bound passes through, each request held for late errors for a while: the file stays as it was."""
    journal = opened(max_bytes=1 << 21)
    sizes = []
    for number in range(400):
        seq = journal.append(Signal.TRACES, os.urandom(100_000))
        room = max(0, journal.total_bytes - (1 << 20))
        journal.commit(Change(drop=Counter({seq: 1}), dropped={seq: float(number + 1)}, make_room=room))
        assert journal.total_bytes <= 1 << 21
        sizes.append((tmp_path / "journal" / "data.mdb").stat().st_size)
    assert sizes[-1] == sizes[100]
    assert sizes[-1] < 3 << 20
    assert journal.released["room"] > 380
    journal.commit(Change(release_before=1e9))
    assert journal.total_bytes - journal.verdict_bytes == 0


def test_what_is_held_for_late_errors_is_held_after_a_restart(opened: Open) -> None:
    """Requests whose traces are decided are not read again; they go when their time is over, and not before."""
    journal = opened()
    first, second = journal.append(Signal.TRACES, b"first"), journal.append(Signal.TRACES, b"second")
    journal.commit(Change(drop=Counter({first: 1, second: 1}), dropped={first: 20.0, second: 10.0}))
    assert journal.used_bytes == 0
    held = journal.rescue_bytes
    journal.close()
    journal = opened()
    assert journal.recovered == ()
    assert (journal.used_bytes, journal.rescue_bytes, journal.held_since, journal.held_last) == (0, held, 10.0, 20.0)
    journal.commit(Change(hold=Counter({second: 1})))
    assert journal.used_bytes > 0
    journal.commit(Change(release_before=15.0))
    assert journal.holds(second)
    journal.commit(Change(drop=Counter({second: 1})))
    assert not journal.holds(second)
    assert journal.holds(first)
    assert journal.released == {"window": 1}


def test_one_process_at_a_time(opened: Open) -> None:
    """A second processor on the same folder is told so at once."""
    opened()
    with pytest.raises(JournalBusy, match=r"journal\.path of its own"):
        opened()


@pytest.mark.parametrize("held", [Signal.TRACES, None])
def test_another_key_opens_nothing(opened: Open, held: Signal | None) -> None:
    """A journal, an empty one too, that is opened with the wrong key says which key it wants."""
    journal = opened()
    if held is not None:
        journal.append(held, b"spans")
    journal.close()
    with pytest.raises(WrongKey, match=KEY.id):
        opened(Key("78787878", b"x" * 32))


def test_the_key_can_be_changed(opened: Open) -> None:
    """With the old key retired, what it sealed is read, what is new takes the new key, and the old one is named no more."""
    new = Key("78787878", b"x" * 32)
    journal = opened()
    seq = journal.append(Signal.TRACES, b"before")
    journal.commit(Change(deliveries=[Delivery(Signal.TRACES, "x", ("a",), (b"",), {seq: refs(0)})]))
    journal.close()
    journal = opened(new, retired=[KEY])
    assert journal.sealed_with_retired_keys() == 2
    after = journal.append(Signal.TRACES, b"after")
    found = journal.request(seq)
    assert found is not None
    assert found.body == b"before"
    journal.acknowledge([Ack("a", journal.pending("a")[0], (seq,))])
    journal.commit(Change(drop=Counter({seq: 1})))
    assert journal.sealed_with_retired_keys() == 0
    journal.close()
    found = opened(new).request(after)
    assert found is not None
    assert found.body == b"after"


def test_what_has_no_end_takes_the_new_key_at_once(opened: Open) -> None:
    """Boosts, known versions and counts of facts are there without the old key, which nothing says is still needed."""
    new = Key("78787878", b"x" * 32)
    journal = opened()
    journal.commit(Change(overflow=b"counts", boosts=b"boosts", deployments=b"versions"))
    journal.close()
    journal = opened(new, retired=[KEY])
    assert journal.sealed_with_retired_keys() == 0
    journal.close()
    journal = opened(new)
    assert (journal.overflow(), journal.boosts(), journal.deployments()) == (b"counts", b"boosts", b"versions")


def test_nothing_readable_on_disk(opened: Open, tmp_path: Path) -> None:
    """Neither requests nor deliveries can be read in the file."""
    journal = opened()
    journal.append(Signal.TRACES, b"very-secret-body" * 3)
    journal.commit(
        Change(deliveries=[Delivery(Signal.LOGS, "c", ("a",), payload=b"very-secret-fact", payload_items=1)])
    )
    journal.close()
    data = (tmp_path / "journal" / "data.mdb").read_bytes()
    assert b"pending" in data
    assert b"very-secret" not in data


def test_a_changed_record_is_noticed(opened: Open, tmp_path: Path) -> None:
    """A flipped bit in a stored request does not become telemetry."""
    journal = opened()
    journal.append(Signal.TRACES, os.urandom(3000))
    journal.close()
    path = tmp_path / "journal" / "data.mdb"
    data = bytearray(path.read_bytes())
    at = data.rindex(bytes.fromhex(KEY.id)) + 500
    data[at] ^= 1
    path.write_bytes(data)
    journal = opened()
    with pytest.raises(JournalCorrupt, match="authentication"):
        journal.request(journal.recovered[0])


def test_a_record_with_a_damaged_key_id_fails_alone(opened: Open, tmp_path: Path) -> None:
    """Of a record whose key id was overwritten only that record is lost: it is no reason to stay down."""
    journal = opened()
    journal.append(Signal.TRACES, b"lost")
    journal.append(Signal.TRACES, b"there")
    journal.close()
    path = tmp_path / "journal" / "data.mdb"
    data = path.read_bytes()
    first = (1).to_bytes(8, "big") + bytes.fromhex(KEY.id)
    assert first in data
    path.write_bytes(data.replace(first, first[:8] + bytes(4)))
    journal = opened()
    with pytest.raises(JournalCorrupt):
        journal.request(1)
    second = journal.request(2)
    assert second is not None
    assert second.body == b"there"


def test_many_threads_share_syncs_and_lose_nothing(opened: Open) -> None:
    """Concurrent appends get distinct numbers, and each finds its own body."""
    journal = opened()
    found: dict[int, bytes] = {}
    lock = threading.Lock()

    def work(name: int) -> None:
        for number in range(20):
            body = f"{name}-{number}".encode()
            seq = journal.append(Signal.TRACES, body)
            with lock:
                found[seq] = body

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 160
    assert {seq: request.body for seq, request in journal.requests()} == found


_WRITER = """
import sys
from pathlib import Path
from errorplane.journal import Journal
from errorplane.keys import Key
from errorplane.otlp import Signal
journal = Journal(Path(sys.argv[1]), Key("6b6b6b6b", b"k" * 32), max_bytes=1 << 26)
for number in range(100_000):
    seq = journal.append(Signal.TRACES, str(number).encode() * 200)
    sys.stdout.write(f"{seq}\\n")
    sys.stdout.flush()
"""


def test_kill_loses_nothing_that_was_acknowledged(opened: Open, tmp_path: Path) -> None:
    """Every number that a killed process had printed is in the journal, and the journal opens at once."""
    command = [sys.executable, "-c", _WRITER, str(tmp_path / "journal")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(50)]
        process.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    journal = opened(max_bytes=1 << 26)
    bodies = {seq: request.body for seq, request in journal.requests()}
    assert set(acknowledged) <= set(bodies)
    assert all(body == str(seq - 1).encode() * 200 for seq, body in bodies.items())


def test_verdicts_count_towards_the_bound(opened: Open) -> None:
    """What is remembered of decided traces takes room, which the bound of the journal includes."""
    journal = opened(max_bytes=1 << 20)
    verdict = VerdictRecord(True, "errors", 1.0, "standard", 1.0, 0, "rule", 1)
    for number in range(20):
        journal.commit(Change(verdicts={os.urandom(16): verdict for _ in range(1000)}, indexed_through=number))
    assert journal.verdict_bytes >= 1 << 20
    assert journal.used_bytes == 0
    with pytest.raises(JournalFull, match="max_bytes"):
        journal.append(Signal.TRACES, b"")
    forgotten = journal.sweep_verdicts(b"", 20_000, lambda decided_at, through: True)
    journal.commit(Change(forget=list(forgotten.expired)))
    journal.append(Signal.TRACES, b"")


def test_a_failing_operation_fails_alone(opened: Open) -> None:
    """An operation that cannot be carried out is reported to its caller; the writer goes on for the others."""
    journal = opened()
    with pytest.raises(JournalError, match="not stored"):
        journal.commit(Change(verdicts={TRACE: None}))  # type: ignore[dict-item]  # the fault
    seq = journal.append(Signal.TRACES, b"after")
    found = journal.request(seq)
    assert found is not None
    assert found.body == b"after"


def test_what_waits_too_long_for_the_disk_is_not_stored(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller whose turn does not come is told so, and what it was told not to be stored is not."""
    journal = opened()
    monkeypatch.setattr(_writer, "_SUBMIT_TIMEOUT_S", 0.05)
    request = StoredRequest(Signal.TRACES, 1.0, b"first")
    first: Future[int] = Future()
    with journal._store.env.begin(write=True):  # LMDB's only write transaction: the writer waits as for a stalled disk
        with journal._writer._wake:
            journal._writer._queue.append((Append(request, journal._sealer.compress(request.pack()), None), first))
            journal._writer._wake.notify()
        wait_until(first.running, "the first to be under way")
        with pytest.raises(JournalError, match="the disk was busy"):
            journal.append(Signal.TRACES, b"second")
    assert first.result(10) == 1
    assert journal.append(Signal.TRACES, b"third") == 2
    assert [found.body for _, found in journal.requests()] == [b"first", b"third"]


def test_a_disk_that_runs_full_leaves_room_to_let_go(tmp_path: Path) -> None:
    """Before the disk is full requests are refused, room freed inside the file is used, and decisions go through."""
    free = 1 << 30
    journal = Journal(tmp_path / "journal", KEY, max_bytes=1 << 26, disk_free=lambda path: free)
    with contextlib.closing(journal):
        held = [journal.append(Signal.TRACES, os.urandom(1 << 20)) for _ in range(8)]
        free = 16 << 20
        with pytest.raises(JournalFull, match="16777216 bytes free"):
            journal.append(Signal.TRACES, os.urandom(1 << 20))
        journal.commit(Change(drop=Counter(held)))
        journal.append(Signal.TRACES, os.urandom(1 << 20))


@pytest.mark.parametrize("keep", [0.05, 0.5, 0.98])
def test_a_journal_that_was_cut_off_is_an_error(tmp_path: Path, opened: Open, keep: float) -> None:
    """Of a file that lost its end, the journal reports the damage; it does not die of reading beyond the end."""
    journal = opened()
    for _ in range(30):
        journal.append(Signal.TRACES, os.urandom(10_000))
    journal.close()
    data = tmp_path / "journal" / "data.mdb"
    os.truncate(data, int(data.stat().st_size * keep))
    with pytest.raises(JournalCorrupt):
        list(opened().requests())


def test_a_journal_without_a_byte_left_is_no_new_one(tmp_path: Path, opened: Open) -> None:
    """Of a file that lost everything the journal reports the damage instead of starting empty without a word."""
    opened().close()
    os.truncate(tmp_path / "journal" / "data.mdb", 0)
    with pytest.raises(JournalCorrupt, match="no bytes left"):
        opened()


def test_a_file_that_is_no_journal_is_an_error(tmp_path: Path, opened: Open) -> None:
    """Where the journal should be lies something else: the error says what to do, and the lock is let go."""
    (tmp_path / "journal").mkdir()
    data = tmp_path / "journal" / "data.mdb"
    data.write_bytes(os.urandom(20_000))
    with pytest.raises(JournalCorrupt, match="move it away"):
        opened()
    data.unlink()
    assert opened().recovered == ()


def test_a_journal_of_another_format_says_so(tmp_path: Path, opened: Open) -> None:
    """A journal that an earlier version wrote is left alone, and the error names both formats and what to do."""
    opened().close()
    path = tmp_path / "journal" / "data.mdb"
    data = path.read_bytes()
    assert FORMAT in data
    path.write_bytes(data.replace(FORMAT, b"errorplane-journal-2"))
    with pytest.raises(JournalCorrupt, match=rf"journal-2.*{FORMAT.decode()}.*drain it"):
        opened()
    with pytest.raises(JournalCorrupt, match=rf"journal-2.*{FORMAT.decode()}.*ask with the version that wrote it"):
        read_verdict(tmp_path / "journal", bytes(16))


def test_the_format_says_how_records_are_written() -> None:
    """Records of the current format have these bytes: who changes them must count the format up."""
    numbers = array("I", [7]).tobytes()
    request = StoredRequest(Signal.LOGS, 1.5, b"body", b"hints")
    assert request.pack() == bytes.fromhex("02 3ff8000000000000 00000005") + b"hintsbody"
    places = pack_refs(1, Signal.LOGS, [7])
    assert places == bytes.fromhex("0000000000000001 01 00000001") + numbers
    verdict = VerdictRecord(True, "r", 0.5, "c", 1.5, 9, "why", 3, "b", places)
    fixed = bytes.fromhex("01 3ff8000000000000 0000000000000009 3fe0000000000000 00000003")
    texts = b"\0\x01r\0\x01c\0\x03why\0\x01b"
    assert verdict.pack() == fixed + texts + len(places).to_bytes(4, "big") + places
    delivery = Delivery(Signal.TRACES, "c", ("out",), (b"tag",), {1: refs(7)}, b"pay", 2, healthy=True, copied=True)
    head = bytes.fromhex("03 01 00000001") + b"c" + bytes.fromhex("00000001 00000003") + b"out"
    tags = bytes.fromhex("00000001 00000003") + b"tag" + bytes.fromhex("00000001 0000000000000001 00000001")
    assert delivery.pack() == head + tags + numbers + bytes(4) + bytes.fromhex("00000002 00000003") + b"pay"
    assert FORMAT == b"errorplane-journal-4"
