"""What was decided about a trace, read from a journal's folder: of a stopped processor, or beside a running one."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import lmdb

from errorplane.journal._errors import JournalCorrupt, JournalError
from errorplane.journal._records import VerdictRecord
from errorplane.journal._store import _DAMAGE, _DATA, FORMAT

_GROWTH = 1 << 30  # bytes by which a journal may grow while it is read


def read_verdict(path: Path, trace_id: bytes) -> VerdictRecord | None:
    """The remembered verdict on a trace in the journal at ``path``; None if there is none.

    Takes no lock and changes nothing: LMDB shows the last synced state, and is read for a moment only. Needs no key,
    since verdicts hold nothing of anybody's telemetry. Raises ``JournalError`` where there is no journal to read.
    """
    data = path / _DATA
    if not data.is_file():
        raise JournalError(f"{path} holds no journal: name the folder that journal.path of the policy names")
    try:
        with lmdb.open(
            str(path), readonly=True, max_dbs=8, map_size=data.stat().st_size + _GROWTH, create=False
        ) as env:
            return _read(env, data, trace_id)
    except _DAMAGE as error:
        raise JournalCorrupt(f"{path} is damaged ({error})") from error
    except lmdb.Error as error:
        raise JournalError(f"{path} cannot be read: {error}") from error


def _read(env: lmdb.Environment, data: Path, trace_id: bytes) -> VerdictRecord | None:
    # Reading beyond the end of a mapped file would kill this process.
    if data.stat().st_size < (env.info()["last_pgno"] + 1) * env.stat()["psize"]:
        raise JournalCorrupt(f"{data} is cut off: start the processor, which says what of it is lost")
    try:
        meta, verdicts = env.open_db(b"meta", create=False), env.open_db(b"verdicts", create=False)
    except lmdb.NotFoundError:
        return None  # made, and never written to
    with env.begin() as txn:
        found = txn.get(b"format", db=meta)
        if found not in (None, FORMAT):
            raise JournalCorrupt(f"{data.parent} is a journal of format {found!r}, this version reads {FORMAT!r}")
        record = txn.get(trace_id, db=verdicts)
    return None if record is None else VerdictRecord.unpack(record)


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
