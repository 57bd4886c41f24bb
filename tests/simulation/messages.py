"""The simulated queue, standard or FIFO, with a dead-letter queue: messages are delivered twice, early, or never."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from infra.errors import TryLaterError
from tests.simulation.scheduler import CrashError, Scheduler, Worker, Yield

VISIBILITY = 60.0
"""Seconds that a received message is hidden: longer than most invocations of the simulation."""
AT_ONCE = 4
"""Invocations that the queue's poller keeps running at once."""
DEDUPLICATION = 300.0
"""Seconds for which a FIFO queue drops a message whose deduplication id it has seen."""


@dataclass(eq=False, slots=True)
class Message:
    """One message, or one of its copies.

    Attributes:
        handle: the receipt handle.
        pointer: whether the system sent it to itself.
        group: of a FIFO queue.
    """

    id: str
    handle: str
    body: str
    visible_at: float
    pointer: bool
    group: str
    receives: int = 0


@dataclass(eq=False, slots=True)
class SimulatedQueue:
    """The messages in the queue.

    Attributes:
        fifo: messages of a group are delivered in order, and none is accepted twice within five minutes.
        batch: the most messages in an invocation.
        deliver: starts an invocation with messages.
        buried: called with each message that becomes a dead letter.
        hidden: called with each message that a worker hides, and for how long.
        given_up: called with the body of each message that is rejected.
        max_receives: receives after which a message becomes a dead letter.
    """

    scheduler: Scheduler
    fifo: bool = False
    batch: int = 1
    deliver: Callable[[list[Message]], None] = lambda _: None
    buried: Callable[[Message], None] = lambda _: None
    hidden: Callable[[Worker, Message, float], None] = lambda *_: None
    given_up: Callable[[str], None] = lambda _: None
    max_receives: int = 20
    messages: list[Message] = field(default_factory=list)
    dead: list[Message] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    sent: int = 0
    seen: dict[str, float] = field(default_factory=dict)

    def put(
        self, body: str, group: str, *, deduplication: str | None = None, delay: float = 0.0, pointer: bool = False
    ) -> str:
        """Accept a message; returns its id."""
        self.sent += 1
        name = f"m{self.sent}"
        if self.fifo and deduplication is not None:
            if self.scheduler.now - self.seen.get(deduplication, -DEDUPLICATION) < DEDUPLICATION:
                self.scheduler.counts["deduplicated"] += 1
                return name
            self.seen[deduplication] = self.scheduler.now
        visible_at = self.scheduler.now + (0.0 if self.fifo else delay)
        self.messages.append(Message(name, name, body, visible_at, pointer, group))
        return name

    def poll(self) -> None:
        """Deliver the visible messages, as far as invocations are free."""
        while sum(worker.name == "queue" for worker in self.scheduler.workers) < AT_ONCE:
            most = self.scheduler.random.randint(1, self.batch)
            chosen = self._next(most)
            if not chosen:
                return
            received = [message for message in chosen if self._receive(message)]
            if received:
                self.deliver(received)

    def alarms(self) -> list[float]:
        """Times at which a message may become deliverable."""
        if sum(worker.name == "queue" for worker in self.scheduler.workers) >= AT_ONCE:
            return []
        return [message.visible_at for message in self.messages]

    def _next(self, most: int) -> list[Message]:
        chosen: list[Message] = []
        blocked: set[str] = set()
        for message in self.messages:
            free = message.visible_at <= self.scheduler.now and not (self.fifo and message.group in blocked)
            if free and all(message.id != other.id for other in chosen) and len(chosen) < most:
                chosen.append(message)
            else:
                blocked.add(message.group)
        return chosen

    def _receive(self, message: Message) -> bool:
        """Count a receive; returns whether the message reaches its worker."""
        scheduler, random = self.scheduler, self.scheduler.random
        message.receives += 1
        if message.receives > self.max_receives:
            self.messages.remove(message)
            self.dead.append(message)
            scheduler.counts["dead-lettered"] += 1
            self.buried(message)
            return False
        message.visible_at = scheduler.now + VISIBILITY
        if scheduler.chance("lost_receive"):
            message.visible_at = scheduler.now + 5.0
            return False
        if scheduler.chance("early"):
            message.visible_at = scheduler.now + random.choice((0.2, 1.0, 5.0))
        if not self.fifo and scheduler.chance("duplicate"):
            self.sent += 1
            again = scheduler.now + random.choice((0.0, 0.1, 3.0))
            handle = f"{message.id}/{self.sent}"
            self.messages.append(Message(message.id, handle, message.body, again, message.pointer, message.group))
        return True

    def acknowledge(self, message: Message) -> None:
        if message in self.messages and not self.scheduler.chance("lost_acknowledgement"):
            self.messages.remove(message)

    def return_dead(self) -> None:
        """Send the dead letters back to the queue, as an operator does: each gets a new message id."""
        for message in self.dead:
            self.put(message.body, message.group, pointer=message.pointer)
        self.dead.clear()


class SimulatedJobQueue:
    """The queue as one worker sees it; it behaves as `infra.messaging.job_queue.JobQueue`."""

    def __init__(self, queue: SimulatedQueue, scheduler: Scheduler, worker: Worker) -> None:
        self._queue = queue
        self._scheduler = scheduler
        self._worker = worker

    async def send(
        self,
        body: str,
        *,
        delay: float = 0,
        group: str | None = None,
        deduplication: str | None = None,
        fair: str | None = None,
    ) -> None:
        assert fair, "our own messages must count against their tenant's share too"
        assert group, "a FIFO queue would refuse the message"
        assert deduplication, "a FIFO queue would refuse the message"
        await self._reach("send")
        if self._scheduler.chance("lost_message"):
            await Yield("message lost")
            return
        self._queue.put(body, group, deduplication=deduplication, delay=delay, pointer=True)
        await Yield("after send")

    async def postpone(self, receipt_handle: str, seconds: float) -> None:
        await self._reach("postpone")
        for message in self._queue.messages:
            if message.handle == receipt_handle:
                self._queue.hidden(self._worker, message, seconds)
                message.visible_at = self._scheduler.now + max(0.0, min(seconds, 43_200.0))

    async def reject(
        self, body: str, problem: str, *, group: str | None = None, deduplication: str | None = None
    ) -> None:
        assert problem
        assert group, "a FIFO queue would refuse the message"
        assert deduplication, "a FIFO queue would refuse the message"
        await self._reach("reject")
        self._queue.rejected.append(body)
        self._queue.given_up(body)
        await Yield("after reject")

    async def _reach(self, call: str) -> None:
        if self._worker.dead:
            raise CrashError
        await Yield(f"before {call}")
        if self._scheduler.chance("send_failed"):
            raise TryLaterError(f"SQS failed: {call}")
