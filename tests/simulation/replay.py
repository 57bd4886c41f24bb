"""Replays a job without interruption, with the results and answers that its records contain.

The job runs in plain Python, without a recorder and without ever being restored. A run that was interrupted by crashes,
hand-overs and waits must have led to the same records, in the same order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

from blocks.block import CallFailedError
from handler.engine import Answers, Conduit, ConduitStatus, ConduitStep, Execution, Runtime
from handler.engine.flow.walk import Walk
from handler.engine.language.clock import reads_clock
from handler.engine.outcome import Decision, Outcome
from handler.engine.turn import StepRunner
from infra.jobs.records import StepRecord
from tests.simulation.workload import registry

_BLOCK_GAVE_IT = ("SIM.", "HTTP.")
_EXTERNAL = frozenset({"UNHANDLED_EXCEPTION", "INTERRUPTED", "TIME_LIMIT_EXCEED", "CALL_FAILED", "CANCELLED"})
"""Statuses of blocks that only the records can supply."""


class Replay:
    """A replay of one job.

    Args:
        payload: as it was accepted.
        records: the valid records, in order.
        key: tenant, job and run, as services know them.
    """

    def __init__(self, payload: dict[str, Any], records: Sequence[StepRecord], key: str) -> None:
        self._records = records
        self.problems: list[str] = []
        self.has_ended = False
        """Whether the records are complete."""
        self._at = 0
        answers = {record.path: given for record in records if (given := _given(record)) is not None}
        self._job = Conduit.from_dict(
            {name: value for name, value in payload.items() if name != "id"},
            id=payload.get("id"),
            answers=Answers(answers),
            global_values={**registry(self).global_values(), "http": self},
        )
        self._job.execution = Execution(key=key)
        self._job.before_step = self._before_step
        self._job.on_step_open = self._opened
        self._job.on_step_update = self._ended
        self._job.turns = self._turns  # type: ignore[method-assign]  # what the clock has chosen, it chooses again
        self._job.walk.__class__ = _ReplayedWalk
        cast("_ReplayedWalk", self._job.walk).is_cancelled_at = self._is_cancelled
        self._clock = 0.0
        runtime = Runtime(now=lambda: self._clock, sleep=self._sleep, alarm=self)  # type: ignore[arg-type]  # below
        fields = {name: getattr(runtime, name) for name in Runtime.__dataclass_fields__}
        self._runtime = SimpleNamespace(**fields)

    def run(self) -> list[str]:
        """Replay up to the last record; returns the differences from the records."""
        self._prepare()
        with suppress(_OverError):
            self.has_ended = self._finish(self._job.run(self._runtime)) is Outcome.FINISHED  # type: ignore[arg-type]
            if self._at < len(self._records):
                self.problems.append(f"it has ended or waits, but {self._next.path} is recorded")
        return self.problems

    @property
    def failed_path(self) -> str | None:
        """The path of the step that failed the job."""
        step = self._job.failed_step
        return None if step is None else step.path

    @staticmethod
    def _finish(coroutine: Any) -> Any:
        while True:
            try:
                coroutine.send(None)
            except StopIteration as stop:
                return stop.value

    @property
    def _next(self) -> StepRecord:
        if self._at >= len(self._records):
            raise _OverError
        return self._records[self._at]

    def _prepare(self) -> None:
        """Restore the world as it was when the next record was made."""
        if self._at >= len(self._records):
            return
        record = self._next
        self._runtime.waits_end_by = 0.0 if (record.action, record.status) == ("WAIT", "INVALID_ARGUMENT") else None
        if (record.action, record.status) == ("WAIT_FOR", "TIME_LIMIT_EXCEED"):
            self._job.waiting = {"path": record.path, "answer_by": self._clock - 1.0}

    def _is_cancelled(self, *, in_turn: bool) -> bool:
        """Whether, by the next record, a cancel was noticed: in a step's turn, or between two items."""
        if self._at >= len(self._records) or self._next.status != "CANCELLED":
            return False
        return in_turn or self._next.phase == "close"

    def _turns(self, runtime: Runtime | None = None) -> StepRunner:
        """The turns of the job's steps; a condition that reads the clock is met if the records say so."""
        turns = Conduit.turns(self._job, runtime)
        real = turns.is_met

        def is_met(condition: Any, contexts: Any = None) -> bool:
            if not reads_clock(condition):
                return real(condition, contexts)
            step, record = turns.step, self._next
            if step.kind == "while":
                return record.path.startswith(f"{step.path}.")
            return (record.path, record.status) != (step.path, "IF_CONDITION_FAILED")

        turns.is_met = is_met  # type: ignore[method-assign]
        return turns

    # ------------------------------------------------------------------ the job's listener

    def _before_step(self, _: Conduit, step: ConduitStep) -> Decision | ConduitStatus:
        record = self._next
        if record.path == step.path and record.action == step.action and record.status in _EXTERNAL:
            return ConduitStatus[record.status]
        return Decision.PROCEED

    def _opened(self, _: Conduit, step: ConduitStep) -> None:
        opened = {name: value for name, value in (step.opened or {}).items() if name != "started_at"}
        record = self._next
        recorded = json.loads(record.opened or "{}")
        recorded.pop("started_at", None)
        self._compare((step.path, "open", opened), (record.path, record.phase, recorded))

    def _ended(self, _: Conduit, step: ConduitStep) -> None:
        record = self._next
        phase = "step" if step.position == self._at + 1 else "close"
        ours: tuple[Any, ...] = (step.path, phase, step.action, step.status.name)
        theirs: tuple[Any, ...] = (record.path, record.phase, record.action, record.status)
        if step.action not in ("WAIT", "FOR_EACH", "WHILE"):
            ours += (step.return_value if step.status is ConduitStatus.DONE else None,)
            theirs += (json.loads(record.result) if record.result and record.status == "DONE" else None,)
        if phase == "close" and step.error:
            ours += (step.error.get("path"),)
            theirs += (json.loads(record.error or "{}").get("path"),)
        ours += (json.loads(step.variables_json or "null"),)
        theirs += (json.loads(record.variables or "null"),)
        self._compare(ours, theirs)

    def _compare(self, ours: Any, theirs: Any) -> None:
        if ours != theirs:
            self.problems.append(f"record {self._at + 1} is {theirs}, but without interruption it would be {ours}")
            raise _OverError
        self._at += 1
        self._prepare()

    # ------------------------------------------------------------------ the world

    async def _sleep(self, seconds: float) -> None:
        self._clock += seconds

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], _: float) -> Any:
        """No block takes any time: `handler.engine.alarm.alarm.Alarm`."""
        return function(*args, **kwargs)

    async def wait(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], _: float) -> Any:
        """As `call`."""
        return await function(*args, **kwargs)

    async def execute(self, *_: Any) -> dict[str, Any]:
        """The recorded result of the block: `tests.simulation.workload.Stage`."""
        result = json.loads(self._next.result or "{}")
        return {name: result[name] for name in ("token", "ready", "variant") if name in result}

    def send(self, **_: Any) -> Any:
        """The recorded answer of the service: `blocks.http.Client`."""
        if self._next.result is None:
            raise CallFailedError("no answer is recorded", None, {})
        return json.loads(self._next.result)


class _ReplayedWalk(Walk):
    """A walk that is cancelled where the recorded one was."""

    is_cancelled_at: Callable[..., bool]
    _for_good = False

    @property
    def cancelled(self) -> bool:  # type: ignore[override]  # a plain attribute there
        return self._for_good or self.is_cancelled_at(
            in_turn=self.frame.current is not None or self.frame.outer is None
        )

    @cancelled.setter
    def cancelled(self, value: bool) -> None:
        self._for_good = value


class _OverError(BaseException):
    """Nothing is left to compare."""


def _given(record: StepRecord) -> dict[str, Any] | None:
    """The answer that a step was given."""
    if record.action != "WAIT_FOR":
        return None
    if record.status == "DONE":
        return {"ok": True, "reason": None, **json.loads(record.result or "{}")}
    if record.status == "REJECTED":
        message = json.loads(record.error or "{}").get("message")
        return {"ok": False, "value": None, "reason": message, "by": None, "at": ""}
    return None
