"""A tenant's documents: workflows, schedules, hooks and secrets, one item each, as JSON.

The partition is ``<tenant>#.<kind>``, the sort key the name. No job's id begins with a dot, so no job is there. The
attributes have different names: an item with ``tenant`` and ``created_at``, or ``shard`` and ``due``, would be in an
index of jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from infra.table.conditions import Absent, Condition, Equals
from infra.table.items import TRANSACTION_ITEMS, ConditionFailed, Item, Items, Put

Kind = Literal["workflow", "workflow-version", "schedule", "schedule-firings", "hook", "secret"]

_LEFT: Final = 86_400
"""Seconds until an emptied document expires."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document.

    Attributes:
        tenant: the tenant.
        kind: the kind of document.
        name: unique within tenant and kind.
        body: JSON.
        stamp: random, new with each write; a write requires the stamp that it read.
        created, updated: seconds since 1970.
    """

    tenant: str
    kind: Kind
    name: str
    body: str
    stamp: str
    created: float
    updated: float


class DocumentsTable:
    """The documents of all tenants. Methods raise what `infra.table.items.Items` raises.

    Args:
        items: the table.
    """

    def __init__(self, items: Items) -> None:
        self._items = items

    async def read(self, tenant: str, kind: Kind, name: str) -> Document | None:
        """One document, strongly consistent."""
        item = await self._items.get(_partition(tenant, kind), name)
        return _document(tenant, kind, item) if item is not None and "body" in item else None

    async def list_after(self, tenant: str, kind: Kind, after: str | None, *, limit: int) -> list[Document]:
        """Documents by name, strongly consistent; fewer than `limit` only at the end.

        Args:
            tenant: the tenant.
            kind: the kind of document.
            after: the last name of the previous page; ``None`` begins at the first.
            limit: the largest number of documents.
        """
        found = await self._items.query_after(_partition(tenant, kind), after, limit=limit)
        return [_document(tenant, kind, item) for item in found if "body" in item]

    async def write(self, document: Document, before: Document | None, *beside: Document) -> bool:
        """Write a document if the stored one is `before` (``None``: none is stored); with others, in one transaction.

        Args:
            document: the new state, with a new stamp.
            before: the document as it was read.
            beside: further documents, which are written without a condition.

        Returns:
            Whether it was written, now or by an earlier try whose reply was lost.
        """
        condition = Absent("pk") if before is None else Equals("stamp", before.stamp)
        if beside:
            refused = await self._items.put_all_with([_item(one) for one in beside], Put(_item(document), condition))
        else:
            answer = await self._items.put_if(_item(document), condition)
            refused = answer if isinstance(answer, ConditionFailed) else None
        return refused is None or (refused.item or {}).get("stamp") == document.stamp

    async def delete(self, document: Document) -> bool:
        """Delete a document if it is unchanged; return whether it is deleted, now or by an earlier try."""
        condition: Condition = Equals("stamp", document.stamp)
        refused = await self._items.delete_if(_partition(document.tenant, document.kind), document.name, condition)
        return refused is None or refused.item is None

    async def give_up(self, tenant: str, kind: Kind, names: Sequence[str], now: float) -> None:
        """Empty documents that nothing refers to; the table's time to live then deletes them.

        Emptying 25 documents takes one call; deleting takes one call each.
        """
        pk = _partition(tenant, kind)
        empty: list[Item] = [{"pk": pk, "sk": name, "expires_at": int(now) + _LEFT} for name in names]
        for first in range(0, len(empty), TRANSACTION_ITEMS):
            await self._items.put_all(empty[first : first + TRANSACTION_ITEMS])


def _partition(tenant: str, kind: Kind) -> str:
    return f"{tenant}#.{kind}"


def _item(document: Document) -> Item:
    return {
        "pk": _partition(document.tenant, document.kind),
        "sk": document.name,
        "body": document.body,
        "stamp": document.stamp,
        "created": document.created,
        "updated": document.updated,
    }


def _document(tenant: str, kind: Kind, item: Item) -> Document:
    return Document(
        tenant=tenant,
        kind=kind,
        name=cast("str", item["sk"]),
        body=cast("str", item["body"]),
        stamp=cast("str", item["stamp"]),
        created=float(cast("float", item["created"])),
        updated=float(cast("float", item["updated"])),
    )
