"""What was decided about a trace, read from a journal's folder: of a stopped processor, or beside a running one."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmdb

from errorplane.journal._errors import JournalCorrupt, JournalError
from errorplane.journal._records import VerdictRecord
from errorplane.journal._sealing import Sealer
from errorplane.journal._store import _DAMAGE, _DATA, FORMAT
from errorplane.keys import Key

_GROWTH = 1 << 30  # bytes by which a journal may grow while it is read


def read_verdict(path: Path, trace_id: bytes) -> VerdictRecord | None:
    """The remembered verdict on a trace in the journal at ``path``; None if there is none.

    Takes no lock and changes nothing: LMDB shows the last synced state, and is read for a moment only. Needs no key,
    since verdicts hold nothing of anybody's telemetry. Raises ``JournalError`` where there is no journal to read.
    """
    with _opened(path) as env, env.begin() as txn:
        record = txn.get(trace_id, db=env.open_db(b"verdicts", txn, create=False))
    return None if record is None else VerdictRecord.unpack(record)


def waits(path: Path, trace_id: bytes, key: Key) -> bool:
    """Whether a request that is not decided as a whole holds this trace: it may still get its verdict.

    Looks through all such requests, one read at a time. Raises ``JournalError`` as ``read_verdict`` does, ``WrongKey``
    if the journal was sealed with another key.
    """
    sealer = Sealer(key)
    with _opened(path) as env:
        requests, decided = (env.open_db(name, create=False) for name in (b"requests", b"decided"))
        number: bytes | None = b""
        while number is not None:
            number, sealed = _next_open(env, requests, decided, number)
            if number is not None and trace_id in sealer.open(sealed, b"requests" + number):
                return True
    return False


def _next_open(
    env: lmdb.Environment, requests: lmdb._Database, decided: lmdb._Database, after: bytes
) -> tuple[bytes | None, bytes]:
    """The next request that is not among the decided ones; a transaction of its own, so that none lives long."""
    with env.begin() as txn, txn.cursor(db=requests) as cursor:
        found = cursor.set_range(after + b"\0") if after else cursor.first()
        while found:
            if txn.get(cursor.key(), db=decided) is None:
                return bytes(cursor.key()), bytes(cursor.value())
            found = cursor.next()
    return None, b""


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[lmdb.Environment]:
    data = path / _DATA
    if not data.is_file():
        raise JournalError(f"{path} holds no journal: name the folder that journal.path of the policy names")
    size = data.stat().st_size
    try:
        with lmdb.open(str(path), readonly=True, max_dbs=8, map_size=size + _GROWTH, create=False) as env:
            _check(env, data)
            yield env
    except lmdb.NotFoundError as error:
        raise JournalError(f"{path} is a journal that nothing was written to") from error
    except _DAMAGE as error:
        raise JournalCorrupt(f"{path} is damaged ({error})") from error
    except lmdb.Error as error:
        raise JournalError(f"{path} cannot be read: {error}") from error


def _check(env: lmdb.Environment, data: Path) -> None:
    # Reading beyond the end of a mapped file would kill this process.
    if data.stat().st_size < (env.info()["last_pgno"] + 1) * env.stat()["psize"]:
        raise JournalCorrupt(f"{data} is cut off: start the processor, which says what of it is lost")
    with env.begin() as txn:
        found = txn.get(b"format", db=env.open_db(b"meta", txn, create=False))
    if found != FORMAT:
        raise JournalCorrupt(
            f"{data.parent} is a journal of format {found!r}, this version reads {FORMAT!r}: "
            "ask with the version that wrote it"
        )


def describe(trace_id: bytes, record: VerdictRecord) -> dict[str, Any]:
    """A verdict for people and programs: names of the policy, numbers and times, nothing of the trace's content.

    ``decided_at`` is RFC 3339 in UTC.
    """
    moment = datetime.datetime.fromtimestamp(record.decided_at, datetime.UTC)
    return {
        "trace_id": trace_id.hex(),
        "verdict": "kept" if record.keep else "dropped",
        "reason": record.reason,
        "rule": record.rule,
        "probability": record.probability,
        "decided_at": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "errors": record.errors,
        "budget": record.budget or None,
        "retention_class": record.retention_class,
    }


def undecided(trace_id: bytes, errors: int | None) -> dict[str, Any]:
    """The same of a trace that waits for its verdict; ``errors`` are those seen so far, None where nobody counts."""
    nothing = ("rule", "probability", "decided_at", "budget", "retention_class")
    waiting = {"trace_id": trace_id.hex(), "verdict": "undecided", "reason": "waiting", "errors": errors}
    return waiting | dict.fromkeys(nothing)


def unknown(trace_id: bytes) -> dict[str, Any]:
    """The same of a trace about which nothing is remembered."""
    return {"trace_id": trace_id.hex(), "verdict": "unknown"}
