"""The simulated table: `infra.table.items.Items` in memory, behind a network with faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from infra.errors import GiveUpError, TryLaterError
from infra.table.attributes import decode_item, encode_item
from infra.table.conditions import Absent, All, AnyOf, Below, Condition, Equals, OneOf
from infra.table.items import Applied, ConditionFailed, Index, Item, Key, NewItem, Page, Put, Start, Update, Value
from tests.simulation.scheduler import CrashError, Scheduler, Worker, Yield

Answer = TypeVar("Answer")
Copied = TypeVar("Copied")


def holds(condition: Condition, item: Item | None) -> bool:
    """Whether a condition holds for the stored item."""
    there = item or {}
    match condition:
        case Equals(attr, value):
            return attr in there and type_of(there[attr]) == type_of(value) and there[attr] == value
        case Absent(attr):
            return attr not in there
        case Below(attr, number):
            found = there.get(attr)
            return isinstance(found, (int, float)) and not isinstance(found, bool) and found < number
        case OneOf(attr, values):
            return any(holds(Equals(attr, value), item) for value in values)
        case All(conditions):
            return all(holds(part, item) for part in conditions)
        case AnyOf(conditions) if conditions:
            return any(holds(part, item) for part in conditions)
    raise GiveUpError(f"not a known condition: {condition!r}")


def type_of(value: object) -> str:
    """DynamoDB's type of a value; DynamoDB distinguishes 1 from true."""
    if isinstance(value, bool):
        return "BOOL"
    return "N" if isinstance(value, (int, float)) else type(value).__name__


def copy(value: Copied) -> Copied:
    """A copy of a decoded value, which has only lists and dictionaries to copy; `deepcopy` takes four times as long."""
    if type(value) is dict:
        return {name: copy(one) for name, one in value.items()}  # type: ignore[return-value]  # the same type
    if type(value) is list:
        return [copy(one) for one in value]  # type: ignore[return-value]  # as above
    return value


class SimulatedTable:
    """The items in the table. Each method is atomic; a worker uses `SimulatedItems`."""

    def __init__(self) -> None:
        self.items: dict[Key, Item] = {}
        self.before: dict[Key, Item] = {}
        """Each item as it was before its last write: an index may still return it."""
        self.watchers: list[Callable[[Item | None, Item], None]] = []
        """Called for each write with the item before it and the item after it."""

    def get(self, pk: str, sk: str) -> Item | None:
        item = self.items.get((pk, sk))
        return None if item is None else copy(item)

    def put(self, item: Item) -> Item:
        kept = decode_item(encode_item(item))
        assert kept is not None
        key = (str(kept["pk"]), str(kept["sk"]))
        before, self.items[key] = self.items.get(key), kept
        if before is not None:
            self.before[key] = before
        for watcher in self.watchers:
            watcher(before, kept)
        return copy(kept)

    def put_if(self, item: Item, condition: Condition) -> Applied | ConditionFailed:
        stands = self.get(str(item["pk"]), str(item["sk"]))
        return Applied(self.put(item)) if holds(condition, stands) else ConditionFailed(stands)

    def update_if(
        self, pk: str, sk: str, condition: Condition, changes: Mapping[str, Value], remove: Sequence[str]
    ) -> Applied | ConditionFailed:
        stands = self.get(pk, sk)
        if stands is None or not holds(condition, stands):
            return ConditionFailed(stands)
        gone = {*remove, *(name for name, value in changes.items() if value is None)}
        merged = {**stands, **{name: value for name, value in changes.items() if value is not None}}
        return Applied(self.put({name: value for name, value in merged.items() if name not in gone}))

    def put_all_with(self, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
        """All or nothing; watchers of the writes see the records first, and then the item that counts them."""
        key = (str(write.item["pk"]), str(write.item["sk"])) if isinstance(write, Put) else (write.pk, write.sk)
        stands = self.get(*key)
        if (stands is None and isinstance(write, Update)) or not holds(write.condition, stands):
            return ConditionFailed(stands)
        for item in items:
            self.put(item)
        if isinstance(write, Put):
            self.put(write.item)
        else:
            self.update_if(write.pk, write.sk, write.condition, write.set, write.remove)
        return None

    def delete_if(self, pk: str, sk: str, condition: Condition) -> ConditionFailed | None:
        stands = self.get(pk, sk)
        if stands is None or not holds(condition, stands):
            return ConditionFailed(stands)
        self.before[pk, sk] = self.items.pop((pk, sk))
        return None

    def get_all(self, keys: Sequence[Key]) -> list[Item]:
        if len(set(keys)) != len(keys):
            raise GiveUpError("DynamoDB refuses a call that names a key twice")
        return [copy(self.items[key]) for key in sorted(keys) if key in self.items]

    def query_after(self, pk: str, after: str | None, limit: int) -> list[Item]:
        keys = sorted(key for key in self.items if key[0] == pk and (after is None or key[1] > after))
        return [copy(self.items[key]) for key in keys[:limit]]

    def query(self, pk: str, low: str, high: str, newest: int | None = None) -> list[Item]:
        keys = sorted(key for key in self.items if key[0] == pk and low <= key[1] <= high)
        return [copy(self.items[key]) for key in (keys if newest is None else keys[-newest:])]

    def query_index(
        self,
        index: Index,
        value: str,
        limit: int,
        start: Start | None,
        at_most: float | None,
        newest_first: bool,
        late: Callable[[], bool] = lambda: False,
    ) -> Page:
        """A page of an index, which lags behind for the items that `late` selects."""

        def order(item: Mapping[str, Value]) -> tuple[float, str, str]:
            number = item[index.sort]
            assert isinstance(number, (int, float))
            return (number, str(item["pk"]), str(item["sk"]))

        jobs = {key: item for key, item in self.items.items() if index.sort in {*item, *self.before.get(key, ())}}
        seen = (self.before.get(key, item) if late() else item for key, item in jobs.items())
        found = [item for item in seen if item.get(index.key) == value and index.sort in item]
        found = sorted((item for item in found if at_most is None or order(item)[0] <= at_most), key=order)
        if newest_first:
            found.reverse()
        if start is not None:
            after = order(start)
            found = [item for item in found if (order(item) < after if newest_first else order(item) > after)]
        page = found[:limit]
        last = page[-1] if len(found) > limit else None
        names = ("pk", "sk", index.key, index.sort)
        shown = {*names, *index.shows}
        projected = [{name: copy(value) for name, value in item.items() if name in shown} for item in page]
        return Page(tuple(projected), {name: last[name] for name in names} if last else None)


class SimulatedItems:
    """The table as one worker sees it: every call yields before and after, and the network may lose its answer."""

    def __init__(self, table: SimulatedTable, scheduler: Scheduler, worker: Worker) -> None:
        self._table = table
        self._scheduler = scheduler
        self._worker = worker

    async def get(self, pk: str, sk: str) -> Item | None:
        await self._reach("get")
        return self._table.get(pk, sk)

    async def get_all(self, keys: Sequence[Key]) -> list[Item]:
        await self._reach("get_all")
        return self._table.get_all(keys)

    async def query(self, pk: str, low: str, high: str, *, newest: int | None = None) -> list[Item]:
        await self._reach("query")
        found = self._table.query(pk, low, high, newest)
        if newest is None and self._scheduler.random.random() < 0.5:  # half of the time it needs a second page
            cut = self._scheduler.random.randint(0, len(found))
            await Yield("query page")
            seen = str(found[cut - 1]["sk"]) if cut else ""
            found = found[:cut] + [item for item in self._table.query(pk, low, high) if str(item["sk"]) > seen]
        return found

    async def query_after(self, pk: str, after: str | None, *, limit: int) -> list[Item]:
        await self._reach("query_after")
        return self._table.query_after(pk, after, limit)

    async def delete_if(self, pk: str, sk: str, condition: Condition) -> ConditionFailed | None:
        await self._reach("delete_if")
        await self._contend("delete_if")
        return await self._write("delete_if", lambda: self._table.delete_if(pk, sk, condition))

    async def put_all(self, items: Sequence[NewItem]) -> None:
        await self._reach("put_all")
        left = list(items)
        self._scheduler.random.shuffle(left)  # a batch is not a transaction and has no order
        while left:
            count = self._scheduler.random.randint(1, len(left))
            for item in left[:count]:
                await self._write("put", partial(self._table.put, item))
            left = left[count:]
            await Yield("batch written in part" if left else "batch written")

    async def put_some(self, items: Sequence[NewItem]) -> set[int]:
        """As `put_all`, but the table may leave some items unwritten despite all retries."""
        await self._reach("put_some")
        left = {index for index in range(len(items)) if self._scheduler.chance("throttled")}
        for index, item in enumerate(items):
            if index not in left:
                await self._write("put", partial(self._table.put, item))
        await Yield("batch written in part" if left else "batch written")
        return left

    async def put_all_with(self, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
        await self._reach("put_all_with")
        await self._contend("put_all_with")
        self._scheduler.counts["transactions"] += 1
        done = False

        def apply() -> ConditionFailed | None:
            """Repeat a transaction whose token has succeeded before: a success that changes nothing."""
            nonlocal done
            refused = None if done else self._table.put_all_with(items, write)
            done = done or refused is None
            return refused

        return await self._write("put_all_with", apply)

    async def put_if(self, item: Item, condition: Condition) -> Applied | ConditionFailed:
        await self._reach("put_if")
        await self._contend("put_if")
        return await self._write("put_if", lambda: self._table.put_if(item, condition))

    async def update_if(
        self, pk: str, sk: str, *, condition: Condition, set: Mapping[str, Value], remove: Sequence[str] = ()
    ) -> Applied | ConditionFailed:
        await self._reach("update_if")
        await self._contend("update_if")
        return await self._write("update_if", lambda: self._table.update_if(pk, sk, condition, set, remove))

    async def query_index(
        self,
        index: Index,
        value: str,
        *,
        limit: int,
        start: Start | None = None,
        at_most: float | None = None,
        newest_first: bool = False,
    ) -> Page:
        await self._reach("query_index")
        late = partial(self._scheduler.chance, "late_index")
        return self._table.query_index(index, value, limit, start, at_most, newest_first, late)

    async def _reach(self, call: str) -> None:
        if self._worker.dead:
            raise CrashError
        await Yield(f"before {call}")
        if self._scheduler.chance("throttled"):
            raise TryLaterError(f"throttled: {call}")

    async def _contend(self, call: str) -> None:
        """A transaction is in flight on the item: the adapter tries again, four times in all."""
        for _ in range(4):
            if not self._scheduler.chance("conflict"):
                return
            await Yield(f"{call}: a transaction is in the way", 0.05)
        raise TryLaterError(f"a transaction stays in the way: {call}")

    async def _write(self, call: str, apply: Callable[[], Answer]) -> Answer:
        """Do a write over the network: once, or twice, or again later; returns the last answer."""
        answer = apply()
        if self._scheduler.chance("late_packet"):
            delay = self._scheduler.random.choice((0.3, 3.0, 30.0, 90.0))
            self._scheduler.at(self._scheduler.now + delay, apply)
        while self._scheduler.chance("lost_reply"):
            for _ in range(self._scheduler.random.choice((1, 1, 3, 10))):
                await Yield(f"{call}: the SDK waits")
            answer = apply()
        await Yield(f"after {call}")
        if self._scheduler.chance("timed_out"):
            raise TryLaterError(f"no answer: {call}")
        return answer
