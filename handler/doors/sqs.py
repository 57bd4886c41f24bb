"""Door: a batch of messages. Answers which of them come again; everything not named is deleted by Lambda's poller.

Powertools' batch processor keeps the book of successes and failures and words the answer. The loop over the messages
is ours: its own raises on what is no `Exception`, and knows nothing of a held job's message, which is hidden until the
lease ends, nor of one that was not begun, which goes back at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from handler.invocation.time_left import TimeLeft
from handler.jobs.messages import Message, Verdict
from handler.jobs.queue_worker import Worker
from handler.ports import Ports
from infra.errors import InfraError


class NotDoneError(Exception):
    """A message that has to come again, as the batch processor's book has it."""


async def receive(event: Mapping[str, Any], ports: Ports, lifetime: TimeLeft) -> dict[str, Any]:
    """Work off an event's ``Records``; gives Lambda's partial batch response."""
    # Report a fully failed batch as a partial response; raising would only add a function error.
    batch = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    worker = Worker(ports)
    blocked: dict[str, Verdict] = {}
    with batch(event["Records"], handler=worker.work):
        for record in map(SQSRecord, event["Records"]):
            message = message_of(record)
            verdict = blocked.get(message.group) if message.group is not None else None
            if verdict is None:
                verdict = await _judge(worker, message, ports, lifetime)
                lifetime = replace(lifetime, used=True)
            if verdict.done:
                batch.success_handler(record, verdict)
                continue
            error = NotDoneError(message.id)
            batch.failure_handler(record, (NotDoneError, error, None))
            if message.group is not None:
                blocked[message.group] = verdict  # the rest of its group must not overtake it
            if verdict.wait is not None:
                await _hide(ports, record, verdict.wait)
    return dict(batch.response())


def message_of(record: SQSRecord) -> Message:
    """A message of an event."""
    attributes = record.raw_event.get("attributes") or {}
    return Message(
        id=record.message_id,
        body=record.body,
        receives=int(attributes.get("ApproximateReceiveCount", 1)),
        group=attributes.get("MessageGroupId") if ".fifo" in record.raw_event.get("eventSourceARN", "") else None,
    )


async def _judge(worker: Worker, message: Message, ports: Ports, lifetime: TimeLeft) -> Verdict:
    try:
        return await worker.work(message, lifetime)
    except GeneratorExit:
        raise  # the coroutine itself is being closed
    except BaseException as error:  # one message must not cost the others, whatever it does
        ports.metrics.count("Faults")
        ports.log.exception(
            "A message failed unexpectedly; SQS delivers it again",
            extra={"message_id": message.id, "error": type(error).__name__},
        )
        return Verdict(done=False)


async def _hide(ports: Ports, record: SQSRecord, seconds: float) -> None:
    try:
        await ports.queue.postpone(record.receipt_handle, seconds)
    except InfraError as error:  # it costs time only: the queue's own visibility timeout brings it back
        ports.log.warning(
            "A message could not be postponed", extra={"message_id": record.message_id, "reason": str(error)}
        )
