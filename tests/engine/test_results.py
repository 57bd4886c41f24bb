"""Results are kept as copies in canonical JSON, within their limits."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from handler.engine import ConduitStatus, Limits, Runtime
from handler.engine.values import LIGHT, UnstorableValueError, keep
from handler.engine.variables import Variables


def show(value: Any, **more: Any) -> dict[str, Any]:
    return {"action": "OBJECT.COPY", "parameters": {"value": value}, **more}


def levels(depth: int, inner: Any) -> Any:
    """A value of `depth` levels: `inner` is the deepest, and each level also has values that are less deep."""
    for level in range(depth - 1):
        inner = {"a": {}, "k": inner, "l": [1]} if level % 2 else [[1], inner, {}]
    return inner


def test_parameters_nested_without_end_are_a_status(run: Any, statuses: Any) -> None:
    value: Any = []
    for _ in range(100_000):
        value = [value]
    job = run({"steps": [show(value)]})
    assert (statuses(job), job[1].error["message"]) == (["INVALID_ARGUMENT"], "the parameters are nested too deep")
    while value:  # taken apart level by level: freeing the whole value would recurse just as deep
        value = value.pop()


@pytest.mark.parametrize(("over", "status"), [(-1, "DONE"), (0, "DONE"), (1, "RESULT_LIMIT_EXCEED")])
@pytest.mark.parametrize("inner", [[], {}, [1], {"k": 1}], ids=str)
@pytest.mark.parametrize("limit", [4, 5, 32])
def test_levels_are_counted_along_the_deepest_branch(
    run: Any, statuses: Any, make_block: Any, limit: int, inner: Any, over: int, status: str
) -> None:
    give = make_block(lambda: levels(limit + over, inner), name="give")
    job = run({"steps": [{"action": "GIVE"}]}, Runtime(limits=Limits(nesting=limit)), blocks=[give])
    assert statuses(job) == [status]


@pytest.mark.parametrize(("over", "fits"), [(-1, True), (0, True), (1, False), (5_000, False)])
@pytest.mark.parametrize("inner", [[], {}, [1], {"k": 1}], ids=str)
@pytest.mark.parametrize("limit", [4, 5, 32])
def test_levels_are_counted_alike_where_the_size_has_no_limit(limit: int, inner: Any, over: int, fits: bool) -> None:
    value = levels(limit + over, inner)
    if fits:
        assert keep(value, limit)[0] == value
    else:
        with pytest.raises(UnstorableValueError, match=f"nested deeper than {limit} levels"):
            keep(value, limit)


@pytest.mark.parametrize("value", [[[]] * 100, {str(number): {} for number in range(100)}])
def test_a_wide_value_without_a_limit_of_its_size_is_not_a_deep_one(value: Any) -> None:
    assert keep(value, 2)[0] == value


def test_a_string_of_another_class_is_kept_as_a_string(run: Any, make_block: Any) -> None:
    class Markup(str):
        __slots__ = ()

    step = run({"steps": [{"action": "GIVE"}]}, blocks=[make_block(lambda: Markup("{a}"), name="give")])[1]
    assert (step.return_value, type(step.return_value)) == ("{a}", str)


def test_a_result_nested_without_end_is_a_status(run: Any, make_block: Any) -> None:
    step = run({"steps": [{"action": "GIVE"}]}, blocks=[make_block(lambda: levels(5000, []), name="give")])[1]
    assert step.status is ConduitStatus.RESULT_LIMIT_EXCEED
    assert step.error["message"] == "the value is nested deeper than 32 levels"


def test_a_result_is_a_copy_that_its_block_cannot_change_afterwards(run: Any, make_block: Any) -> None:
    kept: list[Any] = []

    def give() -> list[Any]:
        kept.append((1, []))
        return kept

    job = run({"steps": [{"action": "GIVE"}] * 2}, blocks=[make_block(give)])
    kept[0][1].append("spoilt")
    assert [step.return_value for step in job] == [[[1, []]], [[1, []], [1, []]]]


def test_a_wide_value_is_not_a_deep_one(run: Any, statuses: Any) -> None:
    assert statuses(run({"steps": [show([[]] * 100 + [{}] * 100)]})) == ["DONE"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (None, "null"), (1.5, "1.5"), ("ä", '"ä"'), ((1, 2), "[1,2]"), (["ä"], '["ä"]')],
)
def test_a_result_is_kept_as_canonical_json(run: Any, make_block: Any, value: Any, text: str) -> None:
    assert run({"steps": [{"action": "GIVE"}]}, blocks=[make_block(lambda: value, name="give")])[1].result_json == text


@pytest.mark.parametrize(
    ("value", "message"), [(10**4300, "more than 4,300 digits"), (float("inf"), "not finite")], ids=["large", "inf"]
)
def test_a_number_that_json_cannot_hold_is_named_without_advice_for_programmers(
    run: Any, make_block: Any, value: Any, message: str
) -> None:
    step = run({"steps": [{"action": "GIVE"}]}, blocks=[make_block(lambda: [value], name="give")])[1]
    assert step.status is ConduitStatus.RESULT_LIMIT_EXCEED
    assert message in step.error["message"]
    assert "sys." not in step.error["message"]


LIMITS = Limits(record=20_000, variables=20_000)
LETTERS = "x" * 1_000


class Walked(list[Any]):
    """A list that counts how often it is read."""

    def __init__(self, items: list[Any]) -> None:
        super().__init__(items)
        self.reads = 0

    def __iter__(self) -> Iterator[Any]:
        self.reads += 1
        return super().__iter__()


PLACES = {
    "a result": lambda value: Variables().prepare(value, {}, None, LIMITS),
    "a variable": lambda value: Variables().prepare(1, {"v": value}, None, LIMITS),
    "the list of a loop": lambda value: Variables().weigh_list(value, LIMITS),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_value_that_is_far_too_large_is_not_encoded(place: str) -> None:
    """Its JSON takes 5 MB and it costs less than what all results may; encoding it would take at least as much."""
    value = [[LETTERS] * 100] * 50
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        with pytest.raises(UnstorableValueError, match="takes far more than 20,000 bytes"):
            PLACES[place](value)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < LIMITS.record


@pytest.mark.parametrize("place", PLACES)
def test_weighing_a_value_stops_at_the_limit(place: str) -> None:
    part = Walked([LETTERS] * 10)
    with pytest.raises(UnstorableValueError, match="takes far more than 20,000 bytes"):
        PLACES[place]([part] * 700)
    most = LIGHT * LIMITS.record // (10 * len(LETTERS)) + 1
    reads_of_a_weighing = 4  # the kinds, the sizes, the alphabets, and whether a container is in it
    assert 0 < part.reads <= reads_of_a_weighing * most
