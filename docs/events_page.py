"""Writes ``docs/events.md``: the fields of each event, and examples that the code itself makes.

Run it with ``make events-page`` when an event has changed. Tests compare the page with the fields here, and the fields
with the examples and with what real jobs publish.
"""  # noqa: INP001  # a script in the folder of the page that it writes

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from handler.engine.status import UNEVENTFUL
from handler.invocation.timestamps import iso
from handler.recording.events import (
    GROUP_BYTES,
    JOB_FINISHED,
    JOB_WAITING,
    OUTPUT_BYTES,
    STEP_UPDATED,
    STEPS_UPDATED,
    StepUpdates,
    job_finished,
    job_waiting,
)
from handler.settings import Settings
from infra.jobs.records import JobKey, JobRecord, StepRecord
from infra.messaging.event_bus import CALL_ENTRIES, SOURCE, Entry

PAGE = Path(__file__).with_name("events.md")


class Field(NamedTuple):
    """One field of an event's detail.

    Attributes:
        holds: the type of its JSON; ``a | b`` for either.
        about: its meaning.
        always: whether every event has the field.
    """

    holds: str
    about: str
    always: bool = True


HEAD = {
    "version": Field("integer", "the version of the event's shape: 1. New fields do not change it"),
    "event_id": Field("string", "the event's id; if it is published again, id and content are the same"),
    "tenant": Field("string", "the job's tenant"),
    "job": Field("object", "the job"),
    "job.id": Field("string", "its id"),
    "job.name": Field("string | null", "its name"),
}
STEP = {
    "id": Field("string", "the step's id"),
    "path": Field("string", "its path: the id, or `orders.3.post` in item 3 of a loop"),
    "position": Field("integer", "the number of its record, from 1; for a loop, of its first record"),
    "action": Field("string", "the block, or the kind of step in capitals"),
    "status": Field("object", "how it ended"),
    "status.name": Field("string", "one of the [statuses](statuses.md)"),
    "status.value": Field("integer", "its number"),
    "attempts": Field("integer", "how often its block was started"),
    "started_at": Field("time | null", "null if it did not run"),
    "finished_at": Field("time | null", "null if it did not run"),
    "duration_ms": Field("number | null", "null if it did not run"),
    "result": Field("any", "its result; null if it has none, or if it was left out"),
    "error": Field("object | null", "why it failed"),
    "error.type": Field("string", "the kind of error"),
    "error.message": Field("string", "a description of the problem"),
    "error.details": Field("object | array", "details for programs", always=False),
    "error.path": Field("string", "the inner step that made it fail", always=False),
    "result_omitted": Field(
        "true",
        "the result does not fit, or has an integer of more than 64 bits; read the step from the API",
        always=False,
    ),
    "error_omitted": Field("true", "the error does not fit", always=False),
}
FIELDS: Mapping[str, Mapping[str, Field]] = {
    STEP_UPDATED: {
        **HEAD,
        "step": Field("object", "the step"),
        **{f"step.{name}": field for name, field in STEP.items()},
    },
    STEPS_UPDATED: {
        **{name: field for name, field in HEAD.items() if name != "event_id"},
        "steps": Field("array", "the steps, in the order of their records"),
        "steps[].event_id": Field("string", f"the id that the step's own `{STEP_UPDATED}` would have"),
        **{f"steps[].{name}": field for name, field in STEP.items()},
    },
    JOB_WAITING: {
        **HEAD,
        "waiting": Field("object", "the wait"),
        "waiting.for": Field("string", "`answer`"),
        "waiting.path": Field("string", "the path of the step that asks"),
        "waiting.until": Field("time", "when the step times out"),
        "message": Field("string | null", "the question"),
    },
    JOB_FINISHED: {
        **HEAD,
        "job.status": Field("string", "`SUCCEEDED`, `FAILED` or `CANCELLED`"),
        "job.success": Field("boolean", "whether its status is SUCCEEDED"),
        "job.created_at": Field("time", "when it was accepted"),
        "job.finished_at": Field("time", "when it ended"),
        "job.steps": Field("integer", "how many records it has"),
        "job.failed_step": Field("object | null", "the first step that failed"),
        "job.failed_step.id": Field("string", "its id"),
        "job.failed_step.path": Field("string", "its path"),
        "job.failed_step.position": Field("integer", "the number of its record"),
        "job.failed_step.action": Field("string", "its block or kind"),
        "job.failed_step.status": Field("object", "its status"),
        "job.failed_step.status.name": Field("string", "the status's name"),
        "job.failed_step.status.value": Field("integer", "the status's number"),
        "job.output": Field("any", "the job's output; null if it has none or did not succeed, or if it was left out"),
        "job.output_omitted": Field(
            "true", f"the output has more than {OUTPUT_BYTES // 1024} KB, or does not fit", always=False
        ),
    },
}
ABOUT: Mapping[str, str] = {
    STEP_UPDATED: "One step was recorded. A loop, a choice or a `try` has one event, when it ends.\n"
    "`event_id` is `<tenant>/<job>/<run>/<number of the record>`.",
    STEPS_UPDATED: "The steps that were published together, with `StepEvents=grouped`. The group has no id: a step\n"
    "that is published again has the same `event_id` in another group.",
    JOB_WAITING: "The job has given its invocation back until a person [answers](approvals.md).\n"
    "`event_id` is `<tenant>/<job>/<run>/waiting/<path>`.",
    JOB_FINISHED: "The job has ended. `event_id` is `<tenant>/<job>/<run>/end`.",
}
_QUIET = ", ".join(sorted(UNEVENTFUL))
_GROUP_KB = GROUP_BYTES // 1024
_KB = Settings.model_fields["event_limit"].default // 1024
INTRODUCTION = f"""\
# Events

The events on the bus. Their source is `{SOURCE}`, and their `detail-type` is the heading of a section below.
`StepEvents` decides which events of steps are published:

| `StepEvents` | Steps | Cost |
|---|---|---|
| `all` (default) | one `{STEP_UPDATED}` for each | one event a step |
| `grouped` | one `{STEPS_UPDATED}` for steps published together (up to {_GROUP_KB} KB, or one step) | one for many |
| `failures` | one `{STEP_UPDATED}` for each, except {_QUIET} | nothing while no step fails |
| `none` | none | nothing |

`{JOB_WAITING}` and `{JOB_FINISHED}` are always published.

- An event is published after its content is committed, never before.
- It may arrive twice, with the same `event_id` and the same content: ignore ids that you have seen.
- Events may arrive in any order: EventBridge guarantees no order, and up to {CALL_ENTRIES} of them are in one call.
- An event has at most `EventLimit` bytes ({_KB} KB by default). If it is too large, the result is left out, then the
  error; a field marks what is missing.
- Tenants are percent-encoded; times are RFC 3339 in UTC, to the millisecond.

A rule for failed jobs:

```json
{{"source": ["{SOURCE}"], "detail-type": ["{JOB_FINISHED}"], "detail": {{"job": {{"status": ["FAILED"]}}}}}}
```

This page is written from `docs/events_page.py` and the code that makes the events, with `make events-page`."""

_KEY = JobKey("acme", "order-42")
_BEGAN = 1_795_687_200.0
_LIMIT = 4096


def _step(index: int, step_id: str, action: str, **fields: Any) -> StepRecord:
    began = _BEGAN + index
    given: dict[str, Any] = {
        "status": "DONE",
        "status_value": 0,
        "result": None,
        "error": None,
        "attempts": 1,
        "started_at": began,
        "finished_at": began + 0.25,
        "duration_ms": 250.0,
        "variables": None,
        "expires_at": 0,
    }
    return StepRecord(_KEY, index, "1-a", step_id, fields.pop("path", step_id), action, **{**given, **fields})


def _job(status: Any, **fields: Any) -> JobRecord:
    given = {"payload": "p", "payload_hash": "h", "created_at": _BEGAN, "expires_at": 0, "cursor": 2}
    return JobRecord(_KEY, "Order", status, **{**given, "finished_at": _BEGAN + 1.5, **fields})


def examples() -> Mapping[str, Mapping[str, Entry]]:
    """Events as the code makes them: by their type, each with a short title."""
    charge = _step(
        1,
        "charge",
        "HTTP.REQUEST",
        status="CALL_REFUSED",
        status_value=118,
        error='{"type":"HttpStatus","message":"the service answered 402","details":{"status":402}}',
    )
    total = _step(0, "total", "MATH.SUM", result="42")
    large = _step(0, "report", "TEXT.JOIN", result=json.dumps("x" * _LIMIT))
    status = {"name": "CALL_REFUSED", "value": 118}
    failed = {"id": "charge", "path": "charge", "position": 2, "action": "HTTP.REQUEST", "status": status}
    output = _step(1, "output", "OUTPUT", result='{"total":42}')
    question = {"message": "Raise the limit to 500?", "until": _BEGAN + 604_800}
    waiting = {"for": "answer", "path": "ok", "since": _BEGAN, **question}
    running = _job("RUNNING")
    updates = StepUpdates(running, (), limit=_LIMIT)
    ((_, group),) = updates.groups([total, charge])
    finished = [total, output]
    return {
        STEP_UPDATED: {
            "A step that ran": updates.entry(total),
            "One that failed": updates.entry(charge),
            "A result that does not fit": updates.entry(large),
        },
        STEPS_UPDATED: {"Two steps": group},
        JOB_WAITING: {"A question": job_waiting(_job("QUEUED"), waiting)},
        JOB_FINISHED: {
            "A job with an output": job_finished(_job("SUCCEEDED"), finished, limit=_LIMIT),
            "One that failed": job_finished(
                _job("FAILED", failed_step=json.dumps(failed)), [total, charge], limit=_LIMIT
            ),
        },
    }


def page() -> str:
    """The page as it should be: Markdown."""
    parts = [INTRODUCTION]
    shown = examples()
    for kind, fields in FIELDS.items():
        parts += [f"## {kind}", ABOUT[kind], _table(fields)]
        for title, entry in shown[kind].items():
            parts += [f"{title}:", f"```json\n{_envelope(entry)}\n```"]
    return "\n\n".join(parts) + "\n"


def _table(fields: Mapping[str, Field]) -> str:
    rows = ["| Field of `detail` | Holds | Meaning |", "|---|---|---|"]
    for name, field in fields.items():
        when = "" if field.always else " *Only where that is so.*" if field.holds == "true" else " *May be absent.*"
        rows.append(f"| `{name}` | {field.holds.replace(' | ', ' or ')} | {field.about}.{when} |")
    return "\n".join(rows)


def _envelope(entry: Entry) -> str:
    whole = {"source": SOURCE, "detail-type": entry.detail_type, "time": iso(int(entry.time))[:-5] + "Z"}
    detail = json.loads(entry.detail)
    head = json.dumps(whole)[:-1]
    lines = [f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in detail.items()]
    return f'{head}, "detail": {{\n' + ",\n".join(lines) + "}}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
