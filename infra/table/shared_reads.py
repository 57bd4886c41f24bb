"""Reads items for several jobs in one BatchGetItem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infra.aws.calls import Sharing
from infra.errors import InfraError
from infra.table.items import Item, Items, Key

READ: Final = "read"


@dataclass(frozen=True, slots=True)
class Found:
    """The item of a key.

    Attributes:
        item: ``None`` if it does not exist.
    """

    item: Item | None


class SharedReads:
    """`infra.jobs.records_table.Reads` for the jobs of a batch.

    Args:
        items: the table.
        sharing: combines the requests of the jobs.
    """

    def __init__(self, items: Items, sharing: Sharing) -> None:
        self._items = items
        self._sharing = sharing

    async def get(self, pk: str, sk: str) -> Item | None:
        """Like `infra.table.items.Items.get`; reads of other jobs do not affect this job."""
        found: Found | None = await self._sharing.join(READ, (pk, sk), self.read_parts)
        return await self._items.get(pk, sk) if found is None else found.item

    async def read_parts(self, parts: Sequence[Key]) -> list[Found | InfraError | None]:
        """Read the items of several jobs.

        Returns:
            For each part, the item or its error. ``None`` means that it must be read alone: the call failed as a whole.
        """
        try:
            if len(parts) == 1:
                return [Found(await self._items.get(*parts[0]))]
            items = await self._items.get_all(list(dict.fromkeys(parts)))
        except InfraError as error:
            return [None] * len(parts) if len(parts) > 1 else [error]
        by_key = {(str(item["pk"]), str(item["sk"])): item for item in items}
        return [Found(by_key.get(part)) for part in parts]
