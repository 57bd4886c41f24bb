"""Messages of the queue, their verdicts, and their ends: publication of pending updates, or rejection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from handler.ports import Ports
from handler.recording.ownership import OUTBOX_SECONDS
from handler.recording.publisher import Publisher
from infra.errors import InfraError
from infra.jobs.jobs_table import Refused
from infra.jobs.records import JobRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One received message.

    Attributes:
        id: its id at the queue.
        body: its body.
        receipt: the queue's handle for this receipt.
        receives: how often it was received, this time included.
        group: its group in a FIFO queue.
    """

    id: str
    body: str
    receipt: str = ""
    receives: int = 1
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of processing a message.

    Attributes:
        done: whether to acknowledge it; otherwise it is delivered again.
        wait: seconds until it should be delivered again; ``None`` leaves that to the queue.
        later: whether to process it again, alone, after the other jobs of its batch have ended.
    """

    done: bool
    wait: float | None = None
    later: bool = False


DONE: Final = Verdict(done=True)
AGAIN: Final = Verdict(done=False)
LATER: Final = Verdict(done=False, later=True)


class Closing:
    """Ends messages: decides whether they are acknowledged or delivered again.

    Args:
        ports: the use cases' ports.
        publisher: publishes the jobs' updates.
    """

    def __init__(self, ports: Ports, publisher: Publisher) -> None:
        self._ports = ports
        self._publisher = publisher

    async def finish(self, job: JobRecord, message: Message) -> Verdict:
        """End the message of a finished job: publish the job's pending updates."""
        ports = self._ports
        if message.receives > 1 and job.due is None and not job.all_published:
            # This message may be near its last receive, so `due` must also cover the pending updates.
            answer = await ports.table.set_due(job, ports.now() + OUTBOX_SECONDS)
            if isinstance(answer, Refused):
                return AGAIN
            job = answer.job
        job = await self._publisher.settle(job)
        return DONE if job.all_published or job.due is not None else await self.deliver_again(job)

    async def deliver_again(self, job: JobRecord) -> Verdict:
        """The bus failed for a job that only this message covers: have it delivered again, and also set `due`."""
        await self._ports.table.set_due(job, self._ports.now() + OUTBOX_SECONDS)
        return AGAIN

    async def reject(self, message: Message, problem: str, codes: Iterable[str]) -> Verdict:
        """Send a message to the dead-letter queue at once: receiving it again would not help.

        Args:
            message: the message.
            problem: why it can never succeed. It may quote the message, so it is sent with the message and not logged.
            codes: the codes of the problems, for the log.
        """
        try:
            await self._ports.queue.reject(
                message.body, problem, group=message.group or message.id, deduplication=message.id
            )
        except InfraError as error:
            return self.failed(message, error)
        self._ports.metrics.count("Rejected")
        said = {"message_id": message.id, "codes": ", ".join(dict.fromkeys(codes))}
        if self._ports.settings.log_payloads:
            said["problem"] = problem[:500]
        self._ports.log.warning("A message can never succeed", extra=said)
        return DONE

    def failed(self, message: Message, error: InfraError) -> Verdict:
        self._ports.log_failure(
            "queue", "An AWS call failed for a message; SQS delivers it again", error, message_id=message.id
        )
        return AGAIN
