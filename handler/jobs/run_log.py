"""Logs a run: one line each for the job's end, each failed step, each hand-over and each wait.

Of the payload, the lines contain only the names of the job and its steps.
"""

from __future__ import annotations

from typing import Any

from handler.engine import Conduit, ConduitStep
from handler.invocation.log import log_fields, log_step
from handler.ports import Ports
from handler.recording.recorder import UNKNOWN
from infra.jobs.records import JobRecord


class RunLog:
    """Writes the lines of one run. Successful steps cost nothing.

    Args:
        ports: the use cases' ports.
        job: the job, at the begin of the run.
    """

    def __init__(self, ports: Ports, job: JobRecord) -> None:
        self._ports = ports
        self._names = {**log_fields(job.key), "run": job.run}

    @staticmethod
    def follow(job: Conduit) -> None:
        """Make each line, including those of blocks, name the running step of this job."""

        def path() -> str | None:
            step = job.walk.frame.current
            return None if step is None else step.path

        log_step(path)

    def failed(self, step: ConduitStep) -> None:
        """Log that a step failed."""
        self._info(
            "A step failed",
            path=step.path,
            block=UNKNOWN if step.block is None else step.block.action,
            status=step.status.name,
            error=None if step.error is None else step.error.get("type"),
            attempts=step.attempts,
        )

    def handed_over(self, job: JobRecord) -> None:
        """Log that the run paused: the job continues in another invocation, now or after a wait."""
        if job.resume_at is not None:
            self._info("A job waits", seconds=round(max(0.0, job.resume_at - self._ports.now()), 3))
        else:
            self._info("A job was handed over", hand_overs=job.hand_overs, position=job.cursor + 1)

    def ended(self, job: JobRecord) -> None:
        """Log that the job has ended."""
        took = None if job.finished_at is None else round((job.finished_at - job.created_at) * 1000, 1)
        self._info("A job ended", status=job.status, steps=job.cursor, duration_ms=took)

    def _info(self, message: str, **fields: Any) -> None:
        self._ports.log.info(message, extra={**self._names, **fields})
