"""The turn of a step that waits for an answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from handler.engine.answers import Answers
from handler.engine.failure import CALLBACK_TIMEOUT, NO_REASON, REJECTED, Failure
from handler.engine.flow.written import WaitFor
from handler.engine.language.clock import format_time
from handler.engine.outcome import Paused
from handler.engine.status import ConduitStatus
from handler.engine.step import ConduitStep
from handler.engine.step_turn import StepTurn

LONGEST_MESSAGE: Final = 4096
"""The largest question in bytes: the job's record contains it while the job waits."""


def take_answer(turns: StepTurn, step: ConduitStep, spec: WaitFor, waiting: Mapping[str, Any] | None) -> Paused | None:
    """End the step with its answer, or pause until there is one.

    Args:
        turns: the turns of the job.
        step: the step.
        spec: its fields.
        waiting: the state of the wait, if it has begun.

    Raises:
        Failure: REJECTED; there was no answer in time; or the step cannot wait.
    """
    answers: Answers | None = turns.job.answers
    if answers is None:
        raise Failure(ConduitStatus.INVALID_ARGUMENT, "this step cannot be answered here")
    if waiting is not None and waiting.get("began") is not None:
        step.started_at = float(waiting["began"])
    elif step.started_at is None:
        step.started_at = turns.began
    given = answers.given.get(step.path)
    if given is not None:
        _end(turns, given)
        return None
    timeout = float(spec.fields["timeout"])
    if waiting is None:
        ends_at, message = _end_of(turns, timeout), _message(turns, spec)
    else:
        ends_at, message = float(waiting["answer_by"]), waiting.get("message")
    now = turns.now()
    if ends_at <= now:
        failure = Failure(ConduitStatus.TIME_LIMIT_EXCEED, f"there was no answer within {timeout:,.15g} seconds")
        failure.kind = CALLBACK_TIMEOUT
        raise failure
    until = min(ends_at, turns.around_ends_at)
    note = {"for": "answer", "path": step.path, "until": until, "answer_by": ends_at, "began": step.started_at}
    return turns.pause(max(0.0, until - now), note if message is None else {**note, "message": message})


def _end(turns: StepTurn, given: Mapping[str, Any]) -> None:
    if given["ok"]:
        turns.finish({"value": given["value"], "by": given["by"], "at": given["at"]})
        return
    failure = Failure(ConduitStatus.REJECTED, given["reason"] or NO_REASON)
    failure.kind = REJECTED
    raise failure


def _end_of(turns: StepTurn, timeout: float) -> float:
    ends_at, latest = turns.began + timeout, turns.runtime.waits_end_by
    if latest is not None and ends_at > latest:
        message = f"the job's records expire before; an answer may be waited for until {format_time(latest)}"
        raise Failure(ConduitStatus.INVALID_ARGUMENT, message)
    return ends_at


def _message(turns: StepTurn, spec: WaitFor) -> str | None:
    """The evaluated question."""
    value = turns.evaluate(spec.fields.get("message"))
    if value is None:
        return None
    message = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    size = len(message.encode("utf-8", "replace"))
    if size > LONGEST_MESSAGE:
        raise Failure(ConduitStatus.INVALID_ARGUMENT, f"`message` has {size:,} bytes; it may have {LONGEST_MESSAGE:,}")
    return message
