"""Properties of every possible job."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.block import REGISTRY
from handler.engine import Conduit, ConduitStatus
from handler.engine.language.tags import parse, resolve
from tests.examples import examples

SAME_EACH_TIME = [block.action for block in REGISTRY if not {"clock__", "entropy__"} & {*block.positional}]
"""Blocks whose results depend only on their arguments, not on the time or on random numbers."""
OPENERS = ("{% ", "{: ", "{# ", "{< ")
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
names = st.text('abcxyz{#%:<> \\."-1', min_size=1, max_size=8)
values = st.recursive(
    scalars
    | st.sampled_from(["{# v #}", "{: 1 :}", "{< p >}", "{% job.name %}", "\\{# v #}", "{# v", "{: later :} x"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
steps = st.fixed_dictionaries(
    {"action": st.sampled_from([*SAME_EACH_TIME, "NOPE"])},
    optional={
        "id": st.sampled_from(["a", "b", "later"]),
        "parameters": st.dictionaries(
            st.sampled_from(
                [
                    "text",
                    "list",
                    "value",
                    "value1",
                    "value2",
                    "text1",
                    "text2",
                    "name",
                    "dictionary",
                    "key",
                    "item",
                    "index",
                    "list1",
                    "list2",
                ]
            ),
            values,
            max_size=4,
        ),
        "if": st.booleans()
        | st.sampled_from(["", "yes", "{# v #}", "{: a :}", "{# nope #}"])
        | st.lists(st.text(max_size=3), max_size=2),
        "forced": st.booleans(),
        "allow_failure": st.booleans(),
    },
)
jobs = st.fixed_dictionaries(
    {"steps": st.lists(steps, max_size=8)},
    optional={
        "name": st.text(max_size=5),
        "variables": st.dictionaries(st.sampled_from(["v", "w", "a b"]), values, max_size=3),
        "parameters": st.dictionaries(st.sampled_from(["p", "q"]), values, max_size=2),
    },
)


def outcome(payload: dict[str, Any]) -> tuple[Any, ...]:
    job = Conduit.from_dict(json.loads(json.dumps(payload)))
    asyncio.run(job.run())
    return (
        job.success,
        [(step.id, step.status, step.result_json, step.error, step.variables_json, step.attempts) for step in job],
        json.dumps(job.variables),
    )


def escape(text: str) -> str:
    for opener in OPENERS:
        text = text.replace(opener, "\\" + opener)
    return text


@settings(max_examples=examples(300))
@given(jobs)
def test_the_loop_never_raises_and_each_step_ends_in_exactly_one_status(payload: dict[str, Any]) -> None:
    success, ended, _ = outcome(payload)
    assert len(ended) == len(payload["steps"])
    assert all(status is not ConduitStatus.NONE for _, status, *_ in ended)
    assert isinstance(success, bool)
    for _, status, result, error, _, attempts in ended:
        assert (result is not None) == (status is ConduitStatus.DONE)
        fine = status in (ConduitStatus.DONE, ConduitStatus.SKIPPED, ConduitStatus.IF_CONDITION_FAILED)
        assert (error is None) == fine
        assert attempts <= 1


@settings(max_examples=examples(100))
@given(jobs)
def test_a_job_run_twice_from_one_payload_ends_the_same(payload: dict[str, Any]) -> None:
    assert outcome(payload) == outcome(payload)


@settings(max_examples=examples(300))
@given(st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)))
def test_any_json_put_through_a_tag_comes_back_identical(value: Any) -> None:
    contexts = {"job": {"variables": {"v": value}}}
    assert json.dumps(resolve("{# v #}", contexts, lambda _: None)) == json.dumps(value)


@given(st.text() | st.text("{}#%:<> \\ab."))
def test_any_text_survives_when_its_openers_are_escaped(text: str) -> None:
    assert "".join(str(piece) for piece in parse(escape(text))) == text


@given(st.text("{}#%:<> \\ab.", max_size=60))
def test_no_text_breaks_the_parser_and_no_character_is_lost_around_tags(text: str) -> None:
    pieces = parse(text)
    plain = sum(len(piece) for piece in pieces if isinstance(piece, str))
    assert plain <= len(text)
    if not any(opener in text for opener in OPENERS):
        assert "".join(str(piece) for piece in pieces) == text


@settings(deadline=None)
@given(values)
def test_values_are_never_scanned_for_tags(value: Any) -> None:
    job = Conduit.from_dict(
        {
            "variables": {"v": 1},
            "parameters": {"p": value},
            "steps": [{"action": "OBJECT.COPY", "parameters": {"value": "{< p >}"}}],
        }
    )
    asyncio.run(job.run())
    if job.success:
        assert json.dumps(job[1].return_value) == json.dumps(value)
