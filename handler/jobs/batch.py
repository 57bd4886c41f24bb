"""Processes a batch of messages: runs their jobs side by side if that is safe, else one after another.

A failure of one message must not affect the others.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from handler.invocation.time_left import TimeLeft
from handler.jobs.messages import AGAIN, Message, Verdict
from handler.jobs.queue_worker import Worker
from handler.ports import Ports

Settle = Callable[[Ports, Message, Verdict], Awaitable[None]]
"""Carries out a verdict at the queue."""


async def process_messages(
    messages: Sequence[Message], ports: Ports, lifetime: TimeLeft, settle: Settle
) -> list[Verdict]:
    """Process messages; return their verdicts, in the same order.

    Args:
        messages: the messages of one invocation.
        ports: the use cases' ports.
        lifetime: the time of the invocation. The first message may use all of it.
        settle: called with each verdict as soon as it is known.
    """
    if len(messages) <= 1 or ports.side_by_side is None or any(message.group is not None for message in messages):
        return await _in_order(messages, ports, lifetime, settle)
    return await _side_by_side(messages, ports, lifetime, settle)


async def _in_order(messages: Sequence[Message], ports: Ports, lifetime: TimeLeft, settle: Settle) -> list[Verdict]:
    worker = Worker(ports)
    blocked: dict[str, Verdict] = {}
    verdicts: list[Verdict] = []
    for message in messages:
        verdict = blocked.get(message.group) if message.group is not None else None
        if verdict is None:
            verdict = await _process(worker, message, ports, lifetime)
            lifetime = replace(lifetime, used=True)
        if not verdict.done and message.group is not None:
            blocked[message.group] = verdict  # later messages of its group must not overtake it
        await settle(ports, message, verdict)
        verdicts.append(verdict)
    return verdicts


async def _side_by_side(messages: Sequence[Message], ports: Ports, lifetime: TimeLeft, settle: Settle) -> list[Verdict]:
    if ports.side_by_side is None:
        raise ValueError("these ports run jobs one after another")
    crew, shared = ports.side_by_side(ports)
    worker = Worker(shared)

    async def process(message: Message, lifetime: TimeLeft) -> Verdict:
        crew.hold(len(message.body))
        verdict = await _process(worker, message, shared, lifetime)
        if not verdict.later:
            await settle(shared, message, verdict)
        return verdict

    first = replace(lifetime, shared=lambda: crew.is_shared)
    others = replace(lifetime, used=True)
    lifetimes = [first, *[others] * (len(messages) - 1)]
    verdicts = await crew.run([partial(process, *pair) for pair in zip(messages, lifetimes, strict=True)])
    later = [number for number, verdict in enumerate(verdicts) if verdict.later]
    settled = await _in_order([messages[number] for number in later], ports, others, settle)
    for number, verdict in zip(later, settled, strict=True):
        verdicts[number] = verdict
    return verdicts


async def _process(worker: Worker, message: Message, ports: Ports, lifetime: TimeLeft) -> Verdict:
    try:
        return await worker.work(message, lifetime)
    except GeneratorExit:
        raise  # the coroutine itself is being closed
    except BaseException as error:  # a failure of one message must not affect the others
        ports.metrics.count("Faults")
        ports.log.exception(
            "A message failed unexpectedly; SQS delivers it again",
            extra={"message_id": message.id, "error": type(error).__name__},
        )
        return AGAIN
