"""Reads many items by their keys, in as many calls as necessary."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from infra.aws.backoff import Backoff
from infra.aws.clients import Answer
from infra.errors import TryLaterError, translated
from infra.table.attributes import decode_item
from infra.table.items import Item

READ_ITEMS: Final = 100
"""Items that one BatchGetItem reads (DynamoDB's quota)."""


async def read_keys(
    call: Callable[[Any], Awaitable[Answer]], table: str, keys: Sequence[dict[str, Any]], backoff: Backoff
) -> list[Item]:
    """The items with these keys, unordered, strongly consistent. If an answer is incomplete, the rest is read again.

    Args:
        call: calls BatchGetItem with the given request.
        table: the table's name.
        keys: the items' keys.
        backoff: waits between the tries of keys that DynamoDB left unread.

    Raises:
        TryLaterError: DynamoDB left keys unread in every try.
    """
    items: list[Item] = []
    for start in range(0, len(keys), READ_ITEMS):
        left: Any = {table: {"Keys": list(keys[start : start + READ_ITEMS]), "ConsistentRead": True}}
        async for _ in backoff.attempts():
            while left:
                with translated(f"BatchGetItem of the table {table}"):
                    answer = await call(left)
                found = answer["Responses"].get(table, [])
                items += [item for one in found if (item := decode_item(one))]
                left = answer.get("UnprocessedKeys") or {}
                if not found:
                    break  # throttled; an answer with items was only cut at 16 MB
            if not left:
                break
        if left:
            raise TryLaterError(f"The table {table} left items unread in {backoff.tries} tries.")
    return items
