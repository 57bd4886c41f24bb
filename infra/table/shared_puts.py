"""Puts the records of several jobs in one BatchWriteItem, and reports unwritten records to their own jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from infra.aws.calls import Sharing
from infra.errors import InfraError, TryLaterError
from infra.table.items import Items, NewItem

PUT: Final = "put"
Parts = Sequence[Sequence[NewItem]]


class SharedPuts:
    """`infra.jobs.records_table.Puts` for the jobs of a batch.

    Args:
        items: the table.
        sharing: combines the requests of the jobs.
    """

    def __init__(self, items: Items, sharing: Sharing) -> None:
        self._items = items
        self._sharing = sharing

    async def put_all(self, items: Sequence[NewItem]) -> None:
        """Like `infra.table.items.Items.put_all`; items of other jobs do not affect this job."""
        is_done: bool = await self._sharing.join(PUT, items, self.put_parts)
        if not is_done:
            await self._items.put_all(items)

    async def put_parts(self, parts: Parts) -> list[bool | InfraError]:
        """Put the items of several jobs.

        Returns:
            For each part, whether it was put, or its error. ``False`` means that it must be put alone: the call
            failed as a whole, or another part has the same item (a message that was delivered twice).
        """
        together = _apart(parts)
        try:
            unwritten = await self._items.put_some([item for number in together for item in parts[number]])
        except InfraError as error:
            return [False] * len(parts) if len(parts) > 1 else [error]
        results: list[bool | InfraError] = [False] * len(parts)
        first = 0
        for number in together:
            size = len(parts[number])
            count = sum(index in unwritten for index in range(first, first + size))
            first += size
            results[number] = TryLaterError(f"{count} of {size} items were left unwritten.") if count else True
        return results


def _apart(parts: Parts) -> list[int]:
    """The numbers of the parts that fit into one call, which must not contain an item twice."""
    taken: set[tuple[object, object]] = set()
    together: list[int] = []
    for number, part in enumerate(parts):
        keys = {(item["pk"], item["sk"]) for item in part}
        if taken.isdisjoint(keys):
            taken |= keys
            together.append(number)
    return together
