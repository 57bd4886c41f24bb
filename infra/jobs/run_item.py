"""The item RUN#<number>: the end of an earlier run of a job. JOB has only the current run."""

from __future__ import annotations

from typing import Final, NamedTuple, cast

from infra.jobs.job_items import partition
from infra.jobs.records import JobKey, JobRecord, JobStatus
from infra.table.items import Item

RUN: Final = "RUN#"
LAST: Final = RUN + "~"
"""Sorts after every such key."""
_DIGITS: Final = 5


class RunRecord(NamedTuple):
    """The end of one run of a job, or the run's current state."""

    key: JobKey
    run: int
    status: JobStatus
    started_at: float | None
    """The time of the first claim, or, for a later run, of the redrive."""
    finished_at: float | None
    failed_step: str | None
    """JSON, as in `JobRecord.failed_step`."""
    expires_at: int


def current_run(job: JobRecord) -> RunRecord:
    """The current run of the job."""
    began = job.idle[-1][1] if job.run > 1 and job.idle else job.started_at
    return RunRecord(job.key, job.run, job.status, began, job.finished_at, job.failed_step, job.expires_at)


def run_item(record: RunRecord) -> Item:
    """The item of an ended run. It never changes, so putting it twice has no further effect."""
    item: Item = {
        "pk": partition(record.key),
        "sk": RUN + str(record.run).zfill(_DIGITS),
        "run": record.run,
        "status": record.status,
        "started_at": record.started_at,
        "finished_at": record.finished_at,
        "failed_step": record.failed_step,
        "expires_at": record.expires_at,
    }
    return {name: value for name, value in item.items() if value is not None}


def run_record(key: JobKey, item: Item) -> RunRecord:
    """The run of such an item."""
    return RunRecord(
        key=key,
        run=int(cast("float", item["run"])),
        status=cast("JobStatus", item["status"]),
        started_at=cast("float | None", item.get("started_at")),
        finished_at=cast("float | None", item.get("finished_at")),
        failed_step=cast("str | None", item.get("failed_step")),
        expires_at=int(cast("float", item["expires_at"])),
    )
