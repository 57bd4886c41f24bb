"""Calls a job's listener before a step begins, and interprets its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from handler.engine.flow.walk import Walk
from handler.engine.outcome import Decision, Paused
from handler.engine.status import ConduitStatus
from handler.engine.step import ConduitStep
from handler.engine.step_turn import Answer

_PROCEED: Final = Decision.PROCEED  # looking up a member of an enum takes eight times as long as a global name

Listener = Callable[..., Any]
"""Called with the job and a step (`on_job_finish`: the step that failed it, or ``None``). Plain or ``async``."""


class AskedJob(Protocol):
    """The part of the job that is needed to interpret an answer."""

    walk: Walk
    tries: int


class Asking:
    """Asks whether a step may begin.

    Args:
        job: the job.
        listener: `Conduit.before_step`.
    """

    def __init__(self, job: AskedJob, listener: Listener) -> None:
        self._job = job
        self._listener = listener

    def ask(self, step: ConduitStep) -> Answer:
        """Ask about a step before it begins. The result must be awaited if the listener is ``async``."""
        answer = self._listener(self._job, step)
        if answer is None or answer is _PROCEED:
            return None
        return self._await(answer, step) if isinstance(answer, Awaitable) else self._understand(answer, step)

    async def _await(self, answer: Awaitable[Any], step: ConduitStep) -> Paused | ConduitStatus | None:
        return self._understand(await answer, step)

    def _understand(self, answer: Any, step: ConduitStep) -> Paused | ConduitStatus | None:
        if answer is None or answer == Decision.PROCEED:
            return None
        if answer == Decision.PAUSE:
            return Paused(step.position, self._job.tries, path=step.path)
        if not isinstance(answer, ConduitStatus):
            raise TypeError(f"before_step answers None, a Decision or a ConduitStatus, not {answer!r}")
        if answer is ConduitStatus.CANCELLED:
            self._job.walk.cancelled = True
        return answer
