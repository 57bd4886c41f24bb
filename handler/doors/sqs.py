"""Door: a batch of messages. Answers which of them come again; everything not named is deleted by Lambda's poller.

Powertools' batch processor keeps the book of successes and failures and words the answer. The loop over the messages
is ours: its own raises on what is no `Exception`, and knows nothing of a held job's message, which is hidden until the
lease ends, nor of one that was not begun, which goes back at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from handler.invocation.time_left import TimeLeft
from handler.jobs.batch import work_off
from handler.jobs.messages import Message, Verdict
from handler.ports import Ports
from infra.errors import InfraError


class NotDoneError(Exception):
    """A message that has to come again, as the batch processor's book has it."""


async def receive(event: Mapping[str, Any], ports: Ports, lifetime: TimeLeft) -> dict[str, Any]:
    """Work off an event's ``Records``; gives Lambda's partial batch response."""
    # Report a fully failed batch as a partial response; raising would only add a function error.
    batch = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    with batch(event["Records"], handler=work_off):
        records = [SQSRecord(record) for record in event["Records"]]
        verdicts = await work_off([message_of(record) for record in records], ports, lifetime, _hide)
        for record, verdict in zip(records, verdicts, strict=True):
            if verdict.done:
                batch.success_handler(record, verdict)
            else:
                batch.failure_handler(record, (NotDoneError, NotDoneError(record.message_id), None))
    return dict(batch.response())


def message_of(record: SQSRecord) -> Message:
    """A message of an event."""
    attributes = record.raw_event.get("attributes") or {}
    return Message(
        id=record.message_id,
        body=record.body,
        receipt=record.raw_event.get("receiptHandle", ""),
        receives=int(attributes.get("ApproximateReceiveCount", 1)),
        group=attributes.get("MessageGroupId") if ".fifo" in record.raw_event.get("eventSourceARN", "") else None,
    )


async def _hide(ports: Ports, message: Message, verdict: Verdict) -> None:
    """Hide a message that comes again for as long as its verdict says."""
    if verdict.done or verdict.wait is None:
        return
    try:
        await ports.queue.postpone(message.receipt, verdict.wait)
    except InfraError as error:  # it costs time only: the queue's own visibility timeout brings it back
        ports.log.warning("A message could not be postponed", extra={"message_id": message.id, "reason": str(error)})
