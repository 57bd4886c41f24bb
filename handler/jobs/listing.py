"""Lists a tenant's jobs, newest first, with filters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from handler.caller import Caller
from handler.errors import InvalidRequestError
from handler.jobs.cursor import decode_cursor, encode_cursor
from handler.jobs.view import summary
from handler.payload.values import ID_PATTERN, MAX_NAME
from handler.ports import Ports
from infra.jobs.jobs_index import Place
from infra.jobs.records import JOB_STATUSES, JobSummary

PAGE: Final = 100
"""Jobs in one read of the list."""
PAGES: Final = 10
"""The most reads of one request: after these, a page is returned with a cursor even if it has few jobs."""
STATUSES: Final = JOB_STATUSES
"""The statuses of jobs."""
WAITS: Final = ("time", "answer", "retry")
"""The kinds of waits of a parked job."""
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)

FILTERS: Final = ("status", "name", "workflow", "waiting", "created_after", "created_before")
"""The query parameters that filter jobs."""


@dataclass(frozen=True, slots=True)
class JobFilter:
    """A filter of jobs; an attribute that is ``None`` accepts all jobs.

    Attributes:
        status: the status.
        name: the beginning of the name, case-sensitive.
        workflow: the name of the stored workflow.
        waiting: the kind of the job's wait.
        created_after: the earliest time of creation, in seconds since 1970.
        created_before: jobs must have been created before this time.
    """

    status: str | None = None
    name: str | None = None
    workflow: str | None = None
    waiting: str | None = None
    created_after: float | None = None
    created_before: float | None = None

    @property
    def chooses(self) -> bool:
        """Whether the filter excludes any jobs."""
        return any(
            value is not None for value in (self.status, self.name, self.workflow, self.waiting, self.created_after)
        )

    def takes(self, job: Mapping[str, Any], created_at: float) -> bool:
        """Whether the filter accepts a job of a list."""
        workflow, waiting = job["workflow"], job["waiting"]
        return (
            (self.status is None or job["status"] == self.status)
            and (self.name is None or (job["name"] or "").startswith(self.name))
            and (self.workflow is None or (workflow is not None and workflow["name"] == self.workflow))
            and (self.waiting is None or (waiting is not None and waiting["for"] == self.waiting))
            and (self.created_after is None or created_at >= self.created_after)
            and (self.created_before is None or created_at < self.created_before)
        )


EVERY_JOB: Final = JobFilter()


def read_filter(given: Mapping[str, str | None]) -> JobFilter:
    """Read a filter from query parameters.

    Raises:
        InvalidRequestError: a parameter has an invalid value.
    """
    status, waiting = given.get("status"), given.get("waiting")
    if status is not None and status not in STATUSES:
        raise InvalidRequestError("/status", f"A status must be one of {', '.join(STATUSES)}.")
    if waiting is not None and waiting not in WAITS:
        raise InvalidRequestError("/waiting", f"Jobs can wait for one of {', '.join(WAITS)}.")
    name, workflow = given.get("name"), given.get("workflow")
    if name is not None and len(name) > MAX_NAME:
        raise InvalidRequestError("/name", f"A name has at most {MAX_NAME} characters.")
    if workflow is not None and not re.fullmatch(ID_PATTERN, workflow):
        raise InvalidRequestError("/workflow", "A workflow's name has 1 to 64 of the characters A-Z a-z 0-9 _ -.")
    after, before = (_time_of(given, key) for key in ("created_after", "created_before"))
    return JobFilter(status, name, workflow, waiting, after, before)


def _time_of(given: Mapping[str, str | None], key: str) -> float | None:
    text = given.get(key)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.upper()) if _TIME.fullmatch(text) else None
        return moment.astimezone(UTC).timestamp() if moment is not None else _refuse(key)
    except (ValueError, OverflowError):
        return _refuse(key)


def _refuse(key: str) -> float:
    raise InvalidRequestError(f"/{key}", "A time must look like 2026-11-26T09:00:00Z (RFC 3339).")


async def list_jobs(
    ports: Ports, caller: Caller, wanted: JobFilter, *, limit: int, cursor: str | None
) -> dict[str, Any]:
    """The tenant's jobs, newest first, without their steps. Raises the errors of `find_jobs`."""
    found, place = await find_jobs(ports, caller, wanted, limit=limit, cursor=cursor)
    return {"jobs": [summary(job) for job in found], "cursor": None if place is None else encode_cursor(place)}


async def find_jobs(
    ports: Ports, caller: Caller, wanted: JobFilter, *, limit: int, cursor: str | None
) -> tuple[list[JobSummary], Place | None]:
    """The tenant's jobs, newest first, and the place where the list continues (``None`` at its end).

    A page of a filtered list may have fewer than `limit` jobs, even none, and still not be the last.

    Raises:
        InvalidRequestError: the limit is not from 1 to 100, or the cursor is not valid.
        InfraError: AWS failed.
    """
    if not 1 <= limit <= PAGE:
        raise InvalidRequestError("/limit", f"A limit must be a whole number from 1 to {PAGE}.")
    place = decode_cursor(cursor) if cursor is not None else None
    if place is None and wanted.created_before is not None:
        place = Place("", wanted.created_before)  # no job has this id: the list has only earlier ones
    found: list[JobSummary] = []
    more = True
    for _ in range(PAGES):
        jobs, more = await ports.table.index.list_jobs(
            caller.tenant, limit=PAGE if wanted.chooses else limit, after=place
        )
        for job in jobs:
            if wanted.created_after is not None and job.created_at < wanted.created_after:
                return found, None  # all later jobs are older
            place = Place(job.key.job_id, job.created_at)
            if job.expires_at >= ports.now() and wanted.takes(summary(job), job.created_at):
                found.append(job)
            if len(found) == limit:
                more = more or job is not jobs[-1]
                break
        if len(found) == limit or not more:
            break
    return found, place if more else None
