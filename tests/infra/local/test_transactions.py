"""Transactions of the embedded AWS: a cancelled one changes nothing, and none copies the table."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from infra.local import REGION, embedded


def put(table: str, sort: str, value: str, **condition: Any) -> dict[str, Any]:
    item = {"pk": {"S": "t#1"}, "sk": {"S": sort}, "v": {"S": value}}
    return {"Put": {"TableName": table, "Item": item, **condition}}


def rows(dynamodb: Any, table: str) -> dict[str, str]:
    return {item["sk"]["S"]: item["v"]["S"] for item in dynamodb.scan(TableName=table)["Items"]}


def test_a_cancelled_transaction_undoes_its_puts_and_its_updates() -> None:
    with embedded() as aws:
        dynamodb: Any = aws.clients.dynamodb()
        dynamodb.put_item(TableName=aws.table, Item=put(aws.table, "old", "before")["Put"]["Item"])
        update = {
            "TableName": aws.table,
            "Key": {"pk": {"S": "t#1"}, "sk": {"S": "changed"}},
            "UpdateExpression": "SET v = :v",
            "ExpressionAttributeValues": {":v": {"S": "x"}},
        }
        refused = put(aws.table, "other", "x", ConditionExpression="attribute_exists(pk)")
        actions = [put(aws.table, "old", "after"), put(aws.table, "new", "x"), {"Update": update}, refused]
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            dynamodb.transact_write_items(TransactItems=actions)
        assert rows(dynamodb, aws.table) == {"old": "before"}
        dynamodb.transact_write_items(TransactItems=actions[:3])
        assert rows(dynamodb, aws.table) == {"old": "after", "new": "x", "changed": "x"}


def test_no_transaction_copies_the_table() -> None:
    """moto would copy the table for each item of a transaction: for a job of 800 short effects, half a minute."""
    with embedded() as aws:
        table = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables[aws.table]
        assert copy.deepcopy(table) is table
    assert copy.deepcopy(table) is not table
