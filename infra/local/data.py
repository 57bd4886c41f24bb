"""Keeps the data of the embedded AWS in a folder: items, messages of the job queue, schedules and keys.

Each change is in the file before the caller gets its answer, so a killed process loses nothing that it had
acknowledged. The file has the current state, not a history; a start reads it back into moto.
"""

from __future__ import annotations

import base64
import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from infra.local.embedded_aws import ACCOUNT, REGION, EmbeddedAws

FILE: Final = "conduit.sqlite"
_WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS items (pk TEXT, sk TEXT, item TEXT, PRIMARY KEY (pk, sk));
CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, body TEXT, attributes TEXT, due REAL);
CREATE TABLE IF NOT EXISTS schedules (name TEXT PRIMARY KEY, schedule TEXT);
CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, material BLOB);
"""
_TAKEN_BY_CREATE: Final = (
    "Name",
    "GroupName",
    "ScheduleExpression",
    "ScheduleExpressionTimezone",
    "StartDate",
    "EndDate",
    "Description",
    "FlexibleTimeWindow",
    "State",
    "Target",
    "ActionAfterCompletion",
)


class DataFolderError(Exception):
    """The folder cannot be used. The message names the folder and the reason."""


class LocalData:
    """The file in a folder. Use it under the lock of the `LocalDoor` that it watches.

    Args:
        folder: where the file is; made if it does not exist.

    Raises:
        DataFolderError: it cannot be used, or another process uses it.
    """

    def __init__(self, folder: Path) -> None:
        self._receipts: dict[str, str] = {}
        self._aws: EmbeddedAws | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(
                folder / FILE, timeout=2.0, check_same_thread=False, isolation_level="IMMEDIATE"
            )
            self._file.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._file.executescript(f"BEGIN EXCLUSIVE; {_TABLES} COMMIT;")
        except (OSError, sqlite3.Error) as error:
            busy = isinstance(error, sqlite3.OperationalError) and "locked" in str(error)
            why = "another process uses it" if busy else str(error)
            raise DataFolderError(f"Cannot keep data in {str(folder)!r}: {why}.") from None

    def restore(self, aws: EmbeddedAws) -> int:
        """Load the file into an empty embedded AWS; return the number of items.

        All leases end, since the processes that held them ended with the last embedded AWS. The key of secrets is the
        one in the file, so `aws.key` may change.
        """
        self._aws = aws
        table, sqs, scheduler = (cast("Any", aws.clients.client(name)) for name in ("dynamodb", "sqs", "scheduler"))
        count = 0
        for (text,) in self._file.execute("SELECT item FROM items"):
            count += 1
            table.put_item(TableName=aws.table, Item=json.loads(text, object_hook=_from_json))
        for message_id, body, attributes, due in self._file.execute("SELECT * FROM messages ORDER BY rowid").fetchall():
            delay = min(900, max(0, int(due - time.time())))
            sqs.send_message(
                QueueUrl=aws.queue_url, MessageBody=body, MessageAttributes=json.loads(attributes), DelaySeconds=delay
            )
            _queue(aws)._messages[-1].id = message_id  # noqa: SLF001  # it may be the id of the job in it
        for (text,) in self._file.execute("SELECT schedule FROM schedules"):
            scheduler.create_schedule(**{**json.loads(text), "GroupName": aws.schedule_group})
        self._keep_key(aws)
        release(aws)
        return count

    def _keep_key(self, aws: EmbeddedAws) -> None:
        """Use the key in the file, or store the new one there, because the data encrypted with it is stored, too."""
        from moto.kms.models import kms_backends  # noqa: PLC0415  # only a developer's machine has moto

        keys = kms_backends[ACCOUNT][REGION].keys
        with self._file:
            kept = self._file.execute("SELECT id, material FROM keys").fetchone()
            if kept is None:
                self._file.execute("INSERT INTO keys VALUES (?, ?)", (aws.key, keys[aws.key].key_material))
                return
        key: Any = keys.pop(aws.key)
        aws.key, key.key_material = kept
        key.id = aws.key
        keys[aws.key] = key

    def seen(self, service: str, operation: str, body: bytes, answer: bytes) -> None:
        """Save what a call changed; `LocalDoor` calls it as its `seen`."""
        with self._file:
            if service == "dynamodb" and operation in _WRITES:
                for key in _keys(json.loads(body)):
                    self._keep_item(key)
            elif service == "sqs":
                self._keep_message(operation, json.loads(body), answer)
            elif service == "scheduler" and operation != "GET":
                self._keep_schedules()

    def _keep_item(self, key: dict[str, Any]) -> None:
        aws = cast("EmbeddedAws", self._aws)
        found = cast("Any", aws.clients.dynamodb()).get_item(TableName=aws.table, Key=key, ConsistentRead=True)
        name = (key["pk"]["S"], key["sk"]["S"])
        if "Item" in found:
            text = json.dumps(found["Item"], default=_to_json)
            self._file.execute("INSERT OR REPLACE INTO items VALUES (?, ?, ?)", (*name, text))
        else:
            self._file.execute("DELETE FROM items WHERE pk = ? AND sk = ?", name)

    def _keep_message(self, operation: str, asked: dict[str, Any], answer: bytes) -> None:
        if asked.get("QueueUrl") != cast("EmbeddedAws", self._aws).queue_url:
            return
        if operation == "SendMessage":
            due = time.time() + asked.get("DelaySeconds", 0)
            row = (
                json.loads(answer)["MessageId"],
                asked["MessageBody"],
                json.dumps(asked.get("MessageAttributes", {})),
            )
            self._file.execute("INSERT OR REPLACE INTO messages VALUES (?, ?, ?, ?)", (*row, due))
        elif operation == "ReceiveMessage":
            for message in json.loads(answer).get("Messages", []):
                self._receipts[message["ReceiptHandle"]] = message["MessageId"]
        elif operation == "DeleteMessage":
            message_id = self._receipts.pop(asked["ReceiptHandle"], None)
            self._file.execute("DELETE FROM messages WHERE id = ?", (message_id,))

    def _keep_schedules(self) -> None:
        self._file.execute("DELETE FROM schedules")
        for schedule in cast("EmbeddedAws", self._aws).schedules():
            kept = {name: schedule[name] for name in _TAKEN_BY_CREATE if schedule.get(name) is not None}
            text = json.dumps(kept, default=_to_json)
            self._file.execute("INSERT INTO schedules VALUES (?, ?)", (schedule["Name"], text))

    def close(self) -> None:
        """Release the folder."""
        self._file.close()


def release(aws: EmbeddedAws) -> None:
    """End every lease and make every received message visible, since no process uses this AWS any more."""
    table = cast("Any", aws.clients.dynamodb())
    for page in table.get_paginator("scan").paginate(
        TableName=aws.table,
        FilterExpression="attribute_exists(lease_until)",
        ProjectionExpression="pk, sk",
    ):
        for item in page["Items"]:
            table.update_item(
                TableName=aws.table,
                Key={"pk": item["pk"], "sk": item["sk"]},
                UpdateExpression="SET lease_until = :over",
                ExpressionAttributeValues={":over": {"N": "1"}},
            )
    for message in _queue(aws)._messages:  # noqa: SLF001  # SQS needs receipt handles, which ended with their processes
        message.visible_at = 0.0


def _queue(aws: EmbeddedAws) -> Any:
    from moto.sqs.models import sqs_backends  # noqa: PLC0415  # only a developer's machine has moto

    return sqs_backends[ACCOUNT][REGION].queues[aws.queue_url.rpartition("/")[2]]


def _keys(asked: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The keys of the items that a call of DynamoDB wrote."""
    found = [asked]
    for requests in asked.get("RequestItems", {}).values():
        found += [one for request in requests for one in request.values()]
    for action in asked.get("TransactItems", ()):
        found += [one for name, one in action.items() if name != "ConditionCheck"]
    for one in found:
        with contextlib.suppress(KeyError):
            item = one.get("Key") or one["Item"]
            yield {"pk": item["pk"], "sk": item["sk"]}


def _to_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    return value.isoformat()  # the date of a schedule


def _from_json(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["$bytes"]) if set(value) == {"$bytes"} else value
