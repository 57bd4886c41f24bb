"""What a run of a job comes to, and what may be answered before a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What `Conduit.run` returns."""

    FINISHED = "FINISHED"
    """Every step has its final status."""
    PAUSED = "PAUSED"
    """The run stopped before a step, which stays NONE; `Conduit.paused` says why. Running again goes on there."""


class Decision(StrEnum):
    """What `before_step` may answer, beside ``None`` (proceed) and a status to give the step instead of running it."""

    PROCEED = "proceed"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Paused:
    """Why a run stopped, and what the next one must know.

    Attributes:
        position: of the record that comes next; 1 for the first.
        tries: tries of that step that its ``retry`` has used up.
        resume_in: seconds until its next try is due.
        cut: whether its block was running and was stopped by the end of the invocation.
        path: of the step that comes next.
        waiting: what the job waits for, if it does: ``{"for": "time" | "retry" | "answer", "path", "until"}``, and what
            a resumed run must know of it. ``None`` for a job that goes on as soon as somebody has time for it.
    """

    position: int
    tries: int = 0
    resume_in: float = 0.0
    cut: bool = False
    path: str = field(default="", compare=False)  # the position says it, too
    waiting: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """How this execution of the job is known outside: what blocks with effects need to be called safely.

    Attributes:
        key: ``<tenant>/<job>/<run>``: the idempotency key of a step is this and its position.
        fence: grows with each claim of the job.
    """

    key: str = "local/job/1"
    fence: int = 1
