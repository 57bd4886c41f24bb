"""Door: a batch of messages. Answers which of them come again; everything not named is deleted by Lambda's poller.

Powertools' batch processor offers a handler that raises or does not. This door needs more: a held job's message is
hidden until its lease ends, what was not begun goes back at once, and nothing may escape, a `BaseException` included.
What is left of it is the loop below.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handler.lifetime import Lifetime
from handler.ports import Ports
from handler.worker import Message, Verdict, Worker
from infra.errors import InfraError


async def receive(event: Mapping[str, Any], ports: Ports, lifetime: Lifetime) -> dict[str, Any]:
    """Work off an event's ``Records``; gives Lambda's partial batch response."""
    worker = Worker(ports)
    failures: list[dict[str, str]] = []
    blocked: dict[str, Verdict] = {}
    for record in event["Records"]:
        message = message_of(record)
        verdict = blocked.get(message.group) if message.group is not None else None
        if verdict is None:
            verdict = await _judge(worker, message, ports, lifetime)
        if verdict.done:
            continue
        failures.append({"itemIdentifier": record["messageId"]})
        if message.group is not None:
            blocked[message.group] = verdict  # the rest of its group must not overtake it
        if verdict.wait is not None:
            await _hide(ports, record, verdict.wait)
    return {"batchItemFailures": failures}


def message_of(record: Mapping[str, Any]) -> Message:
    """A message of an event."""
    attributes = record.get("attributes") or {}
    return Message(
        id=record["messageId"],
        body=record["body"],
        receives=int(attributes.get("ApproximateReceiveCount", 1)),
        group=attributes.get("MessageGroupId") if ".fifo" in record.get("eventSourceARN", "") else None,
    )


async def _judge(worker: Worker, message: Message, ports: Ports, lifetime: Lifetime) -> Verdict:
    try:
        return await worker.work(message, lifetime)
    except GeneratorExit:
        raise  # the coroutine itself is being closed
    except BaseException as error:  # one message must not cost the others, whatever it does
        ports.metrics.count("ServiceFailures", Door="queue")
        ports.log.exception(
            "A message failed in a way that nobody foresaw; it comes again",
            extra={"message_id": message.id, "error": type(error).__name__},
        )
        return Verdict(done=False)


async def _hide(ports: Ports, record: Mapping[str, Any], seconds: float) -> None:
    try:
        await ports.queue.postpone(record["receiptHandle"], seconds)
    except InfraError as error:  # it costs time only: the queue's own visibility timeout brings it back
        ports.log.warning(
            "A message could not be postponed", extra={"message_id": record["messageId"], "reason": str(error)}
        )
