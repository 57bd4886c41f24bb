"""The simulated queue: messages that come twice, early, or never, and its dead-letter queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from infra.errors import TryLaterError
from tests.simulation.scheduler import CrashError, Scheduler, Worker, Yield

VISIBILITY = 60.0
"""Seconds that a received message is hidden; more than any invocation of the simulation lives."""
AT_ONCE = 4
"""Invocations that the queue's poller keeps running at once."""


@dataclass(eq=False, slots=True)
class Message:
    """One message.

    Attributes:
        pointer: whether the system sent it to itself.
    """

    id: str
    body: str
    visible_at: float
    pointer: bool = False
    receives: int = 0


@dataclass(eq=False, slots=True)
class SimulatedQueue:
    """What is in the queue.

    Attributes:
        deliver: starts an invocation with a message.
        buried: told of each message that becomes a dead letter.
        max_receives: after so many a message becomes a dead letter.
    """

    scheduler: Scheduler
    deliver: Callable[[Message], None] = lambda _: None
    buried: Callable[[Message], None] = lambda _: None
    max_receives: int = 20
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    rejected: list[Message] = field(default_factory=list)
    sent: int = 0

    def put(self, body: str, *, delay: float = 0.0, pointer: bool = False) -> Message:
        self.sent += 1
        message = Message(f"m{self.sent}", body, self.scheduler.now + delay, pointer)
        self.messages.append(message)
        return message

    def poll(self) -> None:
        """Deliver what is visible, as far as invocations are free."""
        for message in [found for found in self.messages if found.visible_at <= self.scheduler.now]:
            if sum(worker.name == "queue" for worker in self.scheduler.workers) >= AT_ONCE:
                return
            self._receive(message)

    def _receive(self, message: Message) -> None:
        scheduler, random = self.scheduler, self.scheduler.random
        message.receives += 1
        if message.receives > self.max_receives:
            self.messages.remove(message)
            self.dead.append(message)
            scheduler.counts["dead-lettered"] += 1
            self.buried(message)
            return
        message.visible_at = scheduler.now + VISIBILITY
        if scheduler.chance("lost_receive"):
            message.visible_at = scheduler.now + 5.0
            return
        if scheduler.chance("early"):
            message.visible_at = scheduler.now + random.choice((0.2, 1.0, 5.0))
        if scheduler.chance("duplicate"):
            copy = Message(message.id, message.body, scheduler.now + random.choice((0.0, 0.1, 3.0)), message.pointer)
            self.messages.append(copy)
        self.deliver(message)

    def acknowledge(self, message: Message) -> None:
        if message in self.messages and not self.scheduler.chance("lost_acknowledgement"):
            self.messages.remove(message)

    def return_dead(self) -> None:
        """Send the dead letters back to the queue, as an operator does: each comes with a new message id."""
        for message in self.dead:
            self.put(message.body, pointer=message.pointer)
        self.dead.clear()


class SimulatedJobQueue:
    """The queue as one worker sees it: `infra.job_queue.JobQueue` in what it promises."""

    def __init__(self, queue: SimulatedQueue, scheduler: Scheduler, worker: Worker) -> None:
        self._queue = queue
        self._scheduler = scheduler
        self._worker = worker

    async def send(
        self, body: str, *, delay: float = 0, group: str | None = None, deduplication: str | None = None
    ) -> None:
        assert group, "a FIFO queue would refuse the message"
        assert deduplication, "a FIFO queue would refuse the message"
        await self._reach("send")
        if self._scheduler.chance("lost_message"):
            await Yield("message lost")
            return
        self._queue.put(body, delay=delay, pointer=True)
        await Yield("after send")

    async def postpone(self, receipt_handle: str, seconds: float) -> None:
        await self._reach("postpone")
        for message in self._queue.messages:
            if message.id == receipt_handle:
                message.visible_at = self._scheduler.now + max(0.0, min(seconds, 43_200.0))

    async def reject(
        self, body: str, problem: str, *, group: str | None = None, deduplication: str | None = None
    ) -> None:
        assert problem
        assert group, "a FIFO queue would refuse the message"
        assert deduplication, "a FIFO queue would refuse the message"
        await self._reach("reject")
        self._queue.rejected.append(Message("rejected", body, 0.0))
        await Yield("after reject")

    async def _reach(self, call: str) -> None:
        if self._worker.dead:
            raise CrashError
        await Yield(f"before {call}")
        if self._scheduler.chance("send_failed"):
            raise TryLaterError(f"SQS failed: {call}")
