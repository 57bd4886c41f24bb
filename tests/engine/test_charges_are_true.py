"""What is charged is what it costs: a job of up to 256 KB holds at most four times that, and needs at most eight times.

The difference is what lives for a moment: a block's arguments are copied when they are checked, and a result when it is
encoded.

Charges are what the tags of a step expand to, what its block announces, and what its result weighs.
"""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.block import REGISTRY
from handler.engine import Conduit
from handler.engine import values as engine_values
from handler.engine.call import Budget
from handler.engine.charges import weigh
from handler.engine.step_turn import StepTurn
from handler.engine.variables import Variables

PAYLOAD = 256 * 1024
FOR_EACH_STEP = 16 * 1024
"""Bytes that a step may take whatever its values are: its parts, its records, its compiled expressions."""
HELD, NEEDED = 4, 8
ENCODING = 24
"""Bytes that encoding a result takes for a moment, for each byte of its JSON: Python's encoder makes a string of each
of its parts. One result at a time is encoded."""

# ---------------------------------------------------------------------- payloads drawn from the grammar

SCALARS = st.sampled_from(
    [0, 7, 123_456, 10**40, int("9" * 4_300), 1.5, True, None, "", "x", "ab", "é" * 50, "x" * 3_000]
)
ITEMS = st.sampled_from(
    [1, 3, "", "ab", "word", None, 1.5, [], {}, [1], {"a": 1}, [[]], "é\U0001f600", {"k": "v", "n": 2}]
)


@st.composite
def values(draw: st.DrawFn) -> Any:
    """A scalar, or a container of many items, which is where memory is."""
    kind = draw(st.sampled_from(["scalar", "list", "mixed", "object", "nested", "string"]))
    size = draw(st.sampled_from([1, 10, 1_000, 12_000]))
    if kind == "scalar":
        return draw(SCALARS)
    if kind == "list":
        return [draw(ITEMS)] * size
    if kind == "mixed":
        return draw(st.lists(ITEMS, min_size=1, max_size=5)) * (size // 5 + 1)
    if kind == "object":
        value = draw(ITEMS)
        return {f"key{at}": value for at in range(min(size, 5_000))}
    if kind == "nested":
        return [[draw(ITEMS)] * draw(st.integers(1, 4))] * (size // 2 + 1)
    return draw(st.sampled_from(["x", "é", "a b ", "1,2\n", "x=\U0001f600&"])) * size


OPERANDS = st.sampled_from(
    ["{< p0 >}", "{< p1 >}", "{# v #}", "{: s0 :}", "{< p0.0 >}", "{< p0.1:900 >}", "{% job.parameters %}"]
)
EXPRESSIONS = st.sampled_from(
    [
        "[x for x in parameters.p0]",
        "[[x, x] for x in parameters.p0]",
        "[{'a': x} for x in parameters.p0]",
        "parameters.p0 + parameters.p0",
        "json(parameters.p1)",
        "split(str(parameters.p0))",
        "merge({}, parameters.p1)",
        "keys(parameters.p1) + values(parameters.p1)",
        "items(parameters.p1)",
        "unique(parameters.p0)",
        "flatten([parameters.p0, parameters.p0])",
        "range(20000)",
        "join(parameters.p0, ', ')",
        "upper(str(parameters.p1))",
        "sorted([len(str(x)) for x in parameters.p0])",
        "parse_json(json(parameters.p0))",
        "{k: v for k in ['a', 'b'] for v in [parameters.p0]}",
    ]
).map(lambda source: f"{{= {source} =}}")
WRITTEN = st.one_of(
    OPERANDS,
    OPERANDS,
    EXPRESSIONS,
    st.lists(OPERANDS, min_size=1, max_size=40),
    st.tuples(OPERANDS, OPERANDS).map("-".join),
    st.dictionaries(st.sampled_from(["a", "b", "{< p0 >}"]), OPERANDS, max_size=3),
    ITEMS,
)
ACTIONS = st.sampled_from(
    [
        "LISTS.CREATE", "LISTS.COPY", "LISTS.MERGE", "LISTS.FLATTEN", "LISTS.CHUNK", "LISTS.ZIP", "LISTS.UNIQUE",
        "LISTS.EXTEND", "LISTS.APPEND", "LISTS.RANGE", "DICTIONARY.CREATE", "DICTIONARY.MERGE", "DICTIONARY.LIST_ITEMS",
        "DICTIONARY.LIST_KEYS", "DICTIONARY.LIST_VALUES", "DICTIONARY.PICK", "DICTIONARY.OMIT", "OBJECT.COPY",
        "OBJECT.SLICE_VALUE", "TEXT.CREATE", "TEXT.JOIN", "TEXT.JOIN_LIST", "TEXT.SPLIT", "TEXT.REPLACE",
        "TEXT.UPPERCASE", "TEXT.PAD", "JSON.TEXT", "JSON.PARSE", "CSV.PARSE", "CSV.TEXT", "URL.BUILD", "URL.PARSE",
        "ENCODE.URL", "ENCODE.HTML", "ENCODE.BASE64", "MATH.MULTIPLY", "VARIABLE.SET",
    ]
)  # fmt: skip


@st.composite
def steps(draw: st.DrawFn) -> Any:
    kind = draw(st.sampled_from(["block", "block", "block", "set", "loop"]))
    if kind == "set":
        return {"set": {"v": draw(WRITTEN), "w": draw(WRITTEN)}, "allow_failure": True}
    action = draw(ACTIONS)
    block = REGISTRY.get(action)
    assert block is not None
    names = list(block.schema()["properties"]) or ["a", "b"]
    given: dict[str, Any] = {name: draw(WRITTEN) for name in names if draw(st.booleans()) or name != names[-1]}
    for name, value in (("size", 1), ("start", 0), ("stop", 30_000), ("length", 90_000), ("separator", " ")):
        if name in given and draw(st.booleans()):
            given[name] = value
    if action in {"LISTS.EXTEND", "LISTS.APPEND"}:
        given[names[0]] = "{# v #}"
    step = {"action": action, "parameters": given, "allow_failure": True}
    if kind == "loop":
        return {
            "for_each": draw(OPERANDS),
            "tolerate": {"percent": 100},
            "do": [{"id": "i", **step}],
            "allow_failure": True,
        }
    return step


@st.composite
def payloads(draw: st.DrawFn) -> Any:
    parameters = {"p0": draw(values()), "p1": draw(values())}
    listed = [{"id": f"s{at}", **step} for at, step in enumerate(draw(st.lists(steps(), min_size=1, max_size=6)))]
    return {"parameters": parameters, "variables": {"v": draw(ITEMS)}, "steps": listed}


# ---------------------------------------------------------------------- what is charged, and what it takes


class Encoder:
    """The encoder of results, and how many bytes the longest one had."""

    def __init__(self, encoder: json.JSONEncoder) -> None:
        self._encoder = encoder
        self.longest = 0

    def encode(self, value: Any) -> str:
        text = self._encoder.encode(value)
        self.longest = max(self.longest, len(text.encode("utf-8", "surrogatepass")))
        return text


@contextmanager
def counted() -> Iterator[tuple[list[int], Encoder]]:
    """Sums up all charges."""
    total, encoder = [0], Encoder(engine_values._encoder)
    with pytest.MonkeyPatch.context() as patch:

        def count(owner: Any, name: str, argument: int) -> None:
            method = getattr(owner, name)

            def charge(*args: Any) -> Any:
                made = method(*args)
                total[0] += max(0, args[1] if argument else made)
                return made

            patch.setattr(owner, name, charge)

        count(Budget, "charge", 1)
        count(StepTurn, "charge_tags", 1)
        count(Variables, "_weigh", 0)
        patch.setattr(engine_values, "_encoder", encoder)
        yield total, encoder


@settings(max_examples=15, deadline=None, derandomize=True)
@given(payloads())
def test_a_job_holds_at_most_four_times_what_is_charged_for_it_and_needs_at_most_eight_times(payload: Any) -> None:
    size = len(json.dumps(payload).encode())
    if size > PAYLOAD:
        return
    asyncio.run(Conduit.from_dict(json.loads(json.dumps(payload))).run())  # loads the code that the job needs
    copy = json.loads(json.dumps(payload))
    with counted() as (charged, encoder):
        job = Conduit.from_dict(copy)
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            asyncio.run(job.run())
            held, needed = (size - before for size in tracemalloc.get_traced_memory())
        finally:
            tracemalloc.stop()
    recorded = len(job.steps) + sum(step.run.index if step.run is not None else 0 for step in job.steps)
    steps = FOR_EACH_STEP * (1 + recorded)
    kept = weigh(job.store.values, 1 << 40, 1 << 10)  # variables have a budget of their own
    assert held <= HELD * (charged[0] + size + kept) + steps
    assert needed <= NEEDED * (charged[0] + size) + steps + ENCODING * encoder.longest
