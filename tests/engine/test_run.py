"""A run: how it ends, pauses, and continues."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from handler.engine import Conduit, ConduitStatus, Decision, Outcome
from handler.engine.outcome import Paused

TRUE = {"action": "LOGIC.TRUE"}


FAIL = {"action": "LOGIC.ASSERT", "parameters": {"value": False}}


class Pause:
    """Yields control once."""

    def __await__(self) -> Any:
        yield


def test_a_job_shows_its_name_and_has_not_paused_before_it_ran() -> None:
    assert (str(Conduit(name="Ada's")), str(Conduit())) == ("Ada's", "Unnamed Conduit")
    assert Conduit().paused is None
    step = Conduit.from_dict({"steps": [TRUE]})[1]
    assert (str(step), step.duration_ms) == ("1", None)
    assert repr(step) == "<ConduitStep '1' (LOGIC.TRUE): NONE>"


def test_cancelling_a_paused_job_ends_the_pause(statuses: Any) -> None:
    job = Conduit.from_dict({"steps": [TRUE]}, before_step=lambda *_: Decision.PAUSE)
    asyncio.run(job.run())
    paused = [job.paused]
    job.cancel()
    assert asyncio.run(job.run()) is Outcome.FINISHED
    assert statuses(job) == ["CANCELLED"]
    assert [*paused, job.paused] == [Paused(position=1), None]


def test_the_run_ends_with_the_task_that_runs_it_and_the_step_stays_open(make_block: Any) -> None:
    began = asyncio.Event()

    async def wait_forever() -> None:
        began.set()
        await asyncio.Event().wait()

    job = Conduit.from_dict({"steps": [{"action": "PAUSE"}]}, blocks=[make_block(wait_forever, name="pause")])

    async def run_and_cancel() -> None:
        task = asyncio.create_task(job.run())
        await began.wait()
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run_and_cancel())
    assert job[1].status is ConduitStatus.NONE


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("x"), "INVALID_ARGUMENT"), (KeyError("x"), "UNHANDLED_EXCEPTION")]
)
def test_the_exception_of_a_coroutine_block_decides_its_status(
    run: Any, statuses: Any, make_block: Any, error: Exception, status: str
) -> None:
    async def fail() -> None:
        raise error

    assert statuses(run({"steps": [{"action": "FAIL"}]}, blocks=[make_block(fail)])) == [status]


def test_a_run_that_is_closed_while_a_block_waits_blames_no_step(make_block: Any) -> None:
    async def pause() -> None:
        await Pause()

    job = Conduit.from_dict({"steps": [{"action": "PAUSE"}]}, blocks=[make_block(pause)])
    running = job.run()
    running.send(None)
    running.close()
    assert (job[1].status, job[1].error) == (ConduitStatus.NONE, None)


def test_a_job_that_is_given_a_further_step_finishes_once_more() -> None:
    ended: list[Any] = []
    job = Conduit.from_dict({"steps": [TRUE]}, on_job_finish=lambda _, failed: ended.append(failed))
    asyncio.run(job.run())
    assert job
    job.load_step_list([FAIL])
    asyncio.run(job.run())
    assert not job
    assert ended == [None, job[2]]


def test_parameters_are_another_name_for_local_values_which_win_and_options_win_over_all() -> None:
    assert Conduit.from_dict({"parameters": {"a": 1}}).local_values == {"a": 1}
    assert Conduit.from_dict({"parameters": {"a": 1}, "local_values": {"a": 2}}).local_values == {"a": 2}
    assert Conduit.from_dict({"parameters": {"a": 1}}, local_values={"a": 3}).local_values == {"a": 3}
    assert Conduit.from_dict({"id": "a", "name": "b"}, id="c").id == "c"
    assert len(Conduit.from_dict({"steps": None})) == 0


def test_each_run_with_the_default_runtime_has_a_clock_of_its_own(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for now in (1e9, 2e9):  # as after a freeze of the sandbox, which its monotonic clock does not notice
        monkeypatch.setattr("time.time", lambda now=now: now)
        assert run({"steps": [TRUE]})[1].started_at == pytest.approx(now, abs=60)
