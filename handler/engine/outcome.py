"""The outcome of a run, and the answers that `before_step` may give."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """The result of `Conduit.run`."""

    FINISHED = "FINISHED"
    """Every step has its final status."""
    PAUSED = "PAUSED"
    """The run stopped before a step, which stays NONE; see `Conduit.paused`. The next run continues there."""


class Decision(StrEnum):
    """The answers of `before_step`, besides ``None`` (proceed) and a status (the step gets it and does not run)."""

    PROCEED = "proceed"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Paused:
    """The reason why a run stopped, and the state for the next run.

    Attributes:
        position: the position of the next record; 1 for the first.
        tries: tries of that step that its ``retry`` has used up.
        resume_in: seconds until the next try of that step.
        cut: whether its block was running and was stopped by the end of the invocation.
        path: the path of the next step.
        waiting: the job's wait: ``{"for": "time" | "retry" | "answer", "path", "until"}``, and the data that a
            resumed run needs. ``None`` if the job can continue at once.
    """

    position: int
    tries: int = 0
    resume_in: float = 0.0
    cut: bool = False
    path: str = field(default="", compare=False)  # the position identifies the step already
    waiting: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Execution:
    """The identity of this execution: blocks with effects pass it on, so that an effect happens once.

    Attributes:
        key: ``<tenant>/<job>/<run>``: a step's idempotency key is this and its position.
        fence: grows with each claim of the job.
    """

    key: str = "local/job/1"
    fence: int = 1
