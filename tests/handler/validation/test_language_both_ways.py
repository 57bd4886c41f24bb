"""Validation against runs of jobs with loops, choices and tries: it reports no error that the run does not have."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from itertools import chain, count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from handler.caller import Rights
from handler.engine import Conduit
from handler.payload.parse import parse
from handler.validation.validate import find_problems
from tests.examples import examples

STRINGS = st.sampled_from(
    [
        *["x", "5", "{< p >}", "{< nope >}", "{# v #}", "{# w #}", "{# nope #}", "{: a :}", "{: b :}", "{: l :}"],
        *["{: i :}", "{% item %}", "{% row.k %}", "{% loop.index %}", "{% loop.outer.index %}", "{% loop.count %}"],
        *["{% steps.l.items.0.status.name %}", "{% steps.t.failed_step.id %}", "{% steps.a.error.message %}"],
        *["{= parameters.n + 1 =}", "{= parameters.n + 'a' =}", "{= steps.a.result =}", "{= steps.zz.result =}"],
        *["{= variables.w =}", "{= item =}", "{= loop.index + 1 =}", "{= len(steps.l.items) =}", "{= 1 +  =}"],
        *["{= steps.a.result + variables.nope =}", "{= default(variables.nope, 1) =}", "{= try(1 / 0, 2) =}"],
        *["{% steps.a.status.name %}", "{: a.0 :}", "n: {< n >}{= parameters.nope =}", "{% job.failed_step.id %}"],
    ]
)
CONDITIONS = st.sampled_from(
    [
        "{< yes >}",
        "{< no >}",
        "{= parameters.n > 1 =}",
        "{: a :}",
        "{< n >} > 5",
        "yes",
        "",
        True,
        "{# nope #}",
        "{# w #}",
    ]
)
LETTERS = "albitcdefghjkmnopqrsu"
"""Ids in the order in which steps get them, each once, so that a path identifies one step of the payload."""


def inner(steps: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    some = st.lists(steps, min_size=1, max_size=3)
    items = st.sampled_from(["{< rows >}", "{< p >}", [1, 2], [], "{: a :}", {"k": 1}, 5, "{< nope >}"])
    return st.one_of(
        [
            st.fixed_dictionaries(
                {"for_each": items, "do": some, "tolerate": st.just({"percent": 100})},
                optional={"as": st.sampled_from(["item", "row"])},
            ),
            st.fixed_dictionaries({"while": CONDITIONS, "max": st.just(2), "do": some}),
            st.fixed_dictionaries(
                {"choose": st.lists(st.fixed_dictionaries({"if": CONDITIONS, "do": some}), min_size=1, max_size=2)},
                optional={"else": some},
            ),
            st.fixed_dictionaries({"try": some}, optional={"catch": some}),
        ]
    )


def step_of(step: dict[str, Any], condition: Any) -> dict[str, Any]:
    return {"forced": True, **step, **({} if condition is None else {"if": condition})}


def lists_of(step: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [step.get(key) or [] for key in ("do", "else", "try", "catch")] + [b["do"] for b in step.get("choose", [])]


def with_ids(steps: list[dict[str, Any]], letters: Iterator[str]) -> list[dict[str, Any]]:
    named = []
    for step in steps:
        one = {"id": next(letters), **step}
        one |= {key: with_ids(step[key], letters) for key in ("do", "else", "try", "catch") if key in step}
        if "choose" in step:
            one["choose"] = [{**branch, "do": with_ids(branch["do"], letters)} for branch in step["choose"]]
        named.append(one)
    return named


BLOCKS = st.fixed_dictionaries(
    {"action": st.just("TEXT.JOIN"), "parameters": st.fixed_dictionaries({"text1": STRINGS, "text2": st.just("b")})}
)
COPIES = st.fixed_dictionaries(
    {"action": st.sampled_from(["OBJECT.COPY", "OBJECT.COPI"]), "parameters": st.fixed_dictionaries({"value": STRINGS})}
)
SETS = st.fixed_dictionaries({"set": st.dictionaries(st.sampled_from(["v", "w"]), STRINGS, min_size=1)})
PLAIN = st.builds(step_of, BLOCKS | COPIES | SETS, st.none() | st.none() | CONDITIONS)
STEPS = st.recursive(PLAIN, lambda steps: st.builds(step_of, inner(steps), st.none() | CONDITIONS), max_leaves=6)
JOBS = st.fixed_dictionaries(
    {
        "parameters": st.just({"p": "n", "n": 7, "yes": True, "no": False, "rows": [{"k": 1}, {"k": 2}]}),
        "variables": st.just({"v": "text"}),
        "steps": st.lists(STEPS, min_size=1, max_size=5),
    }
)


def depth(step: Any) -> int:
    here = any(key in step for key in ("for_each", "while", "choose"))
    return here + max((depth(one) for steps in lists_of(step) for one in steps), default=0)


@settings(max_examples=examples(300))
@given(JOBS.filter(lambda job: all(depth(step) <= 4 for step in job["steps"])))
def test_an_error_before_the_run_is_the_status_of_the_step(job: dict[str, Any]) -> None:
    payload = parse({**job, "steps": with_ids(job["steps"], chain(LETTERS, map(str, count())))})
    ended: dict[str, set[str]] = {}

    def note(_job: Conduit, step: Any) -> None:
        lost = (step.error or {}).get("type") in {"PathError", "ExpressionError", "MissingError"}
        path = re.sub(r"(?<=\.)\d+(?=\.|$)", "*", step.path)
        ended.setdefault(path, set()).update({step.status.name, *(["INVALID_TYPE"] if lost else [])})

    run = Conduit.from_dict(payload.as_job(), on_step_update=note, step_limit=1000)
    asyncio.run(run.run())
    for problem in find_problems(payload, Rights(frozenset(), 1000)):
        statuses = ended.get(problem.path or "", set())
        if problem.severity == "error" and statuses - {"SKIPPED"}:  # otherwise its turn never came
            assert problem.code in statuses, (problem, statuses)
