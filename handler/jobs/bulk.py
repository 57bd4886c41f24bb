"""Cancelling and redriving many jobs in one request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from handler.caller import Caller
from handler.errors import ConduitError, InvalidRequestError
from handler.invocation.time_left import TimeLeft
from handler.jobs.cursor import encode_cursor
from handler.jobs.listing import JobFilter, find_jobs
from handler.jobs.room import find_room
from handler.jobs.service import Jobs
from handler.ports import Ports
from infra.jobs.jobs_index import Place
from infra.jobs.records import REDRIVABLE, UNFINISHED

What = Literal["cancel", "redrive"]
TAKEN: Final[dict[What, tuple[str, ...]]] = {"cancel": UNFINISHED, "redrive": REDRIVABLE}
"""The statuses of jobs to which each change applies."""


@dataclass(slots=True)
class Outcome:
    """The result of one request."""

    done: list[str] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)


class Bulk:
    """Changes of many jobs.

    Args:
        jobs: the use cases of one job.
        ports: the use cases' ports.
    """

    def __init__(self, jobs: Jobs, ports: Ports) -> None:
        self._jobs = jobs
        self._ports = ports

    async def change(
        self, what: What, caller: Caller, wanted: JobFilter, *, limit: int, cursor: str | None, lifetime: TimeLeft
    ) -> dict[str, Any]:
        """Cancel or redrive the requested jobs, newest first; return ``{done, skipped, cursor}``.

        A job that cannot be changed is skipped, with the reason. If the invocation's time runs out first, the
        cursor lets the next request continue.

        Args:
            what: the change.
            caller: who sent the request; only this tenant's jobs are read.
            wanted: the filter of jobs; the change must be possible in its status.
            limit: the largest number of jobs, from 1 to 100.
            cursor: where the previous request ended.
            lifetime: the time of this invocation.

        Raises:
            InvalidRequestError: the change is not possible in the filter's status; or see `find_jobs`.
            UnavailableError: AWS failed before anything was changed.
        """
        if wanted.status not in TAKEN[what]:
            raise InvalidRequestError(
                "/status", f"To {what} jobs in bulk, name the status {' or '.join(TAKEN[what])}, not {wanted.status}."
            )
        with self._ports.served(f"bulk_{what}"):
            found, place = await find_jobs(self._ports, caller, wanted, limit=limit, cursor=cursor)
            change = await self._change(what, caller)
        outcome = Outcome()
        for at, job in enumerate(found):
            if at and not lifetime.has_time(self._ports.now(), self._ports.settings.reserve):
                place = Place(found[at - 1].key.job_id, found[at - 1].created_at)
                break
            try:
                await change(job.key.job_id)
                outcome.done.append(job.key.job_id)
            except ConduitError as error:
                outcome.skipped.append({"id": job.key.job_id, "why": str(error)})
        return {
            "done": outcome.done,
            "skipped": outcome.skipped,
            "cursor": None if place is None else encode_cursor(place),
        }

    async def _change(self, what: What, caller: Caller) -> Callable[[str], Awaitable[None]]:
        """Change one job."""
        if what == "cancel":

            async def cancel(job_id: str) -> None:
                await self._jobs.ask_to_end(caller, job_id)

            return cancel
        room = await find_room(self._ports, caller)

        async def redrive(job_id: str) -> None:
            room.check()
            await self._jobs.redrive_failed(caller, job_id)
            room.take()

        return redrive
