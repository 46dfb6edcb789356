"""All budgets of a policy: by rule, and by what is counted apart; their records for the journal."""

from __future__ import annotations

import enum
import functools
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from errorplane.sampling._allowance import BudgetLimits
from errorplane.sampling._budgets import Budget, BudgetTotals


class BudgetKind(enum.StrEnum):
    """What of a rule has a budget of its own."""

    TRACE = "trace"  # errors of traces
    LOG = "log"  # log records without a trace
    HEALED = "healed"  # errors after which the same call succeeded: one sample a window


@functools.lru_cache(maxsize=4096)
def budget_key(fingerprint: str) -> bytes:
    """The 16 bytes under which a budget knows a fingerprint."""
    return hashlib.blake2b(fingerprint.encode(), digest_size=16, person=b"budget").digest()


class BudgetBook:
    """Gives out the budget of a rule and kind, made when first asked for.

    Records are named by rule, kind and key, and hold no more than 64 bytes each: ``changes`` are those to store with
    the turn, ``commit`` says that they are, ``roll_back`` that the turn failed. Not safe for several threads.
    """

    def __init__(self) -> None:
        self._limits: Mapping[str, BudgetLimits] = {}
        self._budgets: dict[tuple[str, BudgetKind], Budget] = {}
        self._gone: list[bytes] = []

    def limit(self, limits: Mapping[str, BudgetLimits]) -> None:
        """Put a policy's limits in force, by rule; budgets of rules that have none any more are given up."""
        if limits is self._limits:
            return
        self._limits = limits
        for (rule, kind), budget in tuple(self._budgets.items()):
            mine = limits.get(rule)
            if mine is None:
                del self._budgets[rule, kind]
                self._gone += [_name(rule, kind, key) for key in budget.names()]
            else:
                budget.limit(_of_kind(mine, kind))

    def get(self, rule: str, kind: BudgetKind, now: float) -> Budget:
        """The budget of a rule that has one; ``now`` is Unix time."""
        budget = self._budgets.get((rule, kind))
        if budget is None:
            budget = self._budgets[rule, kind] = Budget(_of_kind(self._limits[rule], kind), now)
        return budget

    def totals(self) -> Iterator[tuple[str, BudgetKind, int, BudgetTotals]]:
        """Rule, kind, number of fingerprints told apart, and totals of each budget; safe from another thread."""
        for (rule, kind), budget in tuple(self._budgets.items()):
            yield rule, kind, len(budget), budget.totals

    def changes(self) -> dict[bytes, bytes | None]:
        """Records to store; None: the record goes."""
        found: dict[bytes, bytes | None] = dict.fromkeys(self._gone)
        for (rule, kind), budget in self._budgets.items():
            found |= {_name(rule, kind, key): data for key, data in budget.changes().items()}
        return found

    def commit(self) -> None:
        """What has changed is stored."""
        self._gone.clear()
        for budget in self._budgets.values():
            budget.commit()

    def roll_back(self) -> None:
        """Forget what has changed since the last ``commit``: it will be offered again."""
        for budget in self._budgets.values():
            budget.roll_back()

    def restore(self, records: Iterable[tuple[bytes, bytes]], now: float) -> list[str]:
        """Take over an earlier process's records, once, under the limits in force; says which could not be read."""
        grouped: defaultdict[tuple[str, str], dict[bytes, bytes]] = defaultdict(dict)
        problems = []
        for name, data in records:
            try:
                rule, kind, key = _parts(name)
            except ValueError:
                problems.append(f"record {name.hex()[:40]} has no name that a budget gives")
                self._gone.append(name)
                continue
            if rule in self._limits and kind in BudgetKind.__members__.values():
                grouped[rule, kind][key] = data
            else:
                self._gone.append(name)
        for (rule, kind), found in grouped.items():
            try:
                self.get(rule, BudgetKind(kind), now).restore(found)
            except ValueError as error:
                problems.append(f"{rule}/{kind}: {error}")
        return problems


def _of_kind(limits: BudgetLimits, kind: BudgetKind) -> BudgetLimits:
    return replace(limits, samples=1) if kind is BudgetKind.HEALED else limits


def _name(rule: str, kind: BudgetKind, key: bytes) -> bytes:
    return f"{rule}\0{kind}\0".encode() + key


def _parts(name: bytes) -> tuple[str, str, bytes]:
    rule, kind, key = name.split(b"\0", 2)
    return rule.decode(), kind.decode(), key
