"""The arguments of listeners, and the values that they may return."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from handler.engine import Conduit, Decision

TRUE = {"action": "LOGIC.TRUE"}


def test_a_listener_that_is_async_is_waited_for(run: Any) -> None:
    heard: list[str] = []

    async def listen(_job: Conduit, step: Any) -> None:
        await asyncio.sleep(0)
        heard.append(step.id)

    run({"steps": [TRUE, TRUE]}, on_step_update=listen)
    assert heard == ["1", "2"]


@pytest.mark.parametrize("answer", [None, Decision.PROCEED, "proceed"])
def test_an_async_answer_to_proceed_lets_the_step_run(run: Any, statuses: Any, answer: Any) -> None:
    async def before(_job: Conduit, _step: Any) -> Any:
        return answer

    assert statuses(run({"steps": [TRUE]}, before_step=before)) == ["DONE"]


def test_an_invalid_answer_of_before_step_is_an_error_that_names_it(run: Any) -> None:
    with pytest.raises(TypeError, match="before_step answers None"):
        run({"steps": [TRUE]}, before_step=lambda *_: True)


def test_on_job_finish_is_called_once_however_often_the_job_is_run() -> None:
    ended, answers = list[Any](), iter([Decision.PAUSE])
    job = Conduit.from_dict(
        {"steps": [TRUE]}, on_job_finish=lambda *_: ended.append(1), before_step=lambda *_: next(answers, None)
    )
    for _ in range(3):
        asyncio.run(job.run())
    assert (ended, job.paused) == ([1], None)
