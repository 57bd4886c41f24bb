"""Reads ``JOB.waiting``: whether a job is parked, and the reason and start of its wait."""

from __future__ import annotations

import json
from typing import Any, Final

from infra.jobs.records import JobRecord, JobSummary

_NOT_COUNTED: Final = "retry"
"""The waits that count against the job's own time."""


def parked(job: JobRecord | JobSummary) -> dict[str, Any] | None:
    """The wait of a parked job: ``{for, path, until, since, woken, …}``; ``None`` for a job that is not parked."""
    if job.waiting is None or job.status != "QUEUED":
        return None
    waiting: dict[str, Any] = json.loads(job.waiting)
    return waiting if "since" in waiting else None


def is_asleep(job: JobRecord, now: float) -> bool:
    """Whether a parked job has nothing to do yet: its wait is not over, and it was neither cancelled nor answered."""
    waiting = parked(job)
    if waiting is None or job.cancel or job.resume_at is None:
        return False
    return job.resume_at > now and job.woken == waiting["woken"]


def unparked(job: JobRecord, now: float) -> tuple[str | None, float]:
    """``waiting`` after a claim, and the seconds by which the claim moves ``ends_at``.

    The step at the cursor still needs ``until`` and the rest. ``since`` is removed, so that a claim after a crash does
    not count the same time again.
    """
    waiting = parked(job)
    if waiting is None:
        return job.waiting, 0.0
    since = float(waiting.pop("since"))
    counted = 0.0 if waiting["for"] == _NOT_COUNTED else max(0.0, now - since)
    return json.dumps(waiting, separators=(",", ":"), ensure_ascii=False), counted
