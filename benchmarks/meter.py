"""Counts the units that AWS would bill for the calls of a block of code, by AWS's rules.

A write costs a unit for each started kilobyte of the item before or after it, whichever is larger, and again in each
index that it changes. A strongly consistent read costs a unit for each started four kilobytes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.client import BaseClient

from infra.local import TABLE
from infra.table.attributes import weight

WRITE_UNIT = 1024
READ_UNIT = 4096
EVENT_UNIT = 64 * 1024
Item = Mapping[str, Any]
Key = tuple[str, str]


class Meter:
    """The units used so far, by the names of prices.json.

    Attributes:
        used: units of each price.
        calls: requests of each kind.
        event_bytes: the total size of the events.
        items: the table after the writes.
    """

    def __init__(self) -> None:
        self.used: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.event_bytes = 0
        self.items: dict[Key, Item] = {}

    def count(self, operation: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Count one call and its answer."""
        self.calls[operation] += 1
        count = getattr(self, f"_count_{operation}", None)
        if count is not None:
            count(request, answer)

    def refuse(self, operation: str) -> None:
        """Count a refused conditional write, which costs a unit like any other write."""
        self.calls[operation] += 1
        self.used["dynamodb_write_unit"] += 1

    def _count_PutItem(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802 (AWS's name)
        del answer
        self._write(_key(request["Item"]), request["Item"])

    def _count_UpdateItem(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        self._write(_key(request["Key"]), answer["Attributes"])

    def _count_BatchWriteItem(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        del answer
        for writes in request["RequestItems"].values():
            for write in writes:
                self._write(_key(write["PutRequest"]["Item"]), write["PutRequest"]["Item"])

    def _count_TransactWriteItems(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """A transaction costs two writes of the table; its indexes cost the same as for any other write."""
        del request
        for item in answer["Written"]:
            self._write(_key(item), item, times=2)

    def _count_GetItem(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        del request
        self._read([answer["Item"]] if "Item" in answer else [])

    def _count_BatchGetItem(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        """Each item is rounded up separately, and a missing one costs a unit, as in a single read."""
        for table, found in answer["Responses"].items():
            for item in found:
                self._read([item])
            self.used["dynamodb_read_unit"] += len(request["RequestItems"][table]["Keys"]) - len(found)

    def _count_Query(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        del request
        self._read(answer["Items"])

    def _count_PutEvents(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        del answer
        for entry in request["Entries"]:
            size = len(entry["Detail"].encode())
            self.used["event"] += math.ceil(size / EVENT_UNIT)
            self.event_bytes += size

    def _count_SendMessage(self, request: Mapping[str, Any], answer: Mapping[str, Any]) -> None:  # noqa: N802
        del request, answer
        self.used["sqs_request"] += 1

    def _write(self, key: Key, after: Item, *, times: int = 1) -> None:
        before = self.items.get(key, {})
        self.items[key] = after
        self.used["dynamodb_write_unit"] += times * _units(max(weight(before), weight(after)), WRITE_UNIT)
        for index in TABLE["GlobalSecondaryIndexes"]:
            self.used["dynamodb_write_unit"] += _index_units(index, before, after)

    def _read(self, items: list[Item]) -> None:
        self.used["dynamodb_read_unit"] += _units(sum(map(weight, items)), READ_UNIT)


@contextmanager
def metered() -> Iterator[Meter]:
    """Count every call of any botocore client until the block ends."""
    meter = Meter()
    call: Callable[..., Any] = BaseClient._make_api_call  # noqa: SLF001 (every call goes through it)

    def counted(client: BaseClient, operation: str, request: dict[str, Any]) -> Any:
        try:
            answer = call(client, operation, request)
        except client.exceptions.ClientError as error:
            if "ConditionalCheckFailed" in str(error):
                meter.refuse(operation)
            raise
        if operation == "TransactWriteItems":  # its answer does not show what it wrote
            writes = [next(iter(one.values())) for one in request["TransactItems"]]
            keys = [write.get("Key") or {name: write["Item"][name] for name in ("pk", "sk")} for write in writes]
            tables = [write["TableName"] for write in writes]
            read = [call(client, "GetItem", {"TableName": t, "Key": k}) for t, k in zip(tables, keys, strict=True)]
            answer = {**answer, "Written": [one["Item"] for one in read if "Item" in one]}
        meter.count(operation, request, answer)
        return answer

    BaseClient._make_api_call = counted  # noqa: SLF001 (see above)
    try:
        yield meter
    finally:
        BaseClient._make_api_call = call  # noqa: SLF001 (see above)


def _key(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _units(size: int, unit: int) -> int:
    return max(1, math.ceil(size / unit))


def index_item(index: Mapping[str, Any], item: Item) -> dict[str, Any]:
    """An item's attributes in an index; empty if the item lacks one of the index's keys."""
    names = [key["AttributeName"] for key in index["KeySchema"]]
    if not all(name in item for name in names):
        return {}
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return dict(item)
    shown = {"pk", "sk", *names, *projection.get("NonKeyAttributes", ())}
    return {name: value for name, value in item.items() if name in shown}


def _index_units(index: Mapping[str, Any], before: Item, after: Item) -> int:
    """Write units of one index: none if no projected attribute changed, those of two writes if its key changed."""
    was, stands = index_item(index, before), index_item(index, after)
    if was == stands:
        return 0
    names = [key["AttributeName"] for key in index["KeySchema"]]
    moved = bool(was and stands) and any(was[name] != stands[name] for name in names)
    if was and stands and not moved:
        return _units(max(weight(was), weight(stands)), WRITE_UNIT)
    return sum(_units(weight(item), WRITE_UNIT) for item in (was, stands) if item)
