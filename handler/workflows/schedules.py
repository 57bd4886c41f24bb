"""The use cases of schedules: store, read, list and delete.

The table and EventBridge Scheduler cannot be written in one step. A new schedule is stored in the table first, and a
firing counts only if the table has its schedule. A schedule is deleted at EventBridge first. Then the writer checks
whether another writer was faster; if so, it copies the table's current state to EventBridge.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from handler.caller import Caller
from handler.errors import InvalidRequestError, NotFoundError, UnavailableError
from handler.payload.body import read_object
from handler.payload.limits import limits_of
from handler.payload.parse import PayloadLimits
from handler.ports import Ports
from handler.workflows.author import Author
from handler.workflows.paging import check_space, read_page
from handler.workflows.schedule import Schedule, read_schedule
from handler.workflows.start import merge_parameters
from handler.workflows.timing import Interval, Once, next_times
from handler.workflows.workflows import TRIES, Workflows, require_workflow
from infra.messaging.scheduler import Timetable
from infra.table.documents import Document


class Schedules:
    """The schedules of all tenants.

    Every method raises `UnavailableError` when AWS fails, and sees only the schedules of the caller's tenant.

    Args:
        ports: the use cases' ports.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def put(self, caller: Caller, schedule_id: str, body: bytes) -> tuple[bool, dict[str, Any]]:
        """Create or replace the schedule of that id; its jobs have the caller's rights.

        Returns:
            Whether the id is new, and the schedule.

        Raises:
            InvalidPayloadError, InvalidRequestError: the body is not valid.
            ConflictError: the tenant has reached its limit of schedules.
        """
        ports, now = self._ports, self._ports.now()
        limits = limits_of(caller, ports.settings)
        wanted = read_schedule(read_object(body, limits), schedule_id, Author.of(caller), now)
        with ports.served("schedules"):
            await self._check_workflow(caller, wanted, limits)
            for _ in range(TRIES):
                before = await ports.documents.read(caller.tenant, "schedule", schedule_id)
                if before is None:
                    await check_space(ports, caller.tenant, "schedule", ports.settings.max_schedules)
                schedule = _continued(wanted, Schedule.decode(before) if before is not None else None, now)
                document = Document(
                    tenant=caller.tenant,
                    kind="schedule",
                    name=schedule_id,
                    body=schedule.encode(),
                    stamp=ports.token(),
                    created=before.created if before is not None else now,
                    updated=now,
                )
                if await ports.documents.write(document, before):
                    await self._apply(document)
                    return before is None, schedule.view(now)
        raise _contended()

    async def _check_workflow(self, caller: Caller, schedule: Schedule, limits: PayloadLimits) -> None:
        try:
            _, _, definition = await Workflows(self._ports).find(caller.tenant, schedule.workflow, None)
        except NotFoundError as error:
            raise require_workflow("/workflow", error) from None
        merge_parameters(definition, schedule.parameters, limits)

    async def _apply(self, document: Document) -> None:
        """Copy the table's state of a schedule to EventBridge."""
        ports = self._ports
        for _ in range(TRIES):
            timetable = _timetable(Schedule.decode(document), ports.now())
            await ports.scheduler.put(document.tenant, document.name, timetable)
            stored = await ports.documents.read(document.tenant, "schedule", document.name)
            if stored is None:
                await ports.scheduler.delete(document.tenant, document.name)
                return
            if stored.stamp == document.stamp:
                return
            document = stored
        raise _contended()

    async def get(self, caller: Caller, schedule_id: str) -> dict[str, Any]:
        """A schedule with its next times.

        Raises:
            NotFoundError: there is no schedule with this id.
        """
        with self._ports.served("schedules"):
            return Schedule.decode(await self._find(caller, schedule_id)).view(self._ports.now())

    async def list(self, caller: Caller, *, limit: int, cursor: str | None) -> dict[str, Any]:
        """A page of the tenant's schedules by id.

        Raises:
            InvalidRequestError: the limit or the cursor is not valid.
        """
        with self._ports.served("schedules"):
            page, more = await read_page(self._ports, caller.tenant, "schedule", limit=limit, cursor=cursor)
        now = self._ports.now()
        return {"schedules": [Schedule.decode(found).view(now) for found in page], "cursor": more}

    async def delete(self, caller: Caller, schedule_id: str) -> None:
        """Delete a schedule. Jobs that it started continue; a firing that is still in the queue is dropped.

        Raises:
            NotFoundError: there is no schedule with this id.
        """
        ports = self._ports
        with ports.served("schedules"):
            for _ in range(TRIES):
                found = await self._find(caller, schedule_id)
                await ports.scheduler.delete(caller.tenant, schedule_id)
                if await ports.documents.delete(found):
                    await ports.documents.give_up(caller.tenant, "schedule-firings", [schedule_id], ports.now())
                    return
        raise _contended()

    async def _find(self, caller: Caller, schedule_id: str) -> Document:
        found = await self._ports.documents.read(caller.tenant, "schedule", schedule_id)
        if found is None:
            raise NotFoundError(f"There is no schedule {schedule_id!r}.")
        return found


_EARLY: Final = 60
"""The shortest time until a first firing, in seconds: EventBridge rejects a start in the past."""


def _continued(wanted: Schedule, before: Schedule | None, now: float) -> Schedule:
    """The schedule to store. If the interval is unchanged, its times stay those of the replaced schedule.

    Raises:
        InvalidRequestError: the only time is in the past and differs from that of the replaced schedule.
    """
    same = before is not None and (before.kind, before.when) == (wanted.kind, wanted.when)
    timing = wanted.timing
    if isinstance(timing, Interval):
        return replace(wanted, start=before.start if before is not None and same else float(int(now) + timing.seconds))
    if isinstance(timing, Once) and wanted.enabled and timing.at <= now and not same:
        raise InvalidRequestError("/at", "This time is in the past; choose one in the future.")
    return wanted


def _timetable(schedule: Schedule, now: float) -> Timetable:
    timing = schedule.timing
    start = None
    if isinstance(timing, Interval):
        start = next_times(timing, now + _EARLY, 1)[0] if timing.start < now else timing.start
    over = isinstance(timing, Once) and timing.at <= now
    return Timetable(
        expression=timing.expression,
        timezone="UTC" if isinstance(timing, Once) else schedule.timezone,
        start=start,
        enabled=schedule.enabled and not over,
    )


def _contended() -> UnavailableError:
    return UnavailableError("Other requests are writing this schedule; send it again.", retry_after=1)
