"""The simulated table, which is used to judge the protocol, answers any sequence of calls like the adapter on moto."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local import EmbeddedAws
from infra.table.conditions import Absent, All, AnyOf, Below, Condition, Equals, OneOf
from infra.table.dynamo_items import DynamoItems
from infra.table.items import BY_TENANT, DUE, Item, Items, Put, Update
from tests.examples import examples
from tests.simulation import faults
from tests.simulation.scheduler import Scheduler, Worker
from tests.simulation.table import SimulatedItems, SimulatedTable

if TYPE_CHECKING:
    from infra.aws.backoff import Backoff
    from tests.infra.conftest import Drive

numbers = st.integers(-3, 3) | st.sampled_from([0.5, 1.0, 2.5])
texts = st.sampled_from(["", "a", "b"])
attributes: dict[str, st.SearchStrategy[Any]] = {
    "n": numbers,
    "due": numbers,
    "created_at": numbers,
    "lease": texts,
    "shard": st.sampled_from(["0", "1"]),
    "tenant": st.just("t"),
    "flag": st.booleans(),
    "leases": st.lists(st.tuples(st.integers(0, 2), texts).map(list), max_size=2),
}
keys = st.fixed_dictionaries(
    {"pk": st.sampled_from(["t#1", "t#2"]), "sk": st.sampled_from(["JOB", "STEP#1", "STEP#2"])}
)
bodies = st.fixed_dictionaries({}, optional={name: values | st.none() for name, values in attributes.items()})
items_strategy = st.builds(lambda key, body: key | body, keys, bodies)
simple: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Equals, st.just("n"), numbers),
    st.builds(Equals, st.just("lease"), texts),
    st.builds(Equals, st.just("flag"), st.booleans()),
    st.builds(Absent, st.sampled_from([*attributes, "pk"])),
    st.builds(Below, st.sampled_from(["n", "due"]), numbers),
    st.builds(OneOf, st.just("lease"), st.lists(texts, min_size=1, max_size=3).map(tuple)),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    simple,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3).map(lambda some: All(*some)),
        st.lists(parts, min_size=1, max_size=3).map(lambda some: AnyOf(*some)),
    ),
    max_leaves=4,
)
calls = st.one_of(
    st.tuples(
        st.just("put_all"), st.lists(items_strategy, max_size=3, unique_by=lambda item: (item["pk"], item["sk"]))
    ),
    st.tuples(st.just("put_if"), items_strategy, conditions),
    st.tuples(st.just("update_if"), keys, conditions, bodies.filter(bool), st.sets(st.sampled_from(list(attributes)))),
    st.tuples(
        st.just("put_all_with"),
        st.lists(items_strategy, max_size=2, unique_by=lambda item: (item["pk"], item["sk"])),
        items_strategy,
        conditions,
        st.booleans(),
    ),
    st.tuples(st.just("query_index"), st.sampled_from([BY_TENANT, DUE]), st.none() | numbers, st.booleans()),
)


def ask(items: Items, call: Sequence[Any]) -> Coroutine[Any, Any, Any]:
    match call:
        case "put_all", some:
            return items.put_all(some)
        case "put_if", item, condition:
            return items.put_if(item, condition)
        case "update_if", key, condition, changes, remove:
            gone = sorted(remove - set(changes))
            return items.update_if(key["pk"], key["sk"], condition=condition, set=changes, remove=gone)
        case "put_all_with", some, item, condition, whole:
            others = [other for other in some if (other["pk"], other["sk"]) != (item["pk"], item["sk"])]
            body = {name: value for name, value in item.items() if name not in {"pk", "sk"}}
            update = Update(pk=item["pk"], sk=item["sk"], condition=condition, set=body)
            return items.put_all_with(others, Put(item, condition) if whole else update)
        case "query_index", index, at_most, newest_first:
            value = "t" if index is BY_TENANT else "0"
            return items.query_index(index, value, limit=10, at_most=at_most, newest_first=newest_first)
    raise AssertionError(call)


def shown(answer: Any, index: str | None) -> Any:
    """An answer without the order of equal items, which no table guarantees."""
    if index is None:
        return answer
    return sorted(answer.items, key=lambda item: (item["pk"], item["sk"])), [item[index] for item in answer.items]


@pytest.mark.hypothesis
@pytest.mark.slow
def test_any_sequence_of_calls_has_the_same_answers(aws: EmbeddedAws, drive: Drive, backoff: Backoff) -> None:
    real = DynamoItems(aws.clients.dynamodb, aws.table, backoff)

    @given(sequence=st.lists(calls, min_size=1, max_size=8))
    @settings(max_examples=examples(60))
    def agree(sequence: list[Any]) -> None:
        simulated = SimulatedItems(SimulatedTable(), Scheduler(Random(0), faults.NONE), Worker("test"))  # noqa: S311 (no secret)
        for row in aws.table_items():
            key = {name: {"S": row[name]} for name in ("pk", "sk")}
            cast("Any", aws.clients.dynamodb()).delete_item(TableName=aws.table, Key=key)
        for call in sequence:
            index = call[1].sort if call[0] == "query_index" else None
            assert shown(drive(ask(simulated, call)), index) == shown(drive(ask(real, call)), index), call
        rows: list[Item] = [*drive(simulated.query("t#1", "!", "~")), *drive(simulated.query("t#2", "!", "~"))]
        assert rows == aws.table_items()

    agree()
