"""The real table: `infra.table.items.Items` over a low-level DynamoDB client."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from infra.aws.backoff import Backoff
from infra.aws.calls import IN_PLACE, Calls
from infra.aws.clients import DynamoClient
from infra.errors import (
    CANCELLED,
    GiveUpError,
    InfraError,
    TooLargeError,
    TryLaterError,
    code_of,
    translate,
    translated,
)
from infra.table.attributes import decode_item, encode, encode_item
from infra.table.conditions import Condition
from infra.table.expression import Expression
from infra.table.item_batches import Encoded, batches, key_of, weighed
from infra.table.items import (
    TRANSACTION_BYTES,
    TRANSACTION_ITEMS,
    Applied,
    ConditionFailed,
    Index,
    Item,
    Key,
    NewItem,
    Page,
    Put,
    Start,
    Update,
    Value,
)
from infra.table.key_reads import read_keys

_SHOW_WHAT_STANDS: Final = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
_REFUSED: Final = "ConditionalCheckFailedException"
_REFUSED_IN_TRANSACTION: Final = "ConditionalCheckFailed"
_CONTENDED: Final = frozenset({CANCELLED, "TransactionConflictException"})
"""Codes of conflicts with another write; botocore does not retry them."""


class DynamoItems:
    """`Items` of one DynamoDB table.

    Args:
        client: returns the client; called for each call, so that it is built at the first.
        table: the table's name.
        backoff: waits between the tries of a batch that DynamoDB accepted in part.
        calls: makes the calls.
    """

    def __init__(
        self, client: Callable[[], DynamoClient], table: str, backoff: Backoff, calls: Calls = IN_PLACE
    ) -> None:
        self._client = client
        self._table = table
        self._backoff = backoff
        self._make = calls.make

    async def get(self, pk: str, sk: str) -> Item | None:
        with translated(f"GetItem of the table {self._table}"):
            key = _key(pk, sk)
            answer = await self._make(
                lambda: self._client().get_item(TableName=self._table, Key=key, ConsistentRead=True)
            )
        return decode_item(answer.get("Item"))

    async def get_all(self, keys: Sequence[Key]) -> list[Item]:
        def read(left: Any) -> dict[str, Any]:
            return self._client().batch_get_item(RequestItems=left)

        asked = [_key(pk, sk) for pk, sk in keys]
        found = await read_keys(lambda left: self._make(partial(read, left)), self._table, asked, self._backoff)
        return sorted(found, key=lambda item: (str(item["pk"]), str(item["sk"])))

    async def query(self, pk: str, low: str, high: str, *, newest: int | None = None) -> list[Item]:
        text = Expression()
        condition = (
            f"{text.name('pk')} = {text.value(pk)} "
            f"AND {text.name('sk')} BETWEEN {text.value(low)} AND {text.value(high)}"
        )
        request = {"TableName": self._table, "KeyConditionExpression": condition, "ConsistentRead": True}
        if newest is not None:
            request |= {"ScanIndexForward": False, "Limit": newest}
        items: list[Item] = []
        start: Mapping[str, Any] = {}
        while True:
            found, start = await self._query({**request, **text.request()}, start)
            items += found
            if newest is not None and (len(items) >= newest or not start):
                return items[newest - 1 :: -1] if len(items) >= newest else items[::-1]
            if not start:
                return items

    async def query_after(self, pk: str, after: str | None, *, limit: int) -> list[Item]:
        text = Expression()
        condition = f"{text.name('pk')} = {text.value(pk)}"
        if after is not None:
            condition += f" AND {text.name('sk')} > {text.value(after)}"
        request = {"TableName": self._table, "KeyConditionExpression": condition, "ConsistentRead": True}
        items: list[Item] = []
        start: Mapping[str, Any] = {}
        while len(items) < limit:  # a page ends after 1 MB as well
            found, start = await self._query({**request, "Limit": limit - len(items), **text.request()}, start)
            items += found
            if not start:
                break
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
        items, last = await self._query(request, {name: encode(part) for name, part in (start or {}).items()})
        return Page(tuple(items), decode_item(last))

    async def _query(
        self, request: Mapping[str, Any], start: Mapping[str, Any]
    ) -> tuple[list[Item], Mapping[str, Any]]:
        """One page: its items, and the encoded key to continue after (empty at the end)."""
        begin = {"ExclusiveStartKey": start} if start else {}
        with translated(f"Query of the table {self._table}"):
            answer = await self._make(lambda: self._client().query(**request, **begin))
        items = [item for found in answer["Items"] if (item := decode_item(found))]
        return items, answer.get("LastEvaluatedKey") or {}

    async def put_all(self, items: Sequence[NewItem]) -> None:
        left = await self.put_some(items)
        if left:
            raise TryLaterError(
                f"The table {self._table} left {len(left)} of {len(items)} items unwritten in {self._backoff.tries} "
                "tries."
            )

    async def put_some(self, items: Sequence[NewItem]) -> set[int]:
        made = weighed(items)
        if len(made) == 1:
            with translated(f"PutItem of the table {self._table}"):
                await self._make(lambda: self._client().put_item(TableName=self._table, Item=made[0][0]))
            return set()
        left: set[tuple[str, str]] = set()
        for batch in batches(made):
            left |= await self._put_batch(batch)
        return {index for index, (item, _) in enumerate(made) if key_of(item) in left} if left else set()

    async def _put_batch(self, batch: list[Encoded]) -> set[tuple[str, str]]:
        """Put a batch; return the keys of the items that DynamoDB did not accept in all tries."""
        left = {self._table: [{"PutRequest": {"Item": item}} for item in batch]}
        async for _ in self._backoff.attempts():
            with translated(f"BatchWriteItem of the table {self._table}"):
                answer = await self._make(partial(self._write_batch, left))
            left = answer.get("UnprocessedItems") or {}
            if not left:
                return set()
        return {key_of(request["PutRequest"]["Item"]) for requests in left.values() for request in requests}

    def _write_batch(self, requests: Mapping[str, Any]) -> dict[str, Any]:
        return self._client().batch_write_item(RequestItems=requests)

    async def put_if(self, item: Item, condition: Condition) -> Applied | ConditionFailed:
        request = self._put(Put(item, condition))
        answer = await self._write("A conditional write to", lambda: self._client().put_item(**request))
        if isinstance(answer, ConditionFailed):
            return answer
        if len(item) > len(request["Item"]):  # an absent attribute is left out
            item = {name: value for name, value in item.items() if value is not None}
        return Applied(item)

    async def update_if(
        self, pk: str, sk: str, *, condition: Condition, set: Mapping[str, Value], remove: Sequence[str] = ()
    ) -> Applied | ConditionFailed:
        request = self._update(Update(pk=pk, sk=sk, condition=condition, set=set, remove=remove))
        request["ReturnValues"] = "ALL_NEW"
        answer = await self._write("A conditional write to", lambda: self._client().update_item(**request))
        return answer if isinstance(answer, ConditionFailed) else Applied(decode_item(answer["Attributes"]) or {})

    async def delete_if(self, pk: str, sk: str, condition: Condition) -> ConditionFailed | None:
        text = Expression()
        exists = f"attribute_exists({text.name('pk')})"
        holds = text.condition(condition)
        request = {
            "TableName": self._table,
            "Key": _key(pk, sk),
            "ConditionExpression": f"{exists} AND ({holds})" if holds else exists,
            **_SHOW_WHAT_STANDS,
            **text.request(),
        }
        answer = await self._write("A conditional delete from", lambda: self._client().delete_item(**request))
        return answer if isinstance(answer, ConditionFailed) else None

    async def put_all_with(self, items: Sequence[NewItem], write: Put | Update) -> ConditionFailed | None:
        actions = [{"Put": {"TableName": self._table, "Item": item}} for item in self._fitting(items, write)]
        last = {"Put": self._put(write)} if isinstance(write, Put) else {"Update": self._update(write)}
        # Botocore adds the token, which its own repetitions share; each of our tries has a new one.
        request = {"TransactItems": [*actions, last]}
        answer = await self._write("A transaction on", lambda: self._client().transact_write_items(**request))
        return answer if isinstance(answer, ConditionFailed) else None

    @staticmethod
    def _fitting(items: Sequence[NewItem], write: Put | Update) -> list[Encoded]:
        """The items, encoded, if they fit into one transaction with the conditional write."""
        written = write.item if isinstance(write, Put) else {"pk": write.pk, "sk": write.sk, **write.set}
        *made, other = weighed([*items, written])
        size = sum(size for _, size in made) + other[1]
        if len(items) >= TRANSACTION_ITEMS or size > TRANSACTION_BYTES:
            raise TooLargeError(
                f"A transaction of {len(items) + 1} items and {size} bytes; DynamoDB takes {TRANSACTION_ITEMS} and "
                f"{TRANSACTION_BYTES}."
            )
        return [item for item, _ in made]

    def _put(self, put: Put) -> dict[str, Any]:
        text = Expression()
        condition = text.condition(put.condition)
        asked = {"ConditionExpression": condition, **_SHOW_WHAT_STANDS} if condition else {}
        return {"TableName": self._table, "Item": encode_item(put.item), **asked, **text.request()}

    def _update(self, update: Update) -> dict[str, Any]:
        text = Expression()
        exists = f"attribute_exists({text.name('pk')})"
        condition = text.condition(update.condition)
        gone = [*update.remove, *(name for name, value in update.set.items() if value is None)]
        sets = [f"{text.name(name)} = {text.value(value)}" for name, value in update.set.items() if value is not None]
        parts = [f"SET {', '.join(sets)}"] if sets else []
        parts += [f"REMOVE {', '.join(text.name(name) for name in gone)}"] if gone else []
        return {
            "TableName": self._table,
            "Key": _key(update.pk, update.sk),
            # A write that changes nothing still checks its condition. AWS refuses an empty expression, and moto an
            # update without one: so remove an attribute that no item has.
            "UpdateExpression": " ".join(parts) or f"REMOVE {text.name('nothing')}",
            "ConditionExpression": f"{exists} AND ({condition})" if condition else exists,
            **_SHOW_WHAT_STANDS,
            **text.request(),
        }

    async def _write(self, what: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any] | ConditionFailed:
        """Make one conditional write: return AWS's answer, or the refusal with the stored item.

        A conflict with or of a transaction is retried: that takes milliseconds, and an owner that gave up would leave a
        step with an effect unrecorded.
        """
        failure: InfraError | None = None
        async for _ in self._backoff.attempts():
            try:
                return await self._make(call)
            except Exception as error:
                if (refused := _refusal(error)) is not None:
                    return refused
                failure = translate(error, f"{what} the table {self._table}")
                if code_of(error) not in _CONTENDED or not isinstance(failure, TryLaterError):
                    raise failure from error
                failure.__cause__ = error
        raise failure or GiveUpError("A backoff without a single try.")


def _refusal(error: Exception) -> ConditionFailed | None:
    """The stored item, if the error is a failed condition. The conditional action comes last."""
    answer: dict[str, Any] = getattr(error, "response", {})
    if code_of(error) == _REFUSED:
        return ConditionFailed(decode_item(answer.get("Item")))
    if code_of(error) == CANCELLED:
        *_, last = answer.get("CancellationReasons") or [{}]
        if last.get("Code") == _REFUSED_IN_TRANSACTION:
            return ConditionFailed(decode_item(last.get("Item")))
    return None


def _key(pk: str, sk: str) -> Encoded:
    if not pk or not sk:
        raise GiveUpError(f"The keys of an item are not empty: pk {pk!r}, sk {sk!r}.")
    return {"pk": encode(pk), "sk": encode(sk)}
