from __future__ import annotations

from typing import Any

import pytest

from benchmarks.meter import Meter

KEYS = {"pk": {"S": "t#1"}, "sk": {"S": "JOB"}}


def written(*items: dict[str, Any]) -> int:
    """Units that the last of these writes of one item costs."""
    meter = Meter()
    for item in items[:-1]:
        meter.count("PutItem", {"Item": {**KEYS, **item}}, {})
    before = meter.used["dynamodb_write_unit"]
    meter.count("UpdateItem", {"Key": KEYS}, {"Attributes": {**KEYS, **items[-1]}})
    return meter.used["dynamodb_write_unit"] - before


def text(size: int) -> dict[str, str]:
    return {"S": "x" * size}


@pytest.mark.parametrize(("size", "units"), [(10, 1), (900, 1), (1100, 2), (5000, 5)])
def test_a_write_costs_by_the_kilobyte(size: int, units: int) -> None:
    assert written({"a": text(size)}) == units


def test_an_update_costs_by_the_larger_of_before_and_after() -> None:
    assert written({"a": text(3000)}, {"a": text(1)}) == 3


def test_an_index_costs_only_where_an_item_has_its_keys() -> None:
    listed = {"tenant": {"S": "t"}, "created_at": {"N": "1"}}
    assert written({}) == 1
    assert written(listed) == 2


def test_a_key_of_an_index_that_moves_costs_a_deletion_and_a_put() -> None:
    due, later = ({"shard": {"S": "0"}, "due": {"N": number}} for number in "12")
    assert written(due) == 2
    assert written(due, later) == 3
    assert written(due, {}) == 2


def test_a_write_that_changes_nothing_costs_nothing_in_an_index() -> None:
    listed = {"tenant": {"S": "t"}, "created_at": {"N": "1"}}
    assert written(listed, listed) == 1


def test_reads_cost_by_four_kilobytes_and_events_by_sixty_four() -> None:
    meter = Meter()
    meter.count("Query", {}, {"Items": [{"a": text(5000)}]})
    meter.count("PutEvents", {"Entries": [{"Detail": "x"}, {"Detail": "x" * 70_000}]}, {})
    assert meter.used == {"dynamodb_read_unit": 2, "event": 3}


def test_items_that_are_read_together_cost_by_themselves() -> None:
    """Two items of a kilobyte are two units, but one in a query; a missing item is another unit."""
    meter = Meter()
    keys = [{"pk": {"S": name}, "sk": {"S": "JOB"}} for name in "abc"]
    found = [{**key, "text": {"S": "x" * 1000}} for key in keys[:2]]
    request = {"RequestItems": {"jobs": {"Keys": keys, "ConsistentRead": True}}}
    meter.count("BatchGetItem", request, {"Responses": {"jobs": found}})
    assert (meter.used["dynamodb_read_unit"], meter.calls["BatchGetItem"]) == (3, 1)


def test_an_index_costs_nothing_where_its_attributes_stay() -> None:
    listed = {"tenant": {"S": "t"}, "created_at": {"N": "1"}}
    assert written(listed, {**listed, "lease": {"S": "1-a"}}) == 1


def test_a_transaction_writes_the_table_twice() -> None:
    meter = Meter()
    meter.count("TransactWriteItems", {}, {"Written": [{**KEYS, "a": text(1100)}]})
    assert meter.used == {"dynamodb_write_unit": 4}
