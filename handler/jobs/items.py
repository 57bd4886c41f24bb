"""The items of a loop, page by page, each with its steps."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from handler.caller import Caller
from handler.engine import ConduitStatus
from handler.engine.status import UNEVENTFUL
from handler.errors import InvalidRequestError, NotFoundError
from handler.jobs.lookup import find_job
from handler.jobs.retrace import Retrace
from handler.jobs.view import LOOP_KEYS, LOOPS, Tallies, result_of, shown_steps, step_ids
from handler.ports import Ports
from infra.jobs.records import JobRecord, StepRecord

PAGE: Final = 100
"""The largest number of items of a page."""
_DONE: Final = {"name": ConduitStatus.DONE.name, "value": ConduitStatus.DONE.value}
_NONE: Final = {"name": ConduitStatus.NONE.name, "value": ConduitStatus.NONE.value}
Size = Callable[[Any], int]


async def list_items(
    ports: Ports, caller: Caller, job_id: str, path: str, *, cursor: str | None, size: Size, room: int
) -> dict[str, Any]:
    """The items of a loop that have begun, in order: ``{items: [{index, status, steps}], cursor}``.

    Args:
        ports: the use cases' ports.
        caller: the sender of the request.
        job_id: the job.
        path: the path of the loop.
        cursor: where the previous page ended.
        size: returns the bytes that a JSON value takes in the reply.
        room: the most bytes for the items of a page. A larger single item is shown without its steps' results, or even
            without its steps.

    Raises:
        NotFoundError: the job does not exist, or has no loop at that path.
        InvalidRequestError: the cursor is not valid.
        UnavailableError: AWS failed.
    """
    first = 0 if cursor is None else _index_of(cursor)
    with ports.served("items"):
        job = await find_job(ports, caller, job_id)
        payload = await ports.table.records.read_payload(job)
        records = await ports.table.records.read_steps(job)
    opened = next((record for record in records if record.path == path and record.phase == "open"), None)
    if opened is None or opened.action not in LOOPS:
        recorded = any(record.path == path and record.action in LOOPS for record in records)
        if recorded or (payload is not None and _is_written(json.loads(payload.payload), path)):
            return {"items": [], "cursor": None}  # the loop has not begun, or will never begin
        raise NotFoundError(f"The job {job_id!r} has no loop {path!r}.")
    retrace = Retrace(ports, records, lambda _: False)
    if payload is not None:
        retrace.walk(job, payload)
    loop = retrace.loops.get(path)
    outcomes = {each["index"]: each["status"] for each in getattr(loop and loop.run, "outcomes", ())}
    tallies = {inner: step.run.tally for inner, step in retrace.loops.items() if hasattr(step.run, "tally")}
    return _page(_items(records, path, first, tallies), outcomes, _end_of(job, records, path), size, room)


def _is_written(written: Mapping[str, Any], path: str) -> bool:
    """Whether the top-level list has a loop with that id."""
    steps = written.get("steps") or []
    return any(
        id_ == path and not step.keys().isdisjoint(LOOP_KEYS)
        for id_, step in zip(step_ids(written), steps, strict=True)
    )


def _page(
    items: Iterator[tuple[int, list[dict[str, Any]]]],
    outcomes: Mapping[int, Any],
    is_over: bool,
    size: Size,
    room: int,
) -> dict[str, Any]:
    shown: list[dict[str, Any]] = []
    pending = next(items, None)
    while pending is not None:
        index, steps = pending
        following = next(items, None)
        status = outcomes.get(index) or _status_of(steps, ended=is_over or following is not None)
        item = {"index": index, "status": status, "steps": steps}
        taken = size(item)
        if shown and (taken > room or len(shown) == PAGE):
            return {"items": shown, "cursor": _cursor_of(index)}
        if taken > room:
            item = _smaller(item, size, room)
        room -= taken
        shown.append(item)
        pending = following
    return {"items": shown, "cursor": None}


def _smaller(item: dict[str, Any], size: Size, room: int) -> dict[str, Any]:
    steps = [{**step, "result": None, "result_omitted": True} for step in item["steps"]]
    smaller = {**item, "steps": steps}
    return smaller if size(smaller) <= room else {**item, "steps": [], "steps_omitted": True}


def _items(
    records: Sequence[StepRecord], path: str, first: int, tallies: Tallies
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The items from `first` on: each index with the steps of its item."""
    begins = f"{path}."
    groups: dict[int, list[StepRecord]] = {}
    for record in records:
        if record.path.startswith(begins):
            index = int(record.path[len(begins) :].partition(".")[0])
            if index >= first:
                groups.setdefault(index, []).append(record)
    for index in sorted(groups):
        yield index, [view | result_of(outcome) for outcome, view in shown_steps(groups[index], tallies)]


def _end_of(job: JobRecord, records: Sequence[StepRecord], path: str) -> bool:
    return job.finished or any(record.path == path and record.phase == "close" for record in records)


def _status_of(steps: Sequence[Mapping[str, Any]], *, ended: bool) -> dict[str, Any]:
    """The status of an item for which the engine has none: a round of a `while`, or a running item."""
    if not ended:
        return dict(_NONE)
    failed = (step["status"] for step in steps if step["status"]["name"] not in UNEVENTFUL)
    return dict(next(failed, _DONE))


def _cursor_of(index: int) -> str:
    return base64.urlsafe_b64encode(f"item {index}".encode()).decode().rstrip("=")


def _index_of(cursor: str) -> int:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found = re.fullmatch(rb"item ([0-9]{1,9})", base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError:
        found = None
    if found is None:
        raise InvalidRequestError("/cursor", "Invalid cursor: pass the `cursor` of the previous page unchanged.")
    return int(found[1])
