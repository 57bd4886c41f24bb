"""Transactions of the embedded AWS that do not copy the whole table.

Moto copies the whole table to be able to cancel a transaction, so the time of a job with many short effects grows with
the square of its steps. Here, only the items that the transaction names are copied.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, cast


class _Kept(NamedTuple):
    """An item before the transaction: ``None`` if there was none."""

    partition: dict[Any, Any]
    sort: Any
    item: Any


@contextmanager
def small_transactions() -> Iterator[None]:
    """Make moto's transactions copy only the items that they write to, until the end of the block."""
    from moto.dynamodb.models import DynamoDBBackend  # noqa: PLC0415 (only a developer's machine has it)
    from moto.dynamodb.models.table import Table  # noqa: PLC0415 (as above)

    backends, tables = cast("Any", DynamoDBBackend), cast("Any", Table)
    whole = backends.transact_write_items
    before = vars(Table).get("__deepcopy__")  # of an embedded AWS around this one

    def transact(backend: Any, transact_items: Sequence[Mapping[str, Any]]) -> None:
        kept = [one for action in transact_items for one in _kept(backend, *action.values())]
        try:
            whole(backend, transact_items)
        except BaseException:
            for partition, sort, item in kept:
                partition.pop(sort, None)
                if item is not None:
                    partition[sort] = item
            raise

    backends.transact_write_items = transact
    tables.__deepcopy__ = lambda table, _: table
    try:
        yield
    finally:
        backends.transact_write_items = whole
        if before is None:
            del tables.__deepcopy__
        else:
            tables.__deepcopy__ = before


def _kept(backend: Any, action: Mapping[str, Any], *_: Any) -> Iterator[_Kept]:
    """The item that an action of a transaction names, if it names one of a table that exists."""
    from moto.dynamodb.models.dynamo_type import DynamoType  # noqa: PLC0415 (as above)

    table, key = backend.tables.get(action.get("TableName")), action.get("Key") or action.get("Item") or {}
    if table is None or not {table.hash_key_attr, table.range_key_attr} <= key.keys():
        return
    partition, sort = table.items[DynamoType(key[table.hash_key_attr])], DynamoType(key[table.range_key_attr])
    yield _Kept(partition, sort, copy.deepcopy(partition.get(sort)))
