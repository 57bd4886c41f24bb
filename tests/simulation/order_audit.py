"""The rule of a FIFO queue: within a group, a job waits for earlier jobs, unless these are parked themselves."""

from __future__ import annotations

from collections.abc import Callable

from infra.jobs.parking import parked
from infra.jobs.records import JobKey, JobRecord

AT_ONCE = 60.0
"""Seconds within which a released group continues."""
LONG = 60.0
"""Seconds of a wait from which on other jobs may always overtake."""


class OrderAudit:
    """The judge of the groups of a queue.

    Args:
        note: records a violation.
        now: the true time.
        applies: whether nothing is lost, so that the order must hold.
    """

    def __init__(self, note: Callable[[str], object], now: Callable[[], float], *, applies: bool) -> None:
        self._note = note
        self._now = now
        self._applies = applies
        self._groups: dict[str, list[JobKey]] = {}
        self._sent: dict[JobKey, float] = {}
        self._free: dict[JobKey, float] = {}
        self._received: dict[JobKey, float] = {}

    def sent(self, group: str, key: JobKey) -> None:
        """A job was sent."""
        self._groups.setdefault(group, []).append(key)
        self._sent[key] = self._now()

    def received(self, key: JobKey) -> None:
        """A message of a job was received."""
        self._received.setdefault(key, self._now())

    def watch(self, job: JobRecord) -> None:
        """A job that has ended or parks releases its group."""
        waiting = parked(job)
        waits = waiting is not None and waiting["for"] != "retry" and waiting["until"] - self._now() > LONG
        if job.finished or (waiting is not None and waiting["for"] != "retry"):
            self._free.setdefault(job.key, self._now() if job.finished or waits else float("inf"))
        if job.finished:
            self._free[job.key] = min(self._free[job.key], self._now())

    def began(self, key: JobKey) -> None:
        """A block of a job begins."""
        if not self._applies:
            return
        for earlier in self._before(key):
            if earlier not in self._free:
                self._note(f"OVERTAKEN: {key.job_id} began before {earlier.job_id}, which was sent first")

    def close(self) -> None:
        """Judge how long each job waited for its turn."""
        for keys in self._groups.values() if self._applies else ():
            for key in keys:
                free = [self._free.get(earlier, float("inf")) for earlier in self._before(key)]
                turn = max([self._sent[key], *free])
                if self._received.get(key, 0.0) > turn + AT_ONCE:
                    self._note(f"HELD: the turn of {key.job_id} was at {turn}, but it came at {self._received[key]}")

    def _before(self, key: JobKey) -> list[JobKey]:
        for keys in self._groups.values():
            if key in keys:
                return keys[: keys.index(key)]
        return []
