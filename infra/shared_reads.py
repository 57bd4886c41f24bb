"""Items that several jobs read in one BatchGetItem: each gets its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infra.calls import Sharing
from infra.errors import InfraError
from infra.items import Item, Items, Key

READ: Final = "read"


@dataclass(frozen=True, slots=True)
class Found:
    """What a key leads to.

    Attributes:
        item: ``None`` where there is none.
    """

    item: Item | None


class SharedReads:
    """`infra.records_table.Reads` for the jobs of a batch.

    Args:
        items: the table.
        sharing: brings the jobs together.
    """

    def __init__(self, items: Items, sharing: Sharing) -> None:
        self._items = items
        self._sharing = sharing

    async def get(self, pk: str, sk: str) -> Item | None:
        """As `infra.items.Items.get`; what became of another job's read changes nothing."""
        found: Found | None = await self._sharing.join(READ, (pk, sk), self.read_parts)
        return await self._items.get(pk, sk) if found is None else found.item

    async def read_parts(self, parts: Sequence[Key]) -> list[Found | InfraError | None]:
        """Read what each of several jobs asks for.

        Returns:
            For each part what was found, or why nothing was read. ``None``: the call failed as a whole, so it is to be
            read alone.
        """
        try:
            if len(parts) == 1:
                return [Found(await self._items.get(*parts[0]))]
            items = await self._items.get_all(list(dict.fromkeys(parts)))
        except InfraError as error:
            return [None] * len(parts) if len(parts) > 1 else [error]
        by_key = {(str(item["pk"]), str(item["sk"])): item for item in items}
        return [Found(by_key.get(part)) for part in parts]
