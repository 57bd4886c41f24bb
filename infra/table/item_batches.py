"""Encodes the items of one call, checks that they are unique, and splits them into batches for BatchWriteItem."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from infra.errors import GiveUpError
from infra.table.attributes import encode_and_weigh
from infra.table.items import BATCH_ITEMS, NewItem

BATCH_BYTES: Final = 16 * 1024 * 1024
"""Bytes of one BatchWriteItem, as sent (DynamoDB's quota)."""
_ENVELOPE: Final = 64 * 1024
"""The most that a batch's names and braces add to its items."""
_ESCAPED: Final = 6
"""The most bytes that one byte becomes when it is sent: ``\\u0001``."""

Encoded = dict[str, dict[str, Any]]


def key_of(item: Encoded) -> tuple[str, str]:
    """The keys of an encoded item."""
    return item["pk"]["S"], item["sk"]["S"]


def weighed(items: Sequence[NewItem]) -> list[tuple[Encoded, int]]:
    """Encode the items of one call, each with its weight."""
    made = [encode_and_weigh(item) for item in items]
    if len({key_of(item) for item, _ in made}) != len(made):
        raise GiveUpError("One call writes an item twice; DynamoDB refuses such a call.")
    return made


def batches(items: Sequence[tuple[Encoded, int]]) -> Iterator[list[Encoded]]:
    """Split encoded items, each with its weight, into batches for BatchWriteItem: 25 items, and 16 MB as sent."""
    batch: list[Encoded] = []
    size = _ENVELOPE
    for item, weight in items:
        sent = weight * _ESCAPED
        if sent >= BATCH_BYTES // BATCH_ITEMS:  # smaller items cannot reach the limit together and need no counting
            sent = len(json.dumps(item))
        if batch and (len(batch) == BATCH_ITEMS or size + sent > BATCH_BYTES):
            yield batch
            batch, size = [], _ENVELOPE
        batch.append(item)
        size += sent
    if batch:
        yield batch
