"""A job, its records and its events as lines of text: for a pipe, a log, or a terminal without colours."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

HEADINGS: Final = ("#", "step", "action", "status", "tries", "ms", "result")
WIDEST: Final = 60
"""The most characters of a result in a table. The job's JSON has the whole result."""
MOST_ERRORS: Final = 10
LONGEST_ERROR: Final = 4096
"""The most characters of an error under the table; a step keeps no more."""
_WAITS: Final = {"answer": "an answer", "time": "its time", "retry": "its next try"}
_ITEM_FACTS: Final = ("status", "action", "cursor", "fence", "run", "due")
_CONTROL: Final = {**dict.fromkeys((*range(32), *range(127, 160)), "\N{REPLACEMENT CHARACTER}"), 9: " ", 10: " "}


def shorten(text: str, width: int = WIDEST) -> str:
    """Make one line of at most `width` characters, without control characters, which could move the cursor."""
    text = text.translate(_CONTROL)
    return text if len(text) <= width else text[: width - 1] + "…"


def step_cells(step: Mapping[str, Any]) -> tuple[str, ...]:
    """The cells of a step's row, in the order of `HEADINGS`. The step is one of a job or of an event."""
    duration = step.get("duration_ms")
    return (
        str(step["position"]),
        shorten(step.get("path") or step["id"]),
        shorten(step["action"]),
        step["status"]["name"],
        str(step.get("attempts") or ""),
        "" if duration is None else f"{duration:.1f}",
        outcome_of(step),
    )


def outcome_of(step: Mapping[str, Any]) -> str:
    """A step's outcome in one short line: its error, the progress of a loop, or its result as JSON."""
    error = step.get("error")
    if error:
        return shorten(f"{error['type']}: {error['message']}")
    if step.get("result_omitted"):
        return "(too large to show)"
    if items := step.get("items"):
        failed = f", {items['failed']} failed" if items["failed"] else ""
        return f"{items['done']} of {items['count']} items done{failed}"
    result = step.get("result")
    return "" if result is None else shorten(json.dumps(result, ensure_ascii=False))


def summary_of(job: Mapping[str, Any]) -> str:
    """The end of a job, or its wait, in one line."""
    if waiting := job.get("waiting"):
        return f"{job['status']}: step {waiting['path']!r} waits for {_WAITS[waiting['for']]} until {waiting['until']}"
    failed = job.get("failed_step")
    because = "" if not failed else f": step {failed['id']!r} ended {failed['status']['name']}"
    return f"{job['status']}{because}"


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows as lines with aligned columns."""
    table = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]


def job_lines(job: Mapping[str, Any], width: int | None = None) -> list[str]:
    """The lines of a job: its name, a row for each step, and its end.

    Args:
        job: the job in the form of the API.
        width: columns of the terminal; longer rows are cut. ``None``: rows are not cut.
    """
    title = f"{shorten(job['name'])}  [{job['id']}]" if job.get("name") else job["id"]
    rows = ["  " + line for line in columns([HEADINGS, *(step_cells(step) for step in job["steps"])])]
    return [title, *(shorten(row, width or len(row)) for row in rows), *("  " + line for line in closing_lines(job))]


def closing_lines(job: Mapping[str, Any]) -> list[str]:
    """The lines under the table: the variables, the full error of each failed step, and the job's end."""
    lines = []
    if job["variables"]:
        lines.append("variables: " + shorten(json.dumps(job["variables"], ensure_ascii=False), 2 * WIDEST))
    for step in [step for step in job["steps"] if step.get("error")][:MOST_ERRORS]:
        name = shorten(str(step.get("path", step["id"])))
        error = step["error"]
        lines.append(shorten(f"{name}: {step['status']['name']}: {error['type']}: {error['message']}", LONGEST_ERROR))
        lines += [shorten(f"  {_detail(detail)}", LONGEST_ERROR) for detail in error.get("details") or ()]
    return [*lines, summary_of(job)]


def _detail(detail: Any) -> str:
    if not isinstance(detail, Mapping):
        return str(detail)
    where = detail.get("parameter") or detail.get("pointer") or detail.get("loc") or ""
    return f"{where}: {detail.get('message') or detail.get('msg') or json.dumps(detail, ensure_ascii=False)}"


def item_lines(items: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line for each item of the table."""
    return columns((shorten(str(item["sk"]), 32), _facts(item)) for item in items)


def _facts(item: Mapping[str, Any]) -> str:
    facts = [f"{name}={item[name]}" for name in _ITEM_FACTS if item.get(name) is not None]
    size = sum(len(str(name)) + len(str(value)) for name, value in item.items())
    return ", ".join([*facts, f"about {size} bytes"])


def event_lines(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line for each event on the bus, in chronological order."""
    return columns((event["detail-type"], *_gist(event["detail"])) for event in in_order(events))


def log_lines(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """The events on the bus as log lines, in order: time, job, step (or the job itself), status."""
    return columns(
        (_moment(event["detail"])[11:-1], _job_of(event["detail"]), *_gist(event["detail"]))
        for event in in_order(events)
    )


def in_order(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Sort events chronologically: a queue delivers them in any order.

    Events of one job are sorted by their numbers; jobs are merged by time. A step that did not run has no time and
    stays after the previous step.
    """
    by_number = sorted(events, key=lambda event: (_job_of(event["detail"]), _number(event["detail"])))
    moments: dict[str, str] = {}
    timed = []
    for event in by_number:
        job = _job_of(event["detail"])
        moments[job] = max(_moment(event["detail"]), moments.get(job, ""))
        timed.append((moments[job], event))
    return [event for _, event in sorted(timed, key=lambda pair: pair[0])]


def _number(detail: Mapping[str, Any]) -> float:
    number = str(detail.get("event_id", "")).rpartition("/")[2]
    return float(number) if number.isdecimal() else float("inf")


def _moment(detail: Mapping[str, Any]) -> str:
    for part in (detail.get("step"), *reversed(detail.get("steps") or ()), detail.get("job")):
        if part and part.get("finished_at"):
            return str(part["finished_at"])
    return ""


def _job_of(detail: Mapping[str, Any]) -> str:
    return shorten(str((detail.get("job") or {}).get("id", "")))


def _gist(detail: Mapping[str, Any]) -> tuple[str, str]:
    step, steps, job = detail.get("step"), detail.get("steps"), detail.get("job") or {}
    if detail.get("waiting"):
        return shorten(str(detail["waiting"].get("path", ""))), "waits"
    if step:
        return shorten(str(step.get("path", step["id"]))), step["status"]["name"]
    if isinstance(steps, list):
        return f"({len(steps)} steps)", ", ".join(dict.fromkeys(one["status"]["name"] for one in steps))
    return "(the job)", str(job.get("status", ""))
