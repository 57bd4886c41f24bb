"""AWS's answers to our calls when nothing fails: a table in memory, a bus and a queue that accept everything.

The table stores items and sets attributes without checks: conditions always hold, because each job is new and has no
other writers. It also counts the calls, and the write units as DynamoDB does: one for each started KiB of an item.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

_SET = re.compile(r"(#\d+) = (:\d+)")
_NAME = re.compile(r"#\d+")

Attributes = dict[str, dict[str, Any]]


class Answers:
    """One account without faults. Threads must not write the same item."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.units = 0
        self._items: dict[tuple[str, str], Attributes] = {}
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "PutItem": self._put_item,
            "BatchWriteItem": self._put_batch,
            "UpdateItem": self._update,
            "GetItem": self._get,
            "BatchGetItem": self._get_batch,
            "Query": self._query,
            "PutEvents": self._publish,
            "SendMessage": lambda _: {"MessageId": "0"},
        }

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call, as JSON.

        Args:
            operation: ``PutItem`` and so on.
            request: its parameters.
        """
        self.calls[operation] += 1
        return self._operations[operation](request)

    def _put_item(self, request: dict[str, Any]) -> dict[str, Any]:
        self._put(request["Item"])
        return {}

    def _publish(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "0"}] * len(request["Entries"])}

    def _put_batch(self, request: dict[str, Any]) -> dict[str, Any]:
        for requests in request["RequestItems"].values():
            for item in requests:
                self._put(item["PutRequest"]["Item"])
        return {"UnprocessedItems": {}}

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        found = self._items.get(_key(request["Key"]))
        return {"Item": found} if found else {}

    def _get_batch(self, request: dict[str, Any]) -> dict[str, Any]:
        asked = {table: [_key(key) for key in keys["Keys"]] for table, keys in request["RequestItems"].items()}
        return {"Responses": {t: [self._items[k] for k in keys if k in self._items] for t, keys in asked.items()}}

    def _put(self, item: Attributes) -> None:
        self._items[_key(item)] = item
        self.units += units(item)

    def _update(self, request: dict[str, Any]) -> dict[str, Any]:
        key = _key(request["Key"])
        before = self._items.get(key, request["Key"])
        sets, _, removes = request["UpdateExpression"].partition("REMOVE")
        names, values = request["ExpressionAttributeNames"], request.get("ExpressionAttributeValues", {})
        gone = {names[placeholder] for placeholder in _NAME.findall(removes)}
        after = {name: value for name, value in before.items() if name not in gone}
        after |= {names[name]: values[value] for name, value in _SET.findall(sets)}
        self._items[key] = after
        self.units += max(units(before), units(after))
        return {"Attributes": after}

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        texts = [value["S"] for value in request["ExpressionAttributeValues"].values()]
        prefix = texts[1] if len(texts) > 1 else ""
        items = sorted(self._items.items())
        return {"Items": [item for (pk, sk), item in items if pk == texts[0] and sk.startswith(prefix)]}


def units(item: Attributes) -> int:
    """Write units of an item: its names and values in KiB, rounded up."""
    return math.ceil(sum(len(name.encode()) + _size(value) for name, value in item.items()) / 1024)


def _size(attribute: dict[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value.encode())
    if kind == "N":
        return len(value) // 2 + 2
    if kind == "L":
        return 3 + sum(1 + _size(part) for part in value)
    return 1


def _key(attributes: Attributes) -> tuple[str, str]:
    return attributes["pk"]["S"], attributes["sk"]["S"]
