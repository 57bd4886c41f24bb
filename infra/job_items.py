"""How records stand in the table: the keys, and each record as an item and back.

See ``docs/records.md`` for the layout. An attribute that says nothing (``None``, ``False``, an empty list) is left out:
the JOB item is written most often, and a write costs by the size of the item.
"""

from __future__ import annotations

import math
import zlib
from typing import Any, Final, cast

from infra.items import Item, Value
from infra.records import JobKey, JobRecord, PayloadRecord, StepRecord

JOB: Final = "JOB"
PAYLOAD: Final = "PAYLOAD#"
STEP: Final = "STEP#"
SHARDS: Final = tuple(str(number) for number in range(4))
"""Partitions of the index ``due``: every write of an unfinished job moves its entry there, and one partition takes
1,000 such writes a second (DynamoDB's quota)."""
_POSITION_DIGITS: Final = 5


def partition(key: JobKey) -> str:
    """The partition key of everything about a job. No id holds a ``#``, so the last one ends the tenant's name."""
    return f"{key.tenant}#{key.job_id}"


def shard(key: JobKey) -> str:
    """In which partition of the index ``due`` a job stands: steady, and spread evenly."""
    return SHARDS[zlib.crc32(partition(key).encode()) % len(SHARDS)]


def step_key(index: int, lease: str) -> str:
    """The sort key of the record of a step: positions sort as numbers do."""
    return f"{STEP}{str(index + 1).zfill(_POSITION_DIGITS)}#{lease}"


def job_item(job: JobRecord) -> Item:
    """The JOB item."""
    item: Item = {
        "pk": partition(job.key),
        "sk": JOB,
        "tenant": job.key.tenant,
        "job_id": job.key.job_id,
        "name": job.name,
        "workflow": job.workflow,
        "status": job.status,
        "steps": job.steps,
        "payload": job.payload,
        "payload_hash": job.payload_hash,
        "created_at": job.created_at,
        "expires_at": job.expires_at,
        "ends_at": None if math.isinf(job.ends_at) else job.ends_at,
        "cursor": job.cursor,
        "published": job.published,
        "fence": job.fence,
        "lease": job.lease,
        "lease_until": job.lease_until or None,
        "leases": [[first, lease] for first, lease in job.leases] or None,
        "attempts": job.attempts,
        "started": job.started or None,
        "tries": job.tries or None,
        "resume_at": job.resume_at,
        "hand_overs": job.hand_overs or None,
        "run": job.run,
        "cancel": job.cancel or None,
        "due": job.due,
        "shard": shard(job.key),
        "sweeps": job.sweeps or None,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "failed_step": job.failed_step,
    }
    return {name: value for name, value in item.items() if value is not None}


def changes(before: JobRecord, after: JobRecord) -> tuple[dict[str, Value], list[str]]:
    """What to set and what to remove so that the item of `before` becomes that of `after`.

    What is the same in both is left alone: a ``cancel`` that somebody sets while the job is held survives its owner's
    writes.
    """
    old, new = job_item(before), job_item(after)
    return {name: value for name, value in new.items() if old.get(name) != value}, [n for n in old if n not in new]


def job_record(item: Item) -> JobRecord:
    """The record of a JOB item."""
    leases = cast("list[list[Any]]", item.get("leases") or [])
    return JobRecord(
        key=JobKey(_text(item, "tenant"), _text(item, "job_id")),
        name=_text_or_none(item, "name"),
        workflow=_text_or_none(item, "workflow"),
        status=cast("Any", item["status"]),
        steps=_integer(item, "steps"),
        payload=_text(item, "payload"),
        payload_hash=_text(item, "payload_hash"),
        created_at=_number(item, "created_at"),
        expires_at=_integer(item, "expires_at"),
        ends_at=_number(item, "ends_at", math.inf),
        cursor=_integer(item, "cursor"),
        published=_integer(item, "published"),
        fence=_integer(item, "fence"),
        lease=_text_or_none(item, "lease"),
        lease_until=_number(item, "lease_until"),
        leases=tuple((int(first), str(lease)) for first, lease in leases),
        attempts=_integer(item, "attempts"),
        started=bool(item.get("started")),
        tries=_integer(item, "tries"),
        resume_at=_number_or_none(item, "resume_at"),
        hand_overs=_integer(item, "hand_overs"),
        run=_integer(item, "run", 1),
        cancel=bool(item.get("cancel")),
        due=_number_or_none(item, "due"),
        sweeps=_integer(item, "sweeps"),
        started_at=_number_or_none(item, "started_at"),
        finished_at=_number_or_none(item, "finished_at"),
        failed_step=_text_or_none(item, "failed_step"),
    )


def payload_item(record: PayloadRecord) -> Item:
    """A PAYLOAD item."""
    return {
        "pk": partition(record.key),
        "sk": PAYLOAD + record.hash,
        "payload": record.payload,
        "rights": record.rights,
        "expires_at": record.expires_at,
    }


def payload_record(key: JobKey, item: Item) -> PayloadRecord:
    """The record of a PAYLOAD item of that job."""
    return PayloadRecord(
        key=key,
        hash=_text(item, "sk").removeprefix(PAYLOAD),
        payload=_text(item, "payload"),
        rights=_text(item, "rights"),
        expires_at=_integer(item, "expires_at"),
    )


def step_record(key: JobKey, item: Item) -> StepRecord:
    """The record of a STEP item of that job."""
    return StepRecord(
        key=key,
        index=_integer(item, "position") - 1,
        lease=_text(item, "sk").split("#", 2)[2],
        step_id=_text(item, "id"),
        action=_text_or_none(item, "action") or "",
        status=_text(item, "status"),
        status_value=_integer(item, "status_value"),
        result=_text_or_none(item, "result"),
        error=_text_or_none(item, "error"),
        attempts=_integer(item, "attempts"),
        started_at=_number_or_none(item, "started_at"),
        finished_at=_number_or_none(item, "finished_at"),
        duration_ms=_number_or_none(item, "duration_ms"),
        variables=_text_or_none(item, "variables"),
        expires_at=_integer(item, "expires_at"),
    )


def _text(item: Item, name: str) -> str:
    return cast("str", item[name])


def _text_or_none(item: Item, name: str) -> str | None:
    return cast("str | None", item.get(name))


def _integer(item: Item, name: str, default: int = 0) -> int:
    return int(cast("float", item.get(name, default)))


def _number(item: Item, name: str, default: float = 0.0) -> float:
    return float(cast("float", item.get(name, default)))


def _number_or_none(item: Item, name: str) -> float | None:
    value = item.get(name)
    return None if value is None else float(cast("float", value))
