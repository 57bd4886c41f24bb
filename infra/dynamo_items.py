"""The real table: `infra.items.Items` over a low-level DynamoDB client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from infra.attributes import decode_item, encode, encode_and_weigh, encode_item
from infra.backoff import Backoff
from infra.clients import DynamoClient
from infra.conditions import Absent, All, AnyOf, Below, Condition, Equals, OneOf
from infra.errors import GiveUpError, TryLaterError, code_of, translate, translated
from infra.items import Applied, Index, Item, Page, Refused, Start, Value

BATCH_ITEMS: Final = 25
"""Items of one BatchWriteItem (DynamoDB's quota)."""
BATCH_BYTES: Final = 16 * 1024 * 1024
"""Bytes of one BatchWriteItem, as sent (DynamoDB's quota)."""
_ENVELOPE: Final = 64 * 1024
"""What a batch's names and braces take at the most, on top of its items."""
_ESCAPED: Final = 6
"""A byte becomes six at worst when it is sent: ``\\u0001``."""
_SHOW_WHAT_STANDS: Final = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
_REFUSED: Final = "ConditionalCheckFailedException"

Encoded = dict[str, dict[str, Any]]


class Expression:
    """Names and values of one request, each behind a placeholder: no word is reserved, none is unused."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, dict[str, Any]] = {}

    def name(self, attr: str) -> str:
        return self.names.setdefault(attr, f"#{len(self.names)}")

    def value(self, value: Value) -> str:
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = encode(value)
        return placeholder

    def condition(self, condition: Condition) -> str:
        """The condition in DynamoDB's language; empty for one that always holds."""
        match condition:
            case Equals(attr, value):
                return f"{self.name(attr)} = {self.value(value)}"
            case Below(attr, number):
                return f"{self.name(attr)} < {self.value(number)}"
            case Absent(attr):
                return f"attribute_not_exists({self.name(attr)})"
            case OneOf(attr, values):
                return f"{self.name(attr)} IN ({', '.join(self.value(value) for value in values)})"
            case All(conditions):
                return self._joined(" AND ", [text for text in map(self.condition, conditions) if text])
            case AnyOf(conditions) if conditions:
                if any(_always(part) for part in conditions):
                    return ""
                return self._joined(" OR ", [self.condition(part) for part in conditions])
        raise GiveUpError(f"A condition that never holds, or none of ours: {condition!r}.")

    @staticmethod
    def _joined(word: str, parts: Sequence[str]) -> str:
        return parts[0] if len(parts) == 1 else word.join(f"({part})" for part in parts)

    def request(self) -> dict[str, Any]:
        """The part of a request that resolves the placeholders; AWS refuses empty mappings."""
        parts: dict[str, Any] = {}
        if self.names:
            parts["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in self.names.items()}
        if self.values:
            parts["ExpressionAttributeValues"] = self.values
        return parts


class DynamoItems:
    """`Items` of one DynamoDB table.

    Args:
        client: gives the client; asked at each call, so that it is built at the first.
        table: the table's name.
        backoff: between the tries of a batch that DynamoDB took in part.
    """

    def __init__(self, client: Callable[[], DynamoClient], table: str, backoff: Backoff) -> None:
        self._client = client
        self._table = table
        self._backoff = backoff

    async def get(self, pk: str, sk: str) -> Item | None:
        with translated(f"GetItem of the table {self._table}"):
            answer = self._client().get_item(TableName=self._table, Key=_key(pk, sk), ConsistentRead=True)
        return decode_item(answer.get("Item"))

    async def query(self, pk: str, prefix: str) -> list[Item]:
        text = Expression()
        condition = f"{text.name('pk')} = {text.value(pk)}"
        if prefix:
            condition += f" AND begins_with({text.name('sk')}, {text.value(prefix)})"
        request = {"TableName": self._table, "KeyConditionExpression": condition, "ConsistentRead": True}
        items: list[Item] = []
        start: Mapping[str, Any] = {}
        while True:
            found, start = self._query({**request, **text.request()}, start)
            items += found
            if not start:
                return items

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
        text = Expression()
        condition = f"{text.name(index.key)} = {text.value(value)}"
        if at_most is not None:
            condition += f" AND {text.name(index.sort)} <= {text.value(at_most)}"
        request = {
            "TableName": self._table,
            "IndexName": index.name,
            "KeyConditionExpression": condition,
            "ScanIndexForward": not newest_first,
            "Limit": limit,
            **text.request(),
        }
        items, last = self._query(request, {name: encode(part) for name, part in (start or {}).items()})
        return Page(tuple(items), decode_item(last))

    def _query(self, request: Mapping[str, Any], start: Mapping[str, Any]) -> tuple[list[Item], Mapping[str, Any]]:
        """One page: its items, and the encoded key to go on after (empty at the end)."""
        begin = {"ExclusiveStartKey": start} if start else {}
        with translated(f"Query of the table {self._table}"):
            answer = self._client().query(**request, **begin)
        items = [item for found in answer["Items"] if (item := decode_item(found))]
        return items, answer.get("LastEvaluatedKey") or {}

    async def put_all(self, items: Sequence[Item]) -> None:
        weighed = [encode_and_weigh(item) for item in items]
        keys = {(item["pk"], item["sk"]) for item in items}
        if len(keys) != len(items):
            raise GiveUpError("One batch holds an item twice; DynamoDB refuses such a batch.")
        if len(weighed) == 1:
            with translated(f"PutItem of the table {self._table}"):
                self._client().put_item(TableName=self._table, Item=weighed[0][0])
            return
        for batch in batches(weighed):
            await self._put_batch(batch)

    async def _put_batch(self, batch: list[Encoded]) -> None:
        left = {self._table: [{"PutRequest": {"Item": item}} for item in batch]}
        async for _ in self._backoff.attempts():
            with translated(f"BatchWriteItem of the table {self._table}"):
                answer = self._client().batch_write_item(RequestItems=left)
            left = answer.get("UnprocessedItems") or {}
            if not left:
                return
        count = sum(map(len, left.values()))
        raise TryLaterError(
            f"The table {self._table} left {count} of {len(batch)} items unwritten in {self._backoff.tries} tries."
        )

    async def put_if(self, item: Item, condition: Condition) -> Applied | Refused:
        text = Expression()
        condition_text = text.condition(condition)
        asked = {"ConditionExpression": condition_text, **_SHOW_WHAT_STANDS} if condition_text else {}
        request = {"Item": encode_item(item), **asked, **text.request()}
        answer = self._write(self._client().put_item, request)
        return answer if isinstance(answer, Refused) else Applied({k: v for k, v in item.items() if v is not None})

    async def update_if(
        self, pk: str, sk: str, *, condition: Condition, set: Mapping[str, Value], remove: Sequence[str] = ()
    ) -> Applied | Refused:
        text = Expression()
        exists = f"attribute_exists({text.name('pk')})"
        condition_text = text.condition(condition)
        gone = [*remove, *(name for name, value in set.items() if value is None)]
        sets = [f"{text.name(name)} = {text.value(value)}" for name, value in set.items() if value is not None]
        update = [f"SET {', '.join(sets)}"] if sets else []
        update += [f"REMOVE {', '.join(text.name(name) for name in gone)}"] if gone else []
        request = {
            "Key": _key(pk, sk),
            # A write that changes nothing still asks its condition. An empty expression is refused, and moto knows no
            # update without one: this removes an attribute that no item has.
            "UpdateExpression": " ".join(update) or f"REMOVE {text.name('nothing')}",
            "ConditionExpression": f"{exists} AND ({condition_text})" if condition_text else exists,
            "ReturnValues": "ALL_NEW",
            **_SHOW_WHAT_STANDS,
            **text.request(),
        }
        answer = self._write(self._client().update_item, request)
        return answer if isinstance(answer, Refused) else Applied(decode_item(answer["Attributes"]) or {})

    def _write(self, call: Callable[..., dict[str, Any]], request: Mapping[str, Any]) -> dict[str, Any] | Refused:
        """One conditional write: AWS's answer, or the refusal with what stands there."""
        try:
            return call(TableName=self._table, **request)
        except Exception as error:
            if code_of(error) == _REFUSED:
                return Refused(decode_item(getattr(error, "response", {}).get("Item")))
            raise translate(error, f"A conditional write to the table {self._table}") from error


def _always(condition: Condition) -> bool:
    """Whether it holds of anything, so that DynamoDB is not asked (it knows no word for true)."""
    match condition:
        case All(conditions):
            return all(map(_always, conditions))
        case AnyOf(conditions):
            return any(map(_always, conditions))
    return False


def _key(pk: str, sk: str) -> Encoded:
    if not pk or not sk:
        raise GiveUpError(f"The keys of an item are not empty: pk {pk!r}, sk {sk!r}.")
    return {"pk": encode(pk), "sk": encode(sk)}


def batches(items: Sequence[tuple[Encoded, int]]) -> Iterator[list[Encoded]]:
    """Cut encoded items, each with its weight, into requests that BatchWriteItem takes: 25 items, and 16 MB as sent."""
    batch: list[Encoded] = []
    size = _ENVELOPE
    for item, weight in items:
        sent = _sent(item, weight)
        if batch and (len(batch) == BATCH_ITEMS or size + sent > BATCH_BYTES):
            yield batch
            batch, size = [], _ENVELOPE
        batch.append(item)
        size += sent
    if batch:
        yield batch


def _sent(item: Encoded, weight: int) -> int:
    """Bytes of an item as JSON. Counted only where it could matter: most are far from a 25th of the limit."""
    rough = weight * _ESCAPED
    return rough if rough < BATCH_BYTES // BATCH_ITEMS else len(json.dumps(item))
