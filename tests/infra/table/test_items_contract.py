"""The contract of every table of items: moto's, the simulated one, and ministack's where it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.errors import GiveUpError, TooLargeError
from infra.table.conditions import Absent, All, AnyOf, Below, Condition, Equals, OneOf
from infra.table.dynamo_items import DynamoItems
from infra.table.items import BY_TENANT, DUE, Applied, ConditionFailed, Item, Items, Page, Put, Update

if TYPE_CHECKING:
    from tests.infra.conftest import Drive

JOB: Item = {"pk": "t#1", "sk": "JOB", "n": 3, "lease": "1-a", "flag": True, "half": 1.5}


def test_an_item_comes_back_as_it_was_put(items: Items, drive: Drive) -> None:
    item: Item = {
        **JOB,
        "empty": "",
        "text": "grüße \U0001f600 {% x %}",
        "negative": -7,
        "time": 1795468782.161234,
        "no": False,
        "leases": [[0, "1-a"], [3, "2-b"], []],
    }
    drive(items.put_all([item]))
    found = drive(items.get("t#1", "JOB"))
    assert found == item
    assert found is not None
    assert [type(found[name]) for name in ("n", "half", "flag")] == [int, float, bool]


def test_there_is_no_item_where_none_was_put(items: Items, drive: Drive) -> None:
    assert drive(items.get("t#1", "JOB")) is None
    assert drive(items.query("t#1", "STEP#", "STEP#~")) == []
    assert drive(items.query_index(DUE, "0", limit=5)) == Page((), None)


def test_an_attribute_of_none_is_left_out(items: Items, drive: Drive) -> None:
    assert drive(items.put_if({**JOB, "due": None}, Absent("pk"))) == Applied(JOB)
    assert drive(items.get("t#1", "JOB")) == JOB


def test_names_that_dynamodb_reserves_are_attributes_like_any_other(items: Items, drive: Drive) -> None:
    drive(items.put_all([{**JOB, "status": "QUEUED", "name": "n", "ttl": 1}]))
    changed = drive(items.update_if("t#1", "JOB", condition=Equals("status", "QUEUED"), set={"name": "m", "size": 1}))
    assert isinstance(changed, Applied)
    assert changed.item["name"] == "m"


def test_a_query_gives_the_items_with_the_prefix_in_order(items: Items, drive: Drive) -> None:
    steps: list[Item] = [{"pk": "t#1", "sk": f"STEP#{number:05}", "n": number} for number in (12, 2, 7)]
    others: list[Item] = [{"pk": "t#1", "sk": "PAYLOAD#1"}, {"pk": "t#2", "sk": "STEP#00001"}]
    drive(items.put_all([*steps, *others, JOB]))
    assert [item["n"] for item in drive(items.query("t#1", "STEP#", "STEP#~"))] == [2, 7, 12]
    assert len(drive(items.query("t#1", "!", "~"))) == 5


def test_a_query_follows_the_pages(items: Items, drive: Drive) -> None:
    """DynamoDB ends a page at 1 MB."""
    drive(items.put_all([{"pk": "t#1", "sk": f"STEP#{number}", "text": "x" * 300_000} for number in range(8)]))
    assert [item["sk"] for item in drive(items.query("t#1", "STEP#", "STEP#~"))] == [
        f"STEP#{number}" for number in range(8)
    ]


def test_a_query_goes_on_after_a_sort_key_and_stops_at_its_limit(items: Items, drive: Drive) -> None:
    drive(items.put_all([{"pk": "t#.workflow", "sk": name} for name in ("b", "a", "d", "c")]))
    drive(items.put_all([{"pk": "u#.workflow", "sk": "e"}]))

    def names(after: str | None, limit: int) -> list[object]:
        return [item["sk"] for item in drive(items.query_after("t#.workflow", after, limit=limit))]

    assert names(None, 10) == ["a", "b", "c", "d"]
    assert names(None, 2) == ["a", "b"]
    assert names("b", 2) == ["c", "d"]
    assert names("bb", 1) == ["c"]
    assert names("d", 1) == []


def test_a_query_after_a_sort_key_follows_the_pages(items: Items, drive: Drive) -> None:
    """DynamoDB ends a page at 1 MB."""
    drive(items.put_all([{"pk": "t#.workflow", "sk": str(number), "text": "x" * 300_000} for number in range(8)]))
    found = drive(items.query_after("t#.workflow", "0", limit=6))
    assert [item["sk"] for item in found] == ["1", "2", "3", "4", "5", "6"]


def test_a_delete_asks_its_condition_and_never_deletes_a_missing_item(items: Items, drive: Drive) -> None:
    drive(items.put_all([JOB]))
    assert drive(items.delete_if("t#1", "JOB", Equals("lease", "2-b"))) == ConditionFailed(JOB)
    assert drive(items.get("t#1", "JOB")) == JOB
    assert drive(items.delete_if("t#1", "JOB", Equals("lease", "1-a"))) is None
    assert drive(items.get("t#1", "JOB")) is None
    assert drive(items.delete_if("t#1", "JOB", All())) == ConditionFailed(None)


@pytest.mark.parametrize("count", [0, 1, 25, 26, 60])
def test_any_number_of_items_is_put(items: Items, drive: Drive, count: int) -> None:
    drive(items.put_all([{"pk": "t#1", "sk": f"STEP#{number:05}"} for number in range(count)]))
    assert len(drive(items.query("t#1", "STEP#", "STEP#~"))) == count


def test_a_put_replaces_the_whole_item(items: Items, drive: Drive) -> None:
    drive(items.put_all([JOB]))
    drive(items.put_all([{"pk": "t#1", "sk": "JOB", "m": 1}, {"pk": "t#1", "sk": "OTHER"}]))
    assert drive(items.get("t#1", "JOB")) == {"pk": "t#1", "sk": "JOB", "m": 1}


def test_one_batch_may_not_hold_an_item_twice(items: Items, drive: Drive) -> None:
    if not isinstance(items, DynamoItems):
        pytest.skip("the guard is the adapter's")
    with pytest.raises(GiveUpError, match="twice"):
        drive(items.put_all([JOB, {**JOB, "n": 4}]))


def test_a_conditional_put_is_done_once(items: Items, drive: Drive) -> None:
    assert drive(items.put_if(JOB, Absent("pk"))) == Applied(JOB)
    assert drive(items.put_if({**JOB, "n": 4}, Absent("pk"))) == ConditionFailed(JOB)
    assert drive(items.get("t#1", "JOB")) == JOB


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (Equals("n", 3), True),
        (Equals("n", 3.0), True),
        (Equals("n", 4), False),
        (Equals("n", "3"), False),
        (Equals("flag", True), True),
        (Equals("flag", False), False),
        (Equals("half", 1.5), True),
        (Equals("gone", 1), False),
        (Absent("gone"), True),
        (Absent("lease"), False),
        (Below("n", 4), True),
        (Below("n", 3), False),
        (Below("gone", 4), False),
        (OneOf("lease", ("2-b", "1-a")), True),
        (OneOf("lease", ("2-b",)), False),
        (OneOf("gone", ("2-b",)), False),
        (All(), True),
        (All(Equals("n", 3)), True),
        (All(Equals("n", 3), Absent("lease")), False),
        (All(Equals("n", 3), All(Below("half", 2), All())), True),
        (AnyOf(Equals("n", 4), All()), True),
        (AnyOf(Equals("n", 4), Absent("gone")), True),
        (AnyOf(Equals("n", 4), Absent("lease")), False),
        (All(AnyOf(Absent("lease"), Below("half", 2)), Equals("n", 3)), True),
        (All(AnyOf(Absent("lease"), Below("half", 1)), Equals("n", 3)), False),
        (AnyOf(All(Equals("n", 3), Absent("lease")), Equals("half", 1.5)), True),
    ],
    ids=repr,
)
def test_an_update_asks_its_condition(items: Items, drive: Drive, condition: Condition, holds: bool) -> None:
    drive(items.put_all([JOB]))
    answer = drive(items.update_if("t#1", "JOB", condition=condition, set={"m": 1}))
    assert answer == (Applied({**JOB, "m": 1}) if holds else ConditionFailed(JOB))
    assert drive(items.get("t#1", "JOB")) == answer.item


def test_an_update_never_makes_an_item(items: Items, drive: Drive) -> None:
    assert drive(items.update_if("t#1", "JOB", condition=Absent("lease"), set={"m": 1})) == ConditionFailed(None)
    assert drive(items.get("t#1", "JOB")) is None


def test_an_update_sets_and_removes_and_shows_the_item_afterwards(items: Items, drive: Drive) -> None:
    drive(items.put_all([JOB]))
    answer = drive(
        items.update_if(
            "t#1", "JOB", condition=All(), set={"n": 4, "flag": None, "leases": [[0, "1-a"]]}, remove=["half", "gone"]
        )
    )
    expected: Item = {"pk": "t#1", "sk": "JOB", "n": 4, "lease": "1-a", "leases": [[0, "1-a"]]}
    assert answer == Applied(expected)
    assert drive(items.get("t#1", "JOB")) == expected


def test_an_update_may_only_remove(items: Items, drive: Drive) -> None:
    drive(items.put_all([JOB]))
    answer = drive(items.update_if("t#1", "JOB", condition=Equals("lease", "1-a"), set={"lease": None}))
    assert isinstance(answer, Applied)
    assert "lease" not in answer.item


def test_an_update_of_nothing_still_asks_its_condition(items: Items, drive: Drive) -> None:
    drive(items.put_all([JOB]))
    assert drive(items.update_if("t#1", "JOB", condition=Equals("lease", "1-a"), set={})) == Applied(JOB)
    assert drive(items.update_if("t#1", "JOB", condition=Equals("lease", "2-b"), set={})) == ConditionFailed(JOB)


STEPS: list[Item] = [{"pk": "t#1", "sk": f"STEP#{number}", "n": number} for number in (1, 2)]


def test_items_are_put_with_an_update_all_at_once(items: Items, drive: Drive) -> None:
    drive(items.put_all([JOB]))
    write = Update(pk="t#1", sk="JOB", condition=Equals("lease", "1-a"), set={"n": 4, "flag": None}, remove=["half"])
    assert drive(items.put_all_with(STEPS, write)) is None
    assert drive(items.query("t#1", "!", "~")) == [{"pk": "t#1", "sk": "JOB", "n": 4, "lease": "1-a"}, *STEPS]


def test_items_are_put_with_a_conditional_put_all_at_once(items: Items, drive: Drive) -> None:
    assert drive(items.put_all_with(STEPS, Put({**JOB, "due": None}, Absent("pk")))) is None
    assert drive(items.query("t#1", "!", "~")) == [JOB, *STEPS]
    assert drive(items.put_all_with([], Put({"pk": "t#1", "sk": "JOB"}, All()))) is None
    assert drive(items.get("t#1", "JOB")) == {"pk": "t#1", "sk": "JOB"}


@pytest.mark.parametrize(
    "write",
    [
        Put({**JOB, "n": 4}, Absent("pk")),
        Update(pk="t#1", sk="JOB", condition=Equals("lease", "2-b"), set={"n": 4}),
        Update(pk="t#1", sk="JOB", condition=All(Equals("lease", "1-a"), Absent("flag")), set={"n": 4}),
    ],
    ids=["put", "update", "update whose second condition fails"],
)
def test_of_a_transaction_that_is_refused_nothing_is_written(items: Items, drive: Drive, write: Put | Update) -> None:
    drive(items.put_all([JOB]))
    assert drive(items.put_all_with(STEPS, write)) == ConditionFailed(JOB)
    assert drive(items.query("t#1", "!", "~")) == [JOB]


def test_a_transaction_never_makes_the_item_that_it_updates(items: Items, drive: Drive) -> None:
    write = Update(pk="t#1", sk="JOB", condition=Absent("lease"), set={"n": 4})
    assert drive(items.put_all_with(STEPS, write)) == ConditionFailed(None)
    assert drive(items.query("t#1", "!", "~")) == []


def test_a_transaction_puts_99_items(items: Items, drive: Drive) -> None:
    some: list[Item] = [{"pk": "t#1", "sk": f"STEP#{number:05}"} for number in range(99)]
    assert drive(items.put_all_with(some, Put(JOB, Absent("pk")))) is None
    assert len(drive(items.query("t#1", "!", "~"))) == 100


def test_a_transaction_may_not_write_an_item_twice(items: Items, drive: Drive) -> None:
    if not isinstance(items, DynamoItems):
        pytest.skip("the guard is the adapter's")
    for twice in ([JOB], [STEPS[0], {**STEPS[0], "n": 4}]):
        with pytest.raises(GiveUpError, match="twice"):
            drive(items.put_all_with(twice, Put(JOB, Absent("pk"))))


def test_an_index_is_sparse_and_follows_its_table(items: Items, drive: Drive) -> None:
    drive(items.put_all([{"pk": "t#1", "sk": "JOB", "shard": "0", "due": 5}, {"pk": "t#2", "sk": "JOB", "shard": "0"}]))
    assert [item["pk"] for item in drive(items.query_index(DUE, "0", limit=5)).items] == ["t#1"]
    drive(items.update_if("t#1", "JOB", condition=All(), set={"due": None}))
    drive(items.update_if("t#2", "JOB", condition=All(), set={"due": 6.5}))
    assert [item["pk"] for item in drive(items.query_index(DUE, "0", limit=5)).items] == ["t#2"]
    assert drive(items.query_index(DUE, "1", limit=5)).items == ()


def test_an_index_gives_items_up_to_a_value_smallest_first(items: Items, drive: Drive) -> None:
    drive(items.put_all([{"pk": f"t#{n}", "sk": "JOB", "shard": "0", "due": n * 1.5} for n in (4, 1, 3, 2)]))
    assert [item["due"] for item in drive(items.query_index(DUE, "0", limit=5, at_most=4.5)).items] == [1.5, 3, 4.5]


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_pages_of_an_index_hold_each_item_once(items: Items, drive: Drive, newest_first: bool) -> None:
    """Three of the jobs were created at the same moment: a page may end between them."""
    times = [1, 2, 2, 2, 3, 4, 5]
    drive(
        items.put_all(
            [{"pk": f"t#{n}", "sk": "JOB", "tenant": "t", "created_at": time} for n, time in enumerate(times)]
        )
    )
    found: list[Item] = []
    page = drive(items.query_index(BY_TENANT, "t", limit=3, newest_first=newest_first))
    while True:
        assert len(page.items) <= 3
        found += page.items
        if page.next is None:
            break
        page = drive(items.query_index(BY_TENANT, "t", limit=3, newest_first=newest_first, start=page.next))
    assert [item["created_at"] for item in found] == sorted(times, reverse=newest_first)
    assert len({item["pk"] for item in found}) == len(times)


@pytest.mark.parametrize(("extra", "fits"), [(-1, True), (0, True), (1, False)])
def test_an_item_has_at_most_400_kilobytes(
    items: Items, drive: Drive, request: pytest.FixtureRequest, extra: int, fits: bool
) -> None:
    overhead = len("pk" + "t#1" + "sk" + "JOB" + "text")
    item: Item = {"pk": "t#1", "sk": "JOB", "text": "x" * (400 * 1024 - overhead + extra)}
    if fits and "moto" in request.node.name:
        pytest.skip("moto counts the JSON around an item and refuses items that AWS accepts")
    if fits:
        drive(items.put_all([item]))
        assert drive(items.get("t#1", "JOB")) == item
    else:
        with pytest.raises(TooLargeError, match="409601 bytes"):
            drive(items.put_all([item]))


def test_an_update_may_not_grow_an_item_past_400_kilobytes(
    items: Items, drive: Drive, request: pytest.FixtureRequest
) -> None:
    if "moto" in request.node.name:
        pytest.skip("moto does not limit the size of an updated item")
    drive(items.put_all([{**JOB, "text": "x" * 300_000}]))
    with pytest.raises(TooLargeError):
        drive(items.update_if("t#1", "JOB", condition=All(), set={"more": "y" * 200_000}))
    assert "more" not in (drive(items.get("t#1", "JOB")) or {})


@pytest.mark.parametrize("number", [10**38 - 1, -(10**38 - 1), 12 * 10**100, 0, 1e-100, 9e125, 0.1])
def test_a_number_of_38_digits_is_kept(items: Items, drive: Drive, number: float) -> None:
    drive(items.put_all([{**JOB, "n": number}]))
    found = (drive(items.get("t#1", "JOB")) or {})["n"]
    assert isinstance(found, (int, float))
    assert type(number)(found) == number, "DynamoDB returns a large float with all digits, as an integer"


@pytest.mark.parametrize(
    "number", [10**38 + 1, -(10**38 + 1), 10**126, pytest.param(10**5000, id="1e5000"), 1e126, 1e-131]
)
def test_a_number_beyond_that_is_refused(items: Items, drive: Drive, number: float) -> None:
    with pytest.raises(TooLargeError):
        drive(items.put_all([{**JOB, "n": number}]))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_an_invalid_number_is_refused(items: Items, drive: Drive, number: float) -> None:
    with pytest.raises(GiveUpError, match="finite"):
        drive(items.put_all([{**JOB, "n": number}]))


@pytest.mark.parametrize("keys", [{"pk": ""}, {"sk": ""}, {"pk": None}, {"sk": 5}])
def test_an_item_without_its_keys_is_refused(items: Items, drive: Drive, keys: Item) -> None:
    with pytest.raises(GiveUpError, match="needs the key"):
        drive(items.put_all([{**JOB, **keys}]))


def test_half_a_character_is_refused(items: Items, drive: Drive) -> None:
    with pytest.raises(GiveUpError, match="half a character"):
        drive(items.put_all([{**JOB, "text": "\ud800"}]))


def test_items_are_found_by_their_keys_and_those_that_are_not_there_left_out(items: Items, drive: Drive) -> None:
    stored: list[Item] = [{"pk": "t#1", "sk": f"STEP#{number:05}", "n": number} for number in range(0, 250, 2)]
    drive(items.put_all([*stored, {"pk": "t#2", "sk": "STEP#00001", "n": -1}]))
    asked = [f"STEP#{number:05}" for number in range(249, -1, -1)]
    assert [item["n"] for item in drive(items.get_all([("t#1", sk) for sk in asked]))] == list(range(0, 250, 2))
    assert drive(items.get_all([])) == []
