"""Lambda's side of the queue and the schedule: starts invocations, and deletes what they answer for."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from handler.doors.sqs import receive
from handler.invocation.time_left import TimeLeft
from handler.jobs.sweep import sweep
from handler.ports import Ports
from infra.records import JobKey
from tests.simulation.audit import Audit
from tests.simulation.messages import Message, SimulatedQueue
from tests.simulation.scheduler import Scheduler

SWEEP_EVERY = 60.0
TENANT = "t"


class Start(Protocol):
    """Starts an invocation."""

    def __call__(
        self,
        name: str,
        work: Callable[[Ports, TimeLeft], Coroutine[Any, Any, Any]],
        *,
        ended: Callable[[Any], None] = ...,
    ) -> None: ...


class Poller:
    """Between the queue and the handler.

    Args:
        start: starts an invocation.
        sweeping: whether the schedule runs.
    """

    def __init__(
        self, start: Start, scheduler: Scheduler, queue: SimulatedQueue, audit: Audit, *, sweeping: bool
    ) -> None:
        self._start = start
        self._scheduler = scheduler
        self._queue = queue
        self._audit = audit
        self._sweeping = sweeping
        queue.deliver = self.deliver
        queue.buried = self.buried

    def deliver(self, messages: list[Message]) -> None:
        """Hand messages to an invocation, and delete those that it does not name."""

        async def work(ports: Ports, lifetime: TimeLeft) -> Any:
            return await receive({"Records": [self._record(message) for message in messages]}, ports, lifetime)

        def ended(answer: Any) -> None:
            failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
            for message in messages:
                if message.id not in failed:
                    self._judge(message)
                    self._queue.acknowledge(message)

        self._start("queue", work, ended=ended)

    def _record(self, message: Message) -> dict[str, Any]:
        attributes = {"ApproximateReceiveCount": str(message.receives)}
        if self._queue.fifo:
            attributes["MessageGroupId"] = message.group
        return {
            "messageId": message.id,
            "receiptHandle": message.handle,
            "body": message.body,
            "attributes": attributes,
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:queue{'.fifo' if self._queue.fifo else ''}",
        }

    def _judge(self, message: Message) -> None:
        """A message may go only when its job is safe without it."""
        key = named_by(message)
        rejected = message.body in self._queue.rejected
        if message in self._queue.messages and not rejected and self._audit.job(key) is None:
            self._audit.note(f"ACKNOWLEDGED {key.job_id}, which does not exist")

    def buried(self, message: Message) -> None:
        """What becomes a dead letter may be missed for days: something else must stand for a job that is known."""
        key = named_by(message)
        job = self._audit.job(key)
        if job is None or job.due is not None:
            return
        if any(other is not message and named_by(other) == key for other in self._queue.messages):
            return
        missing = self._audit.unpublished(job)
        if missing:
            self._audit.note(f"BURIED {key.job_id}: nothing stands for {', '.join(missing)}")

    def sweep(self) -> None:
        """Let the schedule come by, now and every minute from now on."""
        if self._sweeping:
            self._start("sweep", sweep)
        self._scheduler.at(self._scheduler.now + SWEEP_EVERY, self.sweep)


def named_by(message: Message) -> JobKey:
    """Which job a message stands for."""
    body = json.loads(message.body)
    if "resume" in body:
        return JobKey(**body["resume"])
    return JobKey(TENANT, body.get("id") or message.id)
