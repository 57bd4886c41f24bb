"""The port over one DynamoDB table. `infra.table.dynamo_items` is the real one; the simulator of the tests has another.

Items are plain Python. ``None`` means an absent attribute: it is not written, so that an item can leave a sparse index.
Numbers are read as ``int`` if they are whole, else as ``float``. Every item has the keys ``pk`` and ``sk``, non-empty
strings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from infra.table.conditions import Condition

Value = str | int | float | bool | list["Value"] | None
Item = dict[str, Value]
NewItem = Mapping[str, Value]
"""An item to write: any mapping of attributes."""
Key = tuple[str, str]
"""``pk`` and ``sk`` of an item."""
Start = dict[str, Value]
"""The key at which a page of an index ended: the table's keys and the index's."""


@dataclass(frozen=True, slots=True)
class Applied:
    """The write was done."""

    item: Item
    """Its state afterwards."""


@dataclass(frozen=True, slots=True)
class ConditionFailed:
    """The condition did not hold; nothing was written."""

    item: Item | None
    """Its current state, or ``None`` if it does not exist."""


@dataclass(frozen=True, slots=True)
class Index:
    """A secondary index of the table; it holds the items that have both keys."""

    name: str
    key: str
    """A string."""
    sort: str
    """A number."""
    shows: tuple[str, ...]
    """Attributes that it holds besides the table's keys and its own."""


BY_TENANT: Final = Index(
    "by-tenant",
    "tenant",
    "created_at",
    ("expires_at", "failed_step", "finished_at", "name", "run", "started_at", "status", "waiting", "workflow"),
)
"""A tenant's jobs by their age, for lists. A write that changes none of its attributes costs nothing here."""
DUE: Final = Index("due", "shard", "due", ())
"""The due jobs, for the sweeper; sparse."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of an index. It may be empty and still not be the last."""

    items: tuple[Item, ...]
    next: Start | None
    """The start of the next page; ``None`` after the last."""


@dataclass(frozen=True, slots=True)
class Put:
    """A whole item, and the condition on the stored one, as for `Items.put_if`."""

    item: Item
    condition: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """A conditional change of an existing item, as a part of a transaction; see `Items.update_if`."""

    pk: str
    sk: str
    condition: Condition
    set: Mapping[str, Value]
    remove: Sequence[str] = ()


BATCH_ITEMS: Final = 25
"""Items that one call puts (DynamoDB's quota for BatchWriteItem)."""
TRANSACTION_ITEMS: Final = 100
"""Items that one transaction writes, the conditional one included (DynamoDB's quota)."""
TRANSACTION_BYTES: Final = 4 * 1024 * 1024
"""Bytes of all items of a transaction (DynamoDB's quota)."""


class Items(Protocol):
    """The operations of a table.

    Raises, from every method:
        TryLaterError: throttled or unreachable. A write may have been done anyway.
        MisconfiguredError: no such table, or no right to it.
        TooLargeError: an item or a number is too large for DynamoDB (400 KB, 38 digits).
    """

    async def get(self, pk: str, sk: str) -> Item | None:
        """One item, strongly consistent."""
        ...

    async def get_all(self, keys: Sequence[Key]) -> list[Item]:
        """The items that exist, in the order of their keys, each strongly consistent. The keys must be unique."""
        ...

    async def query(self, pk: str, low: str, high: str, *, newest: int | None = None) -> list[Item]:
        """Items of `pk` whose ``sk`` is from `low` to `high`, in the order of ``sk``, strongly consistent page by page.

        Args:
            pk: the partition.
            low: the first key, included.
            high: the last key, included.
            newest: the number of items with the greatest keys to return; ``None`` for all items.
        """
        ...

    async def query_after(self, pk: str, after: str | None, *, limit: int) -> list[Item]:
        """Items of `pk` in the order of ``sk``, strongly consistent; fewer than `limit` only at the end.

        Args:
            pk: the partition.
            after: the ``sk`` to continue after; ``None`` begins at the first.
            limit: the largest number of items.
        """
        ...

    async def put_all(self, items: Sequence[NewItem]) -> None:
        """Put any number of items, each whole and without a condition, in no set order. The keys must be unique."""
        ...

    async def put_some(self, items: Sequence[NewItem]) -> set[int]:
        """Like `put_all`, but return the indexes of the items that the table did not accept after several tries.

        Errors other than a busy table are raised; they do not concern single items.
        """
        ...

    async def put_if(self, item: Item, condition: Condition) -> Applied | ConditionFailed:
        """Put one item if the condition holds for the stored one."""
        ...

    async def update_if(
        self, pk: str, sk: str, *, condition: Condition, set: Mapping[str, Value], remove: Sequence[str] = ()
    ) -> Applied | ConditionFailed:
        """Set and remove attributes of an item that exists and meets the condition. Never creates an item.

        A ``None`` in `set` removes the attribute.
        """
        ...

    async def delete_if(self, pk: str, sk: str, condition: Condition) -> ConditionFailed | None:
        """Delete an item that exists and meets the condition; ``None`` when it was deleted."""
        ...

    async def put_all_with(self, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
        """Put items and do one conditional write of another, all or nothing, in one call at twice the write units.

        A repetition by the SDK (after a lost reply, or of a copy that arrives late) changes nothing and gets the first
        answer again: the call has a token that the table remembers for ten minutes.

        Args:
            items: like those of `put_all`, but at most 99, and at most 4 MB with the other item.
            write: the conditional write.

        Returns:
            ``None`` if everything was written: a transaction does not return the stored items.

        Raises:
            TooLargeError: too many items or bytes; nothing was sent.
        """
        ...

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
        """A page of at most `limit` items whose index key is `value`, ordered by the index's number.

        An index lags behind its table, by about a second.

        Args:
            index: the index.
            value: the index key.
            limit: the largest number of items.
            start: `Page.next` of the previous page.
            at_most: only items whose number is this or less.
            newest_first: the greatest number first.
        """
        ...
