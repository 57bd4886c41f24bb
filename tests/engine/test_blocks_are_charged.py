"""Every shipped block charges for the values that it builds: a job with one such step takes at most four times that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from blocks.block import REGISTRY, Block
from handler.engine import ConduitStatus
from tests.engine.ledger import Measured
from tests.examples import ALL


def size(most: int) -> int:
    """The size of a value: half of it in the suite, which takes half the time."""
    return most if ALL else most // 2


LARGE: dict[str, list[Any]] = {
    "string": [
        "ab " * size(6_000),
        "x" * 16_000 + "\U0001f600",
        "\ufdfa" * size(4_000),
        "1,2\n" * size(4_000),
        "%41&" * size(4_000),
        "YWJj" * size(4_000),
        "https://a.example/?" + "a=b&" * size(4_000),
        "[" + "{}," * size(4_000) + '"ab",300,' * size(1_000) + '{"a":1}]',
    ],
    "array": [
        [1] * size(8_000),
        [300 + at for at in range(size(4_000))],
        ["ab"] * size(4_000),
        ["\u20ac"] * size(3_000),
        [[]] * size(5_000),
        [[f"a{at}", at] for at in range(size(1_500))],
        [{"k": f"v{at}", "n": at} for at in range(size(1_000))],
        [{"k": [at], "n": {"a": at}} for at in range(size(800))],
        [10**40 + at for at in range(size(600))],
    ],
    "object": [{f"key{at}": at for at in range(size(1_500))}, {f"{at}": [] for at in range(size(2_000))}],
}
"""Values that take much memory for their size as JSON, by the type of a parameter."""
DEAREST = (1, 2, 4)
"""Turns whose values take most for what is charged. The suite runs these; `make properties` runs all."""
LARGE["any"] = [{"a": ["ab"] * size(4_000), "b": {}}, LARGE["string"][1], LARGE["array"][7], LARGE["array"][1]]
SMALL: dict[str, list[Any]] = {"integer": [1], "number": [2], "boolean": [True, False], "null": [None]}
BY_NAME: dict[str, list[Any]] = {
    "stop": [8_000],
    "length": [16_000],
    "pattern": ["(a)|(b)?", "[^,]", ""],
    "delimiter": [","],
    "separator": [" ", ","],
    "old": ["a", ""],
    "key": ["k", "n"],
    "path": ["a.b", "a." * 8_000 + "a"],
    "operator": ["exists"],
    "format": ["%Y"],
    "zone": ["UTC"],
    "time": ["2026-11-26T19:00:00Z"],
    "base": ["https://a.example"],
    "name": ["v"],
    "at": ["06:00"],
}
"""Values of parameters that accept only specific ones, by the parameter's name."""

REFUSING: frozenset[str] = frozenset(
    {"HASH.HMAC", "LISTS.REMOVE", "LOGIC.BITWISE_AND", "LOGIC.BITWISE_NOT", "LOGIC.FAIL", "LOGIC.IF", "LOGIC.IF_ASSERT"}
    | {"LOGIC.NOT_ASSERT", "MATH.ABS", "MATH.CREATE_FLOAT", "MATH.CREATE_INTEGER", "OBJECT.APPLY_SLICE", "TIME.DIFF"}
    | {"TIME.PARSE", "VARIABLE.CREATE"}
)
"""Blocks that accept none of these values. Any other block must end DONE in some turn, or it was not measured."""


def types_of(schema: dict[str, Any]) -> Iterator[str]:
    for one in schema.get("anyOf", [schema]):
        if one.get("prefixItems"):
            continue
        yield one.get("type", "any")


def values_of(name: str, schema: dict[str, Any], turn: int) -> Any:
    """The values of a parameter in a turn. They vary, so no two parameters have the same values in all turns."""
    if name in BY_NAME:
        found = BY_NAME[name]
    elif "enum" in schema:
        found = schema["enum"]
    else:
        kinds = [kind for kind in types_of(schema) if kind != "null"]
        found = []
        for kind in kinds:
            found += LARGE.get(kind) or SMALL.get(kind, [None])
    return found[turn % len(found)]


def turns_of(block: Block[..., Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Turns, the dearest first, and a payload of one step for each: each parameter has a value large for its type."""
    schema = block.schema()
    properties = {name: one for name, one in schema.get("properties", {}).items() if not one.get("deprecated")}
    if not properties:
        properties = {"a": {}, "b": {}} if schema.get("additionalProperties") is not False else {}
    required = schema.get("required", [])
    turns = max((len(LARGE[kind]) for one in properties.values() for kind in types_of(one) if kind in LARGE), default=1)
    for turn in sorted(range(turns), key=lambda turn: turn not in DEAREST):
        for names in [tuple(properties), tuple(name for name in properties if name in required)]:
            if names == tuple(properties) and turn % 2 and len(required) < len(names):
                continue  # most jobs omit optional parameters
            given = {name: values_of(name, properties[name], turn) for name in names}
            changed = next((given[name] for name in names if name in block.in_place), 1)
            written = {name: "{# v #}" if name in block.in_place else f"{{< {name} >}}" for name in names}
            step = {"action": block.action, "parameters": written}
            yield turn, {"parameters": given, "variables": {"v": changed}, "steps": [step]}


def is_pure(block: Block[..., Any]) -> bool:
    return block.effect == "none" and block.category not in {"HTTP", "AWS"}


@pytest.mark.share
@pytest.mark.parametrize("action", [block.action for block in REGISTRY if is_pure(block)])
def test_a_block_takes_at_most_four_times_its_charges(action: str) -> None:
    block = REGISTRY.get(action)
    assert block is not None
    statuses, seen = set[ConduitStatus](), set[str]()
    for turn, payload in turns_of(block):
        if not ALL and turn not in DEAREST and (ConduitStatus.DONE in statuses or action in REFUSING):
            break
        text = json.dumps(payload)
        if text in seen:
            continue
        seen.add(text)
        measured = Measured(payload, warm=False)
        if not measured.is_held:  # this run imported code, or filled a cache
            measured = Measured(payload)
        statuses.add(measured.job.steps[0].status)
        assert measured.is_held, f"{measured} {text[:200]}"
    assert (ConduitStatus.DONE in statuses) != (action in REFUSING), "add a value that the block accepts to BY_NAME"
