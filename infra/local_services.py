"""The services' other side, for a developer's machine: what in AWS the event source mapping and the console do.

It receives the queue's messages as Lambda's poller would, listens on the bus through a rule of its own, and reads back what
stands in the table: from the services, never from the memory of the program that wrote it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from infra.attributes import decode_item
from infra.clients import Clients
from infra.items import Item

EVENT_LOG: Final = "conduit-event-log"
"""Name of the rule that `watch_bus` makes, and of the queue it feeds."""
_BATCH: Final = 10
_DELETES: Final = 25

Message = dict[str, Any]
BusEvent = dict[str, Any]


class _Table(Protocol):
    def query(self, **request: Any) -> dict[str, Any]: ...
    def batch_write_item(self, **request: Any) -> dict[str, Any]: ...


class _Queues(Protocol):
    def create_queue(self, **request: Any) -> dict[str, Any]: ...
    def get_queue_attributes(self, **request: Any) -> dict[str, Any]: ...
    def receive_message(self, **request: Any) -> dict[str, Any]: ...
    def delete_message(self, **request: Any) -> dict[str, Any]: ...


class _Rules(Protocol):
    def put_rule(self, **request: Any) -> dict[str, Any]: ...
    def put_targets(self, **request: Any) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages a queue holds: ready, not to be seen yet, and received but neither deleted nor given back."""

    ready: int
    delayed: int
    in_flight: int

    @property
    def total(self) -> int:
        return self.ready + self.delayed + self.in_flight


class LocalServices:
    """The table, the bus and the queues of one deployment, seen from outside the handler.

    Args:
        clients: where to call them. Not shared with another thread: make one `LocalServices` for each.
        table: name of the table.
        bus: name of the bus.
        queue: address of the job queue.
        dead_letters: address of its dead-letter queue.
    """

    def __init__(self, clients: Clients, *, table: str, bus: str, queue: str, dead_letters: str) -> None:
        self._clients = clients
        self._table = table
        self._bus = bus
        self._queue = queue
        self._dead_letters = dead_letters
        self._event_log: str | None = None

    def receive(self, *, wait: int = 0) -> list[Message]:
        """Up to ten messages of the job queue, as the poller receives them: hidden until deleted or given back.

        Args:
            wait: seconds to wait for a first one, at most 20.
        """
        return self._receive(self._queue, wait)

    def delete(self, message: Message) -> None:
        """Acknowledge a message of the job queue."""
        self._queues.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])

    def waiting(self) -> Waiting:
        """What the job queue holds."""
        answer = self._queues.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["All"])
        numbers = answer["Attributes"]
        return Waiting(
            ready=int(numbers["ApproximateNumberOfMessages"]),
            delayed=int(numbers["ApproximateNumberOfMessagesDelayed"]),
            in_flight=int(numbers["ApproximateNumberOfMessagesNotVisible"]),
        )

    def take_dead_letters(self) -> list[Message]:
        """Take every message off the dead-letter queue."""
        return self._drain(self._dead_letters)

    def watch_bus(self) -> None:
        """Let a rule copy every event of source ``conduit`` into a queue of its own, for `take_events`."""
        queues = self._queues
        self._event_log = queues.create_queue(QueueName=EVENT_LOG)["QueueUrl"]
        arn = queues.get_queue_attributes(QueueUrl=self._event_log, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        rules = cast("_Rules", self._clients.events())
        rules.put_rule(Name=EVENT_LOG, EventBusName=self._bus, EventPattern=json.dumps({"source": ["conduit"]}))
        rules.put_targets(Rule=EVENT_LOG, EventBusName=self._bus, Targets=[{"Id": "log", "Arn": arn}])

    def take_events(self) -> list[BusEvent]:
        """The events that reached the bus since the last call, oldest first; empty before `watch_bus`."""
        if self._event_log is None:
            return []
        return [json.loads(message["Body"]) for message in self._drain(self._event_log)]

    def items(self, tenant: str, job_id: str) -> list[Item]:
        """Everything in the table about one job, by sort key."""
        found: list[Item] = []
        start: dict[str, Any] = {}
        while True:
            answer = cast("_Table", self._clients.dynamodb()).query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": f"{tenant}#{job_id}"}},
                ConsistentRead=True,
                **start,
            )
            found.extend(item for item in map(decode_item, answer["Items"]) if item is not None)
            if "LastEvaluatedKey" not in answer:
                return found
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def forget(self, tenant: str, job_id: str) -> None:
        """Delete everything in the table about one job, as time to live would once it expires."""
        keys = [{"pk": {"S": str(item["pk"])}, "sk": {"S": str(item["sk"])}} for item in self.items(tenant, job_id)]
        table = cast("_Table", self._clients.dynamodb())
        for first in range(0, len(keys), _DELETES):
            deletes = [{"DeleteRequest": {"Key": key}} for key in keys[first : first + _DELETES]]
            table.batch_write_item(RequestItems={self._table: deletes})

    @property
    def _queues(self) -> _Queues:
        return cast("_Queues", self._clients.sqs())

    def _receive(self, url: str, wait: int) -> list[Message]:
        answer = self._queues.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_BATCH,
            WaitTimeSeconds=wait,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages: list[Message] = answer.get("Messages", [])
        return messages

    def _drain(self, url: str) -> list[Message]:
        drained: list[Message] = []
        while messages := self._receive(url, 0):
            for message in messages:
                self._queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            drained.extend(messages)
        return drained
