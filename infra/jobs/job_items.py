"""The items JOB and PAYLOAD#…: their keys, and the conversion of records to items and back.

See ``docs/records.md`` for the layout. Empty attributes (``None``, and `_LEFT_OUT`) are left out: the JOB
item is written most often, and the cost of a write depends on the item's size. Attributes that this release does not
know are ignored, and survive its writes.
"""

from __future__ import annotations

import math
import zlib
from typing import Any, Final, cast

from infra.errors import NewerRecordError
from infra.jobs.records import VERSION, JobKey, JobRecord, JobSummary, PayloadRecord
from infra.table.items import Item, Value

JOB: Final = "JOB"
PAYLOAD: Final = "PAYLOAD#"
SIGNAL_OF: Final = "signal:"
"""The prefix of attributes that name the answers that count. Each answer has its own attribute, so that an answer to
one step and the record of another do not undo each other's writes."""
_SHARDS: Final = 32
FIRST_SHARDS: Final = tuple(f"a{number:02}" for number in range(_SHARDS))
"""Partitions of the index ``due`` for crashed, waiting and unpublished jobs: the sweep reads them first."""
QUEUED_SHARDS: Final = tuple(f"b{number:02}" for number in range(_SHARDS))
"""The partitions for jobs with a message in the queue. A partition takes 1,000 writes a second (DynamoDB's quota), and
every write of an unfinished job moves its entry."""

_ATTRIBUTES: Final = JobRecord._fields[1:]
_LEFT_OUT: Final = frozenset(
    {"lease_until", "leases", "started", "tries", "hand_overs", "cancel", "woken", "idle", "signals", "sweeps"}
)
"""Attributes that are left out if they are empty or 0."""


def partition(key: JobKey) -> str:
    """The partition key of everything about a job. No id holds a ``#``, so the last one ends the tenant's name."""
    return f"{key.tenant}#{key.job_id}"


def key_of(pk: str) -> JobKey:
    """The job that a partition key names."""
    tenant, _, job_id = pk.rpartition("#")
    return JobKey(tenant, job_id)


def shard(job: JobRecord) -> str:
    """The job's partition of the index ``due``: by its state, and spread evenly."""
    shards = QUEUED_SHARDS if job.status == "QUEUED" and job.waiting is None else FIRST_SHARDS
    return shards[zlib.crc32(partition(job.key).encode()) % _SHARDS]


def job_item(job: JobRecord) -> Item:
    """The JOB item. A field is the attribute of its name; those of other types than a table has come last."""
    item: dict[str, Any] = {
        name: value
        for name, value in zip(_ATTRIBUTES, job[1:], strict=True)
        if value or (value is not None and name not in _LEFT_OUT)
    }
    item["pk"], item["sk"] = partition(job.key), JOB
    item["tenant"], item["job_id"] = job.key.tenant, job.key.job_id
    if math.isinf(job.ends_at):
        del item["ends_at"]
    if job.leases:
        item["leases"] = list(map(list, job.leases))
    if job.idle:
        item["idle"] = list(map(list, job.idle))
    if job.signals:
        del item["signals"]
        item.update((SIGNAL_OF + path, random) for path, random in job.signals)
    if job.due is not None:
        item["shard"] = shard(job)
    return item


def changes(before: JobRecord, after: JobRecord) -> tuple[dict[str, Value], list[str]]:
    """The attributes to set and to remove so that the item of `before` becomes that of `after`.

    Equal attributes are not written: a ``cancel`` that another process sets meanwhile survives the owner's writes.
    """
    old, new = job_item(before), job_item(after)
    return {name: value for name, value in new.items() if old.get(name) != value}, [n for n in old if n not in new]


def job_record(item: Item) -> JobRecord:
    """The record of a JOB item.

    Raises:
        NewerRecordError: a later release wrote it.
    """
    version = _integer(item, "version", VERSION)
    if version > VERSION:
        raise NewerRecordError(f"The job {item['pk']} has records of version {version}; this release knows {VERSION}.")
    idle = cast("list[list[Any]]", item.get("idle") or [])
    signals = sorted((name, str(item[name])) for name in item if name.startswith(SIGNAL_OF))
    leases = cast("list[list[Any]]", item.get("leases") or [])
    return JobRecord(
        key=JobKey(_text(item, "tenant"), _text(item, "job_id")),
        name=_text_or_none(item, "name"),
        status=cast("Any", item["status"]),
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
        last_error=_text_or_none(item, "last_error"),
        timeout_at=_number_or_none(item, "timeout_at"),
        resume_at=_number_or_none(item, "resume_at"),
        hand_overs=_integer(item, "hand_overs"),
        run=_integer(item, "run", 1),
        cancel=bool(item.get("cancel")),
        woken=_integer(item, "woken"),
        waiting=_text_or_none(item, "waiting"),
        idle=tuple((float(ended), float(redriven)) for ended, redriven in idle),
        signals=tuple((name.removeprefix(SIGNAL_OF), random) for name, random in signals),
        sender=_text_or_none(item, "sender"),
        redriven_by=_text_or_none(item, "redriven_by"),
        secret=_text_or_none(item, "secret"),
        version=version,
        workflow=_text_or_none(item, "workflow"),
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


def job_summary(item: Item) -> JobSummary:
    """A job as the index ``by-tenant`` shows it."""
    return JobSummary(
        key=key_of(_text(item, "pk")),
        name=_text_or_none(item, "name"),
        status=cast("Any", item["status"]),
        run=_integer(item, "run", 1),
        workflow=_text_or_none(item, "workflow"),
        waiting=_text_or_none(item, "waiting"),
        created_at=_number(item, "created_at"),
        started_at=_number_or_none(item, "started_at"),
        finished_at=_number_or_none(item, "finished_at"),
        failed_step=_text_or_none(item, "failed_step"),
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
