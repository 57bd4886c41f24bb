"""A schedule: the times at which a workflow starts, and its parameters."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, NotRequired

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from handler.invocation.timestamps import iso
from handler.payload.body import check_fields
from handler.payload.parse import InvalidPayloadError
from handler.payload.problem import Problem
from handler.workflows.author import Author
from handler.workflows.cron import InvalidCronError, parse_cron
from handler.workflows.start import Name
from handler.workflows.timing import (
    CronTiming,
    InvalidTimingError,
    Once,
    Timing,
    next_times,
    parse_instant,
    parse_interval,
    zone_of,
)
from infra.table.documents import Document

SHOWN: Final = 5
"""The number of next times in an answer."""
JOB_PREFIX: Final = "__s-"
"""The prefix of the ids of jobs that schedules start."""
_WHEN: Final = ("cron", "every", "at")


class ScheduleShape(TypedDict):
    """When to start a stored workflow; one of ``cron``, ``every`` and ``at`` is given."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc] # pydantic's documented place
    workflow: Name
    parameters: NotRequired[dict[str, Any]]
    cron: NotRequired[str]
    every: NotRequired[str]
    at: NotRequired[str]
    timezone: NotRequired[str]
    overlap: NotRequired[Literal["allow", "skip"]]
    enabled: NotRequired[bool]


EXPECTED: Final = {
    "workflow": "the name of a stored workflow",
    "parameters": "an object",
    "cron": "a string: a cron expression of five fields, such as 0 9 * * 1-5",
    "every": "a string: an interval, such as 15 minutes",
    "at": "a string: a time, such as 2026-11-26T09:00:00",
    "timezone": "a string: an IANA name, such as Europe/Berlin",
    "overlap": 'either "allow" or "skip"',
    "enabled": "true or false",
}


@cache
def _shape() -> TypeAdapter[Any]:
    return TypeAdapter(ScheduleShape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A stored schedule.

    Attributes:
        id: unique within the tenant.
        workflow: the name of the workflow.
        parameters: the parameters of its jobs.
        kind, when: one of ``cron``, ``every`` and ``at``, and its value.
        timezone: the IANA name of the time zone.
        overlap: whether it starts a job while an earlier one is unfinished.
        enabled: whether it fires.
        start: for an interval, the first firing, in seconds since 1970.
        author: the author, whose rights its jobs have.
    """

    id: str
    workflow: str
    parameters: Mapping[str, Any]
    kind: Literal["cron", "every", "at"]
    when: str
    timezone: str
    overlap: Literal["allow", "skip"]
    enabled: bool
    start: float
    author: Author

    def encode(self) -> str:
        """Return the schedule as JSON."""
        fields = {
            "workflow": self.workflow,
            "parameters": self.parameters,
            "kind": self.kind,
            "when": self.when,
            "timezone": self.timezone,
            "overlap": self.overlap,
            "enabled": self.enabled,
            "start": self.start,
            "author": self.author.encode(),
        }
        return json.dumps(fields, separators=(",", ":"))

    @classmethod
    def decode(cls, document: Document) -> Schedule:
        """The schedule in a document."""
        fields = json.loads(document.body)
        return cls(id=document.name, **{**fields, "author": Author.decode(fields["author"])})

    @property
    def timing(self) -> Timing:
        """When it fires.

        Raises:
            InvalidTimingError, InvalidCronError: the value is not valid. A stored schedule never raises these.
        """
        zone = zone_of(self.timezone)
        if self.kind == "cron":
            return CronTiming(parse_cron(self.when), zone)
        if self.kind == "every":
            return parse_interval(self.when, self.start)
        return Once(parse_instant(self.when, zone))

    def view(self, now: float) -> dict[str, Any]:
        """The schedule in the form for replies. A paused schedule has no next times."""
        times = next_times(self.timing, now, SHOWN) if self.enabled else []
        return {
            "id": self.id,
            "workflow": self.workflow,
            "parameters": self.parameters,
            self.kind: self.when,
            "timezone": self.timezone,
            "overlap": self.overlap,
            "enabled": self.enabled,
            "next": [iso(time) for time in times],
        }


def read_schedule(value: Mapping[str, Any], schedule_id: str, author: Author, now: float) -> Schedule:
    """Parse the body of a schedule.

    Raises:
        InvalidPayloadError: the body is not valid; all its problems are listed.
    """
    fields = check_fields(_shape(), value, EXPECTED)
    given = [kind for kind in _WHEN if kind in fields]
    if len(given) != 1:
        what = f"{' and '.join(given)} are given" if given else "none of them is given"
        pointer = f"/{given[1]}" if given else ""
        message = f"A schedule has exactly one of cron, every and at; {what}."
        raise InvalidPayloadError([Problem(pointer, "CONFLICTING_FIELDS" if given else "MISSING_FIELD", message)])
    kind: Any = given[0]
    schedule = Schedule(
        id=schedule_id,
        workflow=fields["workflow"],
        parameters=fields.get("parameters", {}),
        kind=kind,
        when=fields[kind],
        timezone=fields.get("timezone", "UTC"),
        overlap=fields.get("overlap", "allow"),
        enabled=fields.get("enabled", True),
        start=now,
        author=author,
    )
    _check_timing(schedule)
    return schedule


def _check_timing(schedule: Schedule) -> None:
    try:
        zone_of(schedule.timezone)
    except InvalidTimingError as error:
        raise InvalidPayloadError([Problem("/timezone", "INVALID_FIELD", str(error))]) from None
    try:
        _ = schedule.timing
    except (InvalidTimingError, InvalidCronError) as error:
        raise InvalidPayloadError([Problem(f"/{schedule.kind}", "INVALID_FIELD", str(error))]) from None


def job_id_of(schedule_id: str, instant: float) -> str:
    """The id of the job that a schedule starts at an instant. A second firing at that instant has the same id."""
    return JOB_PREFIX + hashlib.sha256(f"{schedule_id}\n{int(instant)}".encode()).hexdigest()[:32]
