"""Validation against runs: it reports no error that a run would not have, and finds every mistake in literals."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.block import REGISTRY
from handler.caller import Rights
from handler.engine import Conduit, ConduitStatus
from handler.payload.parse import parse
from handler.payload.problem import Problem
from handler.validation.validate import find_problems
from tests.examples import examples, share

CASES = [
    json.loads(line)
    for line in (Path(__file__).parent.parent.parent / "compat" / "cases.jsonl").read_text().splitlines()
]
NOBODY = Rights(frozenset(), 1000)


def errors_of(job: dict[str, Any], rights: Rights = NOBODY) -> dict[int, list[Problem]]:
    found: dict[int, list[Problem]] = {}
    for problem in find_problems(parse(job), rights):
        if problem.severity == "error":
            found.setdefault(int(problem.pointer.split("/")[2]), []).append(problem)
    return found


@pytest.mark.share
@pytest.mark.parametrize("case", share(CASES, 2))
def test_validation_reports_the_errors_of_the_run_and_all_that_literal_arguments_cause(case: dict[str, Any]) -> None:
    errors, ends = errors_of(case["payload"]), case["expect"]["steps"]
    for index, found in errors.items():
        status = ends[index]["status"]
        if status != "SKIPPED":  # its turn never came
            assert {problem.code for problem in found} == {status}
    for index, (written, ended) in enumerate(zip(case["payload"]["steps"], ends, strict=True)):
        literal = "{" not in json.dumps(written["parameters"])[1:-1]
        if ended["status"] == "INVALID_TYPE" and literal and written.get("if") in (None, "yes"):
            assert [problem.code for problem in errors[index]][:1] == ["INVALID_TYPE"], written


def test_the_cases_do_show_errors() -> None:
    assert sum(len(errors_of(case["payload"])) for case in CASES) > 100


VALUES = st.sampled_from(
    [
        *["", "x", "5", "yes", 0, 1, -2, 2.5, True, False, None, [], [1, 2], ["a", "b"], {}, {"k": 1}],
        *["{# v #}", "{# d #}", "{# d.k #}", "{# t #}", "{# w #}", "{# nope #}", "{# v.9 #}", "{# v.0:1 #}"],
        *["{< p >}", "{< o.a >}", "{< o.a.z >}", "{< l.1 >}", "{< nope >}", "{% job.name %}", "{% job.id %}"],
        *["{: a :}", "{: b :}", "{: 3 :}", "{: a.0 :}", "{: nope :}", "x {: a :}", "x {# v #} y", "{# {< p >} #}"],
        *["{% steps.a.status.name %}", "{% steps.b.action %}", "{% job.success %}", "{% job %}", "{% nope %}"],
        *[["{: a :}", 1], {"{< p >}": 1}, {"k": "{: a :}"}, ["{# nope #}"], "{% job.variables %}", "{% steps %}"],
        *["{# _x #}", r"\{# v #}", {"a": {"b": [0]}}],
    ]
)
CONDITIONS = st.sampled_from([None, None, None, True, False, "", "{# v #}", "{: a :}", ["{# nope #}"], ["", "{# x #}"]])
ACTIONS = sorted(block.action for block in REGISTRY if block.category != "PROBE")


@st.composite
def steps(draw: st.DrawFn) -> dict[str, Any]:
    action = draw(st.sampled_from(ACTIONS))
    block = REGISTRY.get(action)
    assert block is not None
    names = st.sampled_from([*block.schema()["properties"], *block.schema()["properties"], "other", "{< p >}"])
    step: dict[str, Any] = {"action": draw(st.sampled_from([action, action, action.lower(), "NO." + action]))}
    step["parameters"] = draw(st.dictionaries(names, VALUES, max_size=4))
    step["forced"] = True  # so that every step's turn comes
    condition = draw(CONDITIONS)
    if condition is not None:
        step["if"] = condition
    id_ = draw(st.sampled_from([None, None, "a", "b", "2"]))
    if id_ is not None:
        step["id"] = id_
    return step


JOBS = st.fixed_dictionaries(
    {
        "name": st.just("v"),
        "variables": st.just({"v": [3, 1, 2], "d": {"k": 1}, "t": "text", "n": 4}),
        "parameters": st.just({"p": "n", "o": {"a": 1}, "l": [1, "2"]}),
        "steps": st.lists(steps(), max_size=6),
    }
)


@settings(max_examples=examples(300))
@given(JOBS)
def test_an_error_before_the_run_is_the_status_of_the_step(job: dict[str, Any]) -> None:
    errors = errors_of(job)
    run = Conduit.from_dict(parse(job).as_job(), step_limit=1000)
    asyncio.run(run.run())
    for index, found in errors.items():
        ended = run.steps[index]
        codes = {problem.code for problem in found}
        if codes == {"INVALID_TYPE"} and (ended.error or {})["type"] == "PathError":
            continue  # its tag has no value in a result that validation cannot know, and tags are checked before types
        assert ended.status.name in codes, (ended.error, found, job["steps"])


@settings(max_examples=examples(100))
@given(JOBS)
def test_a_step_refused_for_its_literals_was_an_error_before(job: dict[str, Any]) -> None:
    errors = errors_of(job)
    run = Conduit.from_dict(parse(job).as_job(), step_limit=1000)
    asyncio.run(run.run())
    for index, (written, ended) in enumerate(zip(job["steps"], run.steps, strict=True)):
        literal = "{" not in "".join(map(str, [*written["parameters"].values(), *written["parameters"]]))
        if ended.status is ConduitStatus.INVALID_TYPE and literal and written.get("if") in (None, True):
            assert index in errors
