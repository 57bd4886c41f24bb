"""The embedded AWS on a developer's machine, apart from calls of the handler.

It reads one job's items from the table, follows the bus by its own rule, and deletes jobs that were shown: a program
that runs thousands of jobs in one process must not keep them all.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any, Final, cast

from infra.local.bus import BusEvent, follow_bus, mute_bus
from infra.local.embedded_aws import ACCOUNT, REGION, EmbeddedAws
from infra.table.attributes import decode_item
from infra.table.items import Item

_WRITE_MOST: Final = 25


class LocalServices:
    """The table, the bus and the queue of one embedded AWS, seen from outside the handler."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws
        self._table = cast("Any", aws.clients.dynamodb())
        self._rules = cast("Any", aws.clients.events())
        self._queues = cast("Any", aws.clients.sqs())
        self._events: deque[BusEvent] = deque()

    def send(self, body: str) -> str:
        """Send a job to the queue, like another program.

        Returns:
            The message's id: it becomes the id of a job that has none.
        """
        sent: str = self._queues.send_message(QueueUrl=self._aws.queue_url, MessageBody=body)["MessageId"]
        return sent

    def mute_bus(self) -> None:
        """Remove every rule from the bus, so that its events are not stored."""
        mute_bus(self._rules, self._aws.bus)

    def follow_bus(self) -> None:
        """Keep every event that reaches the bus from now on, until `take_events` takes it."""
        self.mute_bus()
        follow_bus(self._rules, self._aws.bus, (ACCOUNT, REGION), self._events.append)

    def take_events(self) -> list[BusEvent]:
        """The events that reached the bus since the last call, oldest first; empty before `follow_bus`.

        Any thread may call it, also while the handler runs.
        """
        taken: list[BusEvent] = []
        while self._events:
            taken.append(self._events.popleft())
        return taken

    def items(self, tenant: str, job_id: str) -> list[Item]:
        """All items of one job, by sort key."""
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
        """Delete all items of one job, as their time to live would, and moto's own copies."""
        from moto.core.model_instances import reset_model_data  # noqa: PLC0415  # only a developer's machine has moto

        keys = list(self._query(tenant, job_id, ProjectionExpression="pk, sk"))  # moto is slow with whole items
        for first in range(0, len(keys), _WRITE_MOST):
            deletes = [{"DeleteRequest": {"Key": key}} for key in keys[first : first + _WRITE_MOST]]
            self._table.batch_write_item(RequestItems={self._aws.table: deletes})
        # moto keeps every model that it ever made for its dashboard, which is not used here: 90 KB per job of 14 steps.
        reset_model_data()
