"""Door: a batch of messages. The answer names the messages to deliver again; Lambda's poller deletes all others.

Powertools' batch processor keeps the lists of successes and failures and builds the answer. The loop over the messages
is ours, because Powertools' loop cannot handle three cases: a `BaseException`, the message of a job under another
owner's lease (hidden until the lease ends), and a message that was not begun (returned at once).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from handler.invocation.time_left import TimeLeft
from handler.jobs.batch import process_messages
from handler.jobs.messages import Message, Verdict
from handler.ports import Ports
from infra.errors import InfraError


class NotDoneError(Exception):
    """Marks a message, in the batch processor's list of failures, that must be delivered again."""


async def receive(event: Mapping[str, Any], ports: Ports, lifetime: TimeLeft) -> dict[str, Any]:
    """Process an event's ``Records``; return Lambda's partial batch response."""
    # Report a fully failed batch as a partial response; raising would only add a function error.
    batch = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    with batch(event["Records"], handler=process_messages):
        records = [SQSRecord(record) for record in event["Records"]]
        verdicts = await process_messages([message_of(record) for record in records], ports, lifetime, _hide)
        for record, verdict in zip(records, verdicts, strict=True):
            if verdict.done:
                batch.success_handler(record, verdict)
            else:
                batch.failure_handler(record, (NotDoneError, NotDoneError(record.message_id), None))
    return dict(batch.response())


def message_of(record: SQSRecord) -> Message:
    """The message in one record of an event."""
    attributes = record.raw_event.get("attributes") or {}
    return Message(
        id=record.message_id,
        body=record.body,
        receipt=record.raw_event.get("receiptHandle", ""),
        receives=int(attributes.get("ApproximateReceiveCount", 1)),
        group=attributes.get("MessageGroupId") if ".fifo" in record.raw_event.get("eventSourceARN", "") else None,
    )


async def _hide(ports: Ports, message: Message, verdict: Verdict) -> None:
    """Hide a message that must be delivered again, for the time in its verdict."""
    if verdict.done or verdict.wait is None:
        return
    try:
        await ports.queue.postpone(message.receipt, verdict.wait)
    except InfraError as error:  # only a delay: after its visibility timeout, the message is delivered again
        ports.log.warning("A message could not be postponed", extra={"message_id": message.id, "reason": str(error)})
