"""Charges match costs: at its peak, a job of up to 256 KB takes at most four times its charges.

A step is charged for the values of its tags and expressions, for the values that its block announces, for its result,
and for the JSON that is kept of the result.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blocks.block import REGISTRY
from handler.engine import Conduit, ConduitStatus, Limits, Runtime
from tests.engine.ledger import SHARE, Measured
from tests.examples import examples

PAYLOAD = 256 * 1024

SCALARS = [0, 7, 123_456, 10**40, int("9" * 4_300), 1.5, True, None, "", "x", "ab", "é" * 50, "x" * 3_000]
ITEMS = st.sampled_from(
    [1, 3, 300, "", "ab", "word", None, 1.5, [], {}, [1], {"a": 1}, [[]], "é\U0001f600", {"k": "v", "n": 2}, "\u20ac"]
)
SIZES = st.sampled_from([1, 10, 1_000, 8_000, 20_000])


@st.composite
def lists(draw: st.DrawFn) -> Any:
    size, kind = draw(SIZES), draw(st.sampled_from(["one", "mixed", "different", "nested"]))
    if kind == "one":
        return [draw(ITEMS)] * size
    if kind == "mixed":
        return draw(st.lists(ITEMS, min_size=1, max_size=5)) * (size // 5 + 1)
    if kind == "different":
        return [{"k": f"v{at}", "n": at} for at in range(size // 4)]
    return [[draw(ITEMS)] * draw(st.integers(1, 4))] * (size // 2 + 1)


@st.composite
def objects(draw: st.DrawFn) -> Any:
    value = draw(ITEMS)
    return {f"key{at}": value for at in range(min(draw(SIZES), 6_000))}


STRINGS = st.tuples(st.sampled_from(["x", "é", "a b ", "1,2\n", "x=\U0001f600&", "%41", "&"]), SIZES).map(
    lambda drawn: drawn[0] * (2 * drawn[1])
)
MIXED_STRINGS = st.tuples(STRINGS, st.sampled_from(["", "\U0001f600", "\u20ac"])).map("".join)
ANY = st.one_of(lists(), objects(), MIXED_STRINGS, st.sampled_from(SCALARS))

# ---------------------------------------------------------------------- payloads

EXPRESSIONS = st.sampled_from(
    [
        "[x for x in parameters.l]",
        "[[x, x] for x in parameters.l]",
        "[{'a': x} for x in parameters.l]",
        "[str(x) for x in parameters.l if x]",
        "parameters.l + parameters.l",
        "parameters.l[1:]",
        "json(parameters.p)",
        "split(str(parameters.p))",
        "split(parameters.t, 'x')",
        "merge({}, parameters.d)",
        "keys(parameters.d) + values(parameters.d)",
        "items(parameters.d)",
        "unique(parameters.l)",
        "flatten([parameters.l, parameters.l])",
        "range(20000)",
        "join(parameters.l, ', ')",
        "upper(parameters.t) + trim(parameters.t)",
        "replace(parameters.t, 'x', 'xyz')",
        "sorted([len(str(x)) for x in parameters.l])",
        "group([{'k': str(x)} for x in parameters.l], 'k')",
        "index([{'k': str(x)} for x in parameters.l], 'k')",
        "parse_json(json(parameters.l))",
        "find_all(parameters.t, '.')",
        "sub(parameters.t, 'x', 'yy')",
        "{k: v for k in ['a', 'b'] for v in [parameters.l]}",
        "{str(x): x for x in parameters.l}",
        "[x for x in parameters.l] + [parameters.nothing]",
    ]
).map(lambda source: f"{{= {source} =}}")
TAGS = {
    "array": ["{< l >}", "{# l #}", "{< l.1:900 >}"],
    "object": ["{< d >}", "{# d #}", "{% job.parameters %}"],
    "string": ["{< t >}", "{< t >}-{< t >}", "{< t.0:900 >}", "{< p >}!"],
}
WRITTEN = st.one_of(
    EXPRESSIONS,
    EXPRESSIONS,
    st.sampled_from([tag for tags in TAGS.values() for tag in tags] + ["{: s0 :}", "{< p >}", "{= steps.s0.result =}"]),
    st.lists(st.sampled_from(["{< l >}", "{< p >}", "{: s0 :}", "-{< t >}"]), min_size=1, max_size=30),
    st.dictionaries(st.sampled_from(["a", "b", "{< t >}"]), st.sampled_from(["{< d >}", "{< p >}"]), max_size=3),
    ITEMS,
)
PURE = [block for block in REGISTRY if block.effect == "none" and block.category not in {"HTTP", "AWS"}]


@st.composite
def blocks(draw: st.DrawFn) -> Any:
    """A step that runs a block, with mostly valid arguments."""
    block = draw(st.sampled_from(PURE))
    given: dict[str, Any] = {}
    schema = block.schema()
    properties = schema.get("properties") or {"a": {}, "b": {}}
    for name, one in properties.items():
        kinds = [kind.get("type") for kind in one.get("anyOf", [one])]
        wanted = [tag for kind in kinds for tag in TAGS.get(kind, [])]
        if name in block.in_place:
            given[name] = "{# l #}" if "array" in kinds else "{# d #}"
        elif name in schema.get("required", [name]) or draw(st.integers(0, 3)) == 0:
            number = draw(st.sampled_from([1, 2, 30_000]))
            fits = st.sampled_from(wanted) if wanted else st.just(number) if "integer" in kinds else WRITTEN
            given[name] = draw(st.sampled_from(one["enum"]) if "enum" in one else fits)
    return {"action": block.action, "parameters": given}


@st.composite
def steps(draw: st.DrawFn) -> Any:
    kind = draw(st.sampled_from(["block"] * 6 + ["set", "set", "for_each", "while", "choose", "try"]))
    if kind == "block":
        return draw(blocks())
    if kind == "set":
        return {"set": {"v": draw(WRITTEN), "w": draw(WRITTEN)}}
    inside = [{"id": "i", "allow_failure": True, **draw(blocks())}, {"id": "j", **draw(blocks())}]
    if kind == "for_each":
        items = draw(st.sampled_from(["{< l.0:9 >}", "{= parameters.l[:5] =}", "{= range(9) =}", "{= [{< l >}] =}"]))
        return {"for_each": items, "tolerate": {"percent": 100}, "do": inside}
    if kind == "while":
        return {"while": "{= loop.index < 3 =}", "max": 5, "do": inside}
    if kind == "choose":
        return {"choose": [{"if": draw(st.sampled_from(["{< l >}", "{= len(parameters.t) > 9 =}"])), "do": inside}]}
    return {"try": inside, "catch": [{"id": "k", "set": {"v": "{% job.failed_step.error.message %}"}}]}


@st.composite
def payloads(draw: st.DrawFn) -> Any:
    parameters = {"l": draw(lists()), "d": draw(objects()), "t": draw(MIXED_STRINGS), "p": draw(ANY)}
    variables = {"v": draw(ITEMS), "l": draw(lists()) if draw(st.booleans()) else [1], "d": {"a": draw(ITEMS)}}
    listed = []
    for at, step in enumerate(draw(st.lists(steps(), min_size=1, max_size=5))):
        tolerates = {} if "choose" in step or "try" in step else {"allow_failure": True}
        inner = {key: _with_ids(step[key], at) for key in ("do", "try", "catch") if key in step}
        listed.append({"id": f"s{at}", **step, **tolerates, **inner})
    payload = {"parameters": parameters, "variables": variables, "steps": listed}
    return payload | ({"output": draw(WRITTEN)} if draw(st.booleans()) else {})


def _with_ids(steps: list[Any], at: int) -> list[Any]:
    return [{**step, "id": f"{step['id']}{at}"} for step in steps]


@settings(max_examples=examples(40), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(payloads())
def test_a_job_takes_at_most_four_times_its_charges(payload: Any) -> None:
    if len(json.dumps(payload).encode()) > PAYLOAD:
        return
    measured = Measured(payload)
    assert measured.needed <= SHARE * measured.charged, str(measured)


DROPPED = [
    "[x for x in parameters.l] + [parameters.nothing]",
    "[[x] for x in parameters.l]",
    "len([[x, x, x, x, x, x, x, x] for x in parameters.l])",
    "len([{'a': x, 'b': x, 'c': x} for x in parameters.l])",
]


@pytest.mark.parametrize("source", DROPPED)
def test_a_value_that_an_expression_drops_is_charged_too(source: str) -> None:
    measured = Measured({"parameters": {"l": [1] * 10_000}, "steps": [{"set": {"v": f"{{= {source} =}}"}}]})
    assert measured.needed <= SHARE * measured.charged, str(measured)


@pytest.mark.parametrize("source", ["[x for x in parameters.l]", "[x for x in parameters.l if x]", "parameters.l[1:]"])
def test_a_list_that_an_expression_builds_on_its_way_is_charged(source: str) -> None:
    job = Conduit.from_dict({"parameters": {"l": [1] * 1_000}, "steps": [{"set": {"n": f"{{= len({source}) =}}"}}]})
    asyncio.run(job.run(Runtime(limits=Limits(parameters=1_000))))
    assert job[1].status is ConduitStatus.RESULT_LIMIT_EXCEED
