"""The item STEPS#<position>#<lease>: the records of one commit, as readable JSON.

Redundant fields are left out, since the cost of a write depends on the item's size: a record's number follows from its
place; the defaults are the id for ``path``, DONE for ``status``, and 1 for ``attempts`` of a step that ran. A step
ended ``duration_ms`` after ``started_at``.

See docs/decisions/018-records-and-parks.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring as quote
from typing import Any, Final, cast

from infra.jobs.job_items import partition
from infra.jobs.records import JobKey, JobRecord, StepRecord
from infra.table.items import Item

STEPS: Final = "STEPS#"
ITEM_BYTES: Final = 100 * 1024
"""The largest total of records in one item, in bytes; a larger record gets its own item."""
LAST: Final = "~"
"""Sorts after every lease."""
DONE: Final = "DONE"
"""The status that a record leaves out."""
_POSITION_DIGITS: Final = 5
_MICROSECONDS: Final = 1_000_000
_decode: Final = json.JSONDecoder().raw_decode


def steps_key(index: int, lease: str) -> str:
    """The sort key of the item whose first record has that index. Keys sort like the numbers of their positions."""
    return f"{STEPS}{str(index + 1).zfill(_POSITION_DIGITS)}#{lease}"


def steps_items(records: Sequence[StepRecord]) -> list[Item]:
    """The items of consecutive records that one claim wrote for one job."""
    items: list[Item] = []
    texts: list[str] = []
    size = first = 0
    for at, record in enumerate(records):
        text = record_text(record)
        weight = len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))
        if texts and size + weight > ITEM_BYTES:
            items.append(_item(records[first], texts))
            texts, size, first = [], 0, at
        texts.append(text)
        size += weight + 1
    if texts:
        items.append(_item(records[first], texts))
    return items


def _item(first: StepRecord, texts: Sequence[str]) -> Item:
    return {
        "pk": partition(first.key),
        "sk": steps_key(first.index, first.lease),
        "records": f"[{','.join(texts)}]",
        "expires_at": first.expires_at,
    }


def record_text(record: StepRecord) -> str:
    """One record as JSON. Results, errors and variables are JSON already and are inserted unchanged.

    The JSON is written by hand: `json.dumps` would take 13 % more CPU of a job of 100 steps.
    """
    path, began, ended = record.path, record.started_at, record.finished_at
    text = f'{{"id":{quote(record.step_id)}'
    if path != record.step_id:
        text += f',"path":{quote(path)}'
    if record.phase != "step":
        text += f',"phase":"{record.phase}"'
    text += f',"action":{quote(record.action)}'
    if record.status != DONE:
        text += f',"status":"{record.status}"'
    if record.status_value:
        text += f',"value":{record.status_value}'
    if record.attempts != (began is not None):
        text += f',"attempts":{record.attempts}'
    if began is not None:
        text += f',"started_at":{began!r}'
        if record.duration_ms is not None:
            text += f',"duration_ms":{record.duration_ms!r}'
            ended = None
    if ended is not None:
        text += f',"finished_at":{ended!r}'
    if record.result is not None:
        text += f',"result":{record.result}'
    if record.error is not None:
        text += f',"error":{record.error}'
    if record.variables is not None:
        text += f',"variables":{record.variables}'
    if record.opened is not None:
        text += f',"opened":{record.opened}'
    return text + "}"


def step_records(key: JobKey, item: Item) -> list[StepRecord]:
    """The records of an item, in order, whether they count or not."""
    _, position, lease = cast("str", item["sk"]).split("#", 2)
    expires_at = int(cast("float", item["expires_at"]))
    objects = _objects(cast("str", item["records"]))
    return [
        _record(key, index, lease, expires_at, fields) for index, fields in enumerate(objects, start=int(position) - 1)
    ]


def counting(job: JobRecord, records: Sequence[StepRecord]) -> list[StepRecord]:
    """The records that count: those before the cursor that have the lease of their range."""
    return [record for record in records if record.index < job.cursor and record.lease == job.lease_of(record.index)]


def _record(key: JobKey, index: int, lease: str, expires_at: int, fields: dict[str, tuple[Any, str]]) -> StepRecord:
    def value(name: str, default: Any = None) -> Any:
        return fields[name][0] if name in fields else default

    def text(name: str) -> str | None:
        return fields[name][1] if name in fields else None

    began, ended, took = value("started_at"), value("finished_at"), value("duration_ms")
    if began is not None and took is not None:
        ended = (round(began * _MICROSECONDS) + round(took * 1000)) / _MICROSECONDS
    return StepRecord(
        key=key,
        index=index,
        lease=lease,
        step_id=value("id"),
        path=value("path", value("id")),
        action=value("action"),
        status=value("status", DONE),
        status_value=value("value", 0),
        result=text("result"),
        error=text("error"),
        attempts=value("attempts", int(began is not None)),
        started_at=began,
        finished_at=ended,
        duration_ms=took,
        variables=text("variables"),
        expires_at=expires_at,
        phase=value("phase", "step"),
        opened=text("opened"),
    )


def _objects(text: str) -> Iterator[dict[str, tuple[Any, str]]]:
    """Yield each object of a list: the value of each field, with its JSON.

    The text is unchanged: encoding a value again might give another notation, and an update that is published twice
    must have the same content.
    """
    at = 1
    while text[at] != "]":
        at += text[at] == ","
        fields: dict[str, tuple[Any, str]] = {}
        at += 1  # the brace
        while text[at] != "}":
            at += text[at] == ","
            name, at = _decode(text, at)
            begin = at + 1  # after the colon
            value, at = _decode(text, begin)
            fields[name] = (value, text[begin:at])
        at += 1
        yield fields
