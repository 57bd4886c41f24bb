"""Lambda's side of the queue and the schedule: it starts invocations and deletes the messages they have handled."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from handler.doors.sqs import receive
from handler.invocation.time_left import TimeLeft
from handler.jobs.sweep import sweep
from handler.ports import Ports
from infra.jobs.records import JobKey
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
        self._next_sweep = scheduler.now + SWEEP_EVERY
        queue.deliver = self.deliver
        queue.buried = self.buried

    def deliver(self, messages: list[Message]) -> None:
        """Hand messages to an invocation, and delete those that it does not report as failed."""
        for message in messages:
            if not message.pointer:
                self._audit.order.received(named_by(message))

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
        """A message may be deleted only when its job is safe without it."""
        key = named_by(message)
        rejected = message.body in self._queue.rejected
        if message in self._queue.messages and not rejected and self._audit.job(key) is None:
            self._audit.note(f"ACKNOWLEDGED {key.job_id}, which does not exist")

    def buried(self, message: Message) -> None:
        """A dead letter may go unnoticed for days: for a known job, the sweep or another message must remain."""
        key = named_by(message)
        job = self._audit.job(key)
        if job is None or job.due is not None:
            return
        if any(other is not message and named_by(other) == key for other in self._queue.messages):
            return
        missing = self._audit.unpublished(job)
        if missing:
            self._audit.note(f"BURIED {key.job_id}: nothing will publish {', '.join(missing)}")

    def tick(self) -> None:
        """Run the schedule, if a minute has passed."""
        if self._scheduler.now >= self._next_sweep:
            self._next_sweep = self._scheduler.now + SWEEP_EVERY
            if self._sweeping:
                self._start("sweep", sweep)

    def alarms(self) -> list[float]:
        """The next time at which the schedule finds something: a sweep that finds nothing changes nothing."""
        if not self._sweeping:
            return [self._next_sweep]
        due = self._first_due()
        if due is None:
            return []
        minutes = max(0, math.ceil((due - self._next_sweep) / SWEEP_EVERY))
        return [self._next_sweep + minutes * SWEEP_EVERY]

    def _first_due(self) -> float | None:
        dues = (item.get("due") for item in self._audit.table.items.values())
        return min((due for due in dues if isinstance(due, (int, float))), default=None)


def named_by(message: Message) -> JobKey:
    """The job to which a message belongs."""
    body = json.loads(message.body)
    if "resume" in body:
        return JobKey(body["resume"]["tenant"], body["resume"]["job_id"])
    return JobKey(TENANT, body.get("id") or message.id)
