"""Recognises whether a refused conditional write was done by an earlier try whose reply was lost."""

from __future__ import annotations

from infra.jobs.records import JobRecord


def is_accepted(found: JobRecord, job: JobRecord) -> bool:
    """Whether `found` shows that the acceptance of `job` was done."""
    if (found.created_at, found.payload, found.run) != (job.created_at, job.payload, job.run):
        return False
    if not job.cursor:
        return (found.lease, found.status, found.cursor) == (job.lease, job.status, 0)
    kept = found.cursor >= job.cursor and found.lease_of(job.cursor - 1) == job.lease_of(job.cursor - 1)
    return kept and (job.lease is None or found.lease == job.lease)


def is_committed(found: JobRecord, held: JobRecord, after: JobRecord) -> bool:
    """Whether `found` shows that the commit from `held` to `after` was done, even if other writes followed."""
    if found.run != held.run:
        return False
    if after.cursor > held.cursor:
        # The range of records keeps our lease. Whether we still own the job matters unless we released it.
        kept = found.cursor >= after.cursor and found.lease_of(after.cursor - 1) == held.lease
        return kept and (after.lease is None or found.lease == held.lease)
    if after.lease is None:
        return (found.lease, found.fence, found.cursor) == (None, held.fence, after.cursor)
    return (found.lease, found.cursor) == (held.lease, after.cursor)


def is_as_held(found: JobRecord, held: JobRecord) -> bool:
    """Whether the job is unchanged since its owner's last write, except what others may set: ``cancel``, ``due``."""
    names = ("run", "lease", "cursor", "attempts")
    return all(getattr(found, name) == getattr(held, name) for name in names)


def is_cancelled(found: JobRecord, after: JobRecord) -> bool:
    """Whether `found` shows this cancel: no other cancel has the same time."""
    names = ("run", "cancel", "woken", "due")
    return all(getattr(found, name) == getattr(after, name) for name in names)
