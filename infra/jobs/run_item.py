"""The item RUN#<number>: how an earlier run of a job ended. JOB has only the current run."""

from __future__ import annotations

from typing import Final, NamedTuple, cast

from infra.jobs.job_items import partition
from infra.jobs.records import JobKey, JobRecord, JobStatus
from infra.table.items import Item

RUN: Final = "RUN#"
LAST: Final = RUN + "~"
"""Follows every such key."""
_DIGITS: Final = 5


class RunRecord(NamedTuple):
    """How one run of a job ended, or its state now."""

    key: JobKey
    run: int
    status: JobStatus
    started_at: float | None
    """When its first claim was made; of a later run, when the job was redriven."""
    finished_at: float | None
    failed_step: str | None
    """JSON, as in `JobRecord.failed_step`."""
    expires_at: int


def current_run(job: JobRecord) -> RunRecord:
    """The run that the job is in."""
    began = job.idle[-1][1] if job.run > 1 and job.idle else job.started_at
    return RunRecord(job.key, job.run, job.status, began, job.finished_at, job.failed_step, job.expires_at)


def run_item(record: RunRecord) -> Item:
    """The item of a run that ended. It never changes, so putting it twice changes nothing."""
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
