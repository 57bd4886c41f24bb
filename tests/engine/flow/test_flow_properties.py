"""Generated flows: a job that is resumed at any record ends with the same records as one that is not."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from handler.engine import Conduit, ConduitStatus, ConduitStep
from tests.engine.resuming import Recording, outline, record_of
from tests.examples import examples

CONDITIONS = [
    "{= variables.n % 2 == 0 =}",
    "{= variables.n > 3 =}",
    True,
    False,
    "{= nope =}",
    "{= job.success == false =}",
]
LISTS = [[1, 0, 2], [], [[1], [0, 2]], "{= range(variables.n % 4) =}", {"a": 1, "b": 0}, "{= 1 =}", [0, 0, 0, 0]]
VALUES = [1, "{# n #}", "{= variables.n + 1 =}", "{= 1 / 0 =}", "x"]
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "if": st.sampled_from(CONDITIONS),
        "forced": st.just(True),
        "allow_failure": st.just(True),
    },
)


@st.composite
def lists_of_steps(draw: st.DrawFn, depth: int, in_loop: bool, prefix: str, least: int = 0) -> list[dict[str, Any]]:
    return [
        draw(one_step(depth, in_loop, f"{prefix}{index}"))
        for index in range(draw(st.integers(min_value=least, max_value=3)))
    ]


@st.composite
def one_step(draw: st.DrawFn, depth: int, in_loop: bool, name: str) -> dict[str, Any]:
    kinds = ["block", "assert", "set", "end", "count"]
    kinds += ["for_each", "while", "choose", "try", "short"] if depth < 3 else []
    kind = draw(st.sampled_from(kinds))
    step: dict[str, Any] = {"id": name, **draw(OPTIONS)}
    inner = lists_of_steps(depth + 1, True, f"{name}x", 1)
    match kind:
        case "block":
            step |= {"action": "OBJECT.COPY", "parameters": {"value": draw(st.sampled_from(VALUES))}}
        case "assert":
            step |= {"action": "LOGIC.ASSERT", "parameters": {"value": draw(st.sampled_from(["{# n #}", True, False]))}}
        case "count":
            step |= {"set": {"n": "{= variables.n + 1 =}"}}
        case "set":
            step |= {"set": {"n": draw(st.sampled_from([0, 2, "{= variables.n * 2 % 7 =}", "{= nope =}"]))}}
        case "end":
            step |= {"end": draw(st.sampled_from(["job", "loop", "item"] if in_loop else ["job"]))}
            step.pop("allow_failure", None)
        case "for_each":
            step |= {
                "for_each": draw(st.sampled_from(LISTS)),
                "do": draw(inner),
                "tolerate": {"count": draw(st.integers(0, 2))},
            }
        case "short":
            step |= {"for_each": draw(st.sampled_from(LISTS)), "action": "LOGIC.ASSERT"}
            step |= {
                "parameters": {"value": "{% item %}"},
                "tolerate": {"percent": draw(st.sampled_from([0, 50, 100]))},
            }
        case "while":
            step |= {"while": draw(st.sampled_from([*CONDITIONS, "{= loop.index < 2 =}"])), "max": 3, "do": draw(inner)}
        case "choose":
            step.pop("allow_failure", None)
            branch = lists_of_steps(depth + 1, in_loop, f"{name}y", 1)
            step["choose"] = [{"if": draw(st.sampled_from(CONDITIONS)), "do": draw(branch)} for _ in range(2)]
            step["else"] = draw(lists_of_steps(depth + 1, in_loop, f"{name}y"))
        case "try":
            step.pop("allow_failure", None)
            step["try"] = draw(lists_of_steps(depth + 1, in_loop, f"{name}t", 1))
            step["catch"] = draw(lists_of_steps(depth + 1, in_loop, f"{name}c"))
    return step


@st.composite
def jobs(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "variables": {"n": draw(st.integers(0, 4))},
        "steps": draw(lists_of_steps(0, False, "s", 1)),
        "output": draw(st.sampled_from([None, "{# n #}", "{= nope =}"])),
    }


@settings(max_examples=examples(120))
@given(jobs())
def test_a_job_that_is_resumed_at_any_record_ends_as_it_did_at_once(payload: dict[str, Any]) -> None:
    whole, job = record_of(payload)

    for records in range(0, len(whole.records) + 1, 1 + len(whole.records) // 25):
        again = whole.cut(records)
        resumed = again.listen(again.restored(records))
        asyncio.run(resumed.run())
        assert outline(again) == outline(whole), records
        assert resumed.success == job.success
        assert json.dumps(resumed.variables) == json.dumps(job.variables)
        assert getattr(resumed.failed_step, "path", None) == getattr(job.failed_step, "path", None)
        assert resumed.output == job.output


@settings(max_examples=examples(120))
@given(jobs())
def test_each_path_is_recorded_once_and_each_loop_that_opens_closes(payload: dict[str, Any]) -> None:
    whole, job = record_of(payload)

    paths = [(record["path"], record["phase"] == "close") for record in whole.records]
    assert len(set(paths)) == len(paths)
    opened = {record["path"] for record in whole.records if record["phase"] == "open"}
    assert opened == {record["path"] for record in whole.records if record["phase"] == "close"}
    assert job.success is (job.failed_step is None)
    assert all(step.status is not ConduitStatus.NONE for step in job)


@settings(max_examples=examples(120))
@given(jobs(), st.integers(0, 40))
def test_a_job_that_was_cancelled_and_goes_on_at_the_first_cancelled_record_ends_as_it_did_at_once(
    payload: dict[str, Any], after: int
) -> None:
    whole, job = record_of(payload)
    cancelled = Recording(payload)
    going = cancelled.listen(Conduit.from_dict(json.loads(json.dumps(payload))))
    record = going.on_step_update

    def cancel(job: Conduit, step: ConduitStep) -> None:
        assert record is not None
        record(job, step)
        if len(cancelled.records) > after:
            job.cancel()

    going.on_step_update = cancel
    asyncio.run(going.run())
    statuses = [entry["status"]["name"] for entry in cancelled.records]
    first = statuses.index("CANCELLED") if "CANCELLED" in statuses else len(statuses)
    assert "DONE" not in statuses[first:]

    again = cancelled.cut(first)
    resumed = again.listen(again.restored(first))
    asyncio.run(resumed.run())
    assert outline(again) == outline(whole)
    assert (resumed.success, resumed.output) == (job.success, job.output)
    assert json.dumps(resumed.variables) == json.dumps(job.variables)
