"""Ways to break the commits that are one transaction; see `tests.simulation.broken`."""

from __future__ import annotations

from collections.abc import Sequence

from infra.jobs.records import JobRecord
from infra.table.conditions import All, Condition
from infra.table.items import ConditionFailed, NewItem, Put, Update
from tests.simulation.table import SimulatedItems, SimulatedTable

_PUT_ALL_WITH = SimulatedTable.put_all_with


def _any(write: Put | Update, condition: Condition) -> Put | Update:
    if isinstance(write, Put):
        return Put(write.item, condition)
    return Update(pk=write.pk, sk=write.sk, condition=condition, set=write.set, remove=write.remove)


def _without(condition: Condition, attr: str) -> Condition:
    if isinstance(condition, All):
        return All(*(_without(part, attr) for part in condition.conditions if getattr(part, "attr", "") != attr))
    return condition


def blind(self: SimulatedTable, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
    """A transaction ignores a cancel."""
    return _PUT_ALL_WITH(self, items, _any(write, _without(write.condition, "woken")))


def ownerless(self: SimulatedTable, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
    """A transaction ignores who owns the job."""
    return _PUT_ALL_WITH(self, items, _any(write, _without(write.condition, "lease")))


def accept_over_any_job(self: SimulatedTable, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
    """A job is accepted even if its id is taken."""
    return _PUT_ALL_WITH(self, items, _any(write, All()) if isinstance(write, Put) else write)


def records_forgotten(self: SimulatedTable, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
    """JOB is written without its last record."""
    return _PUT_ALL_WITH(self, items[:-1], write)


def put_refused_records(self: SimulatedTable, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
    """The records are put although JOB is refused."""
    for item in items:
        self.put(item)
    return _PUT_ALL_WITH(self, (), write)


async def tokenless(self: SimulatedItems, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
    """A repetition is a new transaction."""
    await self._reach("put_all_with")
    await self._contend("put_all_with")
    return await self._write("put_all_with", lambda: self._table.put_all_with(items, write))


def never_as_held(_: JobRecord, __: JobRecord) -> bool:
    """An owner gives the job up when its write is refused because of a cancel."""
    return False
