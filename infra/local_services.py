"""What a developer's machine does with the embedded AWS besides calling the handler.

It reads back what one job left in the table, follows the bus through a rule of its own, and clears away what was shown:
a program that runs thousands of jobs in one process must not keep them all.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, cast

from infra.attributes import decode_item
from infra.event_bus import SOURCE
from infra.items import Item
from infra.local import EmbeddedAws

_RECEIVE_MOST: Final = 10
_WRITE_MOST: Final = 25
_HOURS: Final = 43_200
"""Seconds; the longest that SQS hides a received message."""

BusEvent = dict[str, Any]


class LocalServices:
    """The table, the bus and the queue of one embedded AWS, seen from outside the handler."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws
        self._table = cast("Any", aws.clients.dynamodb())
        self._rules = cast("Any", aws.clients.events())
        self._queues = cast("Any", aws.clients.sqs())
        self._log: str | None = None
        self._receipts: list[str] = []

    def send(self, body: str) -> str:
        """Send a job to the queue as another program would.

        Returns:
            The message's id: it becomes the id of a job that has none.
        """
        sent: str = self._queues.send_message(QueueUrl=self._aws.queue_url, MessageBody=body)["MessageId"]
        return sent

    def mute_bus(self) -> None:
        """Take the targets off every rule of the bus, so that what reaches it is kept nowhere."""
        bus = self._aws.bus
        for rule in self._rules.list_rules(EventBusName=bus)["Rules"]:
            targets = self._rules.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
            if targets:
                ids = [target["Id"] for target in targets]
                self._rules.remove_targets(Rule=rule["Name"], EventBusName=bus, Ids=ids)

    def follow_bus(self) -> None:
        """Let a rule copy every event of Conduit into a queue of its own, from which `take_events` takes them."""
        self.mute_bus()
        name = f"{self._aws.bus}-log"
        self._log = self._queues.create_queue(QueueName=name, Attributes={"VisibilityTimeout": str(_HOURS)})["QueueUrl"]
        attributes = self._queues.get_queue_attributes(QueueUrl=self._log, AttributeNames=["QueueArn"])["Attributes"]
        pattern = json.dumps({"source": [SOURCE]})
        self._rules.put_rule(Name=name, EventBusName=self._aws.bus, EventPattern=pattern)
        target = {"Id": "log", "Arn": attributes["QueueArn"]}
        self._rules.put_targets(Rule=name, EventBusName=self._aws.bus, Targets=[target])

    def see_events(self) -> list[BusEvent]:
        """The events that reached the bus since the last call, oldest first; empty before `follow_bus`.

        Another thread may call it while the handler runs: it only receives. Moto's queue may lose what is sent to it
        while another thread deletes, so `take_events` is for the handler's own thread.
        """
        seen: list[BusEvent] = []
        while self._log is not None:
            answer = self._queues.receive_message(QueueUrl=self._log, MaxNumberOfMessages=_RECEIVE_MOST)
            messages = answer.get("Messages", [])
            if not messages:
                break
            seen.extend(json.loads(message["Body"]) for message in messages)
            self._receipts.extend(message["ReceiptHandle"] for message in messages)
        return seen

    def take_events(self) -> list[BusEvent]:
        """As `see_events`, and clear away what was seen."""
        seen = self.see_events()
        receipts, self._receipts = self._receipts, []
        for first in range(0, len(receipts), _RECEIVE_MOST):
            batch = enumerate(receipts[first : first + _RECEIVE_MOST])
            entries = [{"Id": str(number), "ReceiptHandle": receipt} for number, receipt in batch]
            self._queues.delete_message_batch(QueueUrl=self._log, Entries=entries)
        return seen

    def items(self, tenant: str, job_id: str) -> list[Item]:
        """Everything that the table holds of one job, by sort key."""
        return [item for attributes in self._query(tenant, job_id) if (item := decode_item(attributes))]

    def _query(self, tenant: str, job_id: str, **request: Any) -> Iterator[dict[str, Any]]:
        start: dict[str, Any] = {}
        while True:
            answer = self._table.query(
                TableName=self._aws.table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": f"{tenant}#{job_id}"}},
                ConsistentRead=True,
                **request,
                **start,
            )
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def forget(self, tenant: str, job_id: str) -> None:
        """Delete everything that the table holds of one job, as its time to live would, and what moto keeps of it."""
        from moto.core.model_instances import reset_model_data  # noqa: PLC0415  # only a developer's machine has moto

        keys = list(self._query(tenant, job_id, ProjectionExpression="pk, sk"))  # moto takes long over whole items
        for first in range(0, len(keys), _WRITE_MOST):
            deletes = [{"DeleteRequest": {"Key": key}} for key in keys[first : first + _WRITE_MOST]]
            self._table.batch_write_item(RequestItems={self._aws.table: deletes})
        # moto keeps every model it ever made, for a dashboard that nobody opens here: 90 KB for a job of 14 steps.
        reset_model_data()
