"""Steps that are refused before they run, and the reasons."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.block import Category, Registry
from handler.engine import Conduit, ConduitStatus

TRUE = {"action": "LOGIC.TRUE"}


def test_a_job_with_exactly_the_tags_that_a_block_requires_may_use_it(run: Any, statuses: Any, make_block: Any) -> None:
    secret = make_block(lambda: 1, name="secret", tags=["A", "B"])
    assert statuses(run({"tags": ["B", "A"], "steps": [{"action": "SECRET"}]}, blocks=[secret])) == ["DONE"]


def test_a_deployment_may_add_tags_to_those_of_blocks_by_glob(run: Any, statuses: Any, make_block: Any) -> None:
    plain, own = make_block(lambda: 1, name="plain"), make_block(lambda: 1, name="own", tags=["A"])
    steps = [
        {"action": "PLAIN"},
        {"action": "OWN", "allow_failure": True},
        {"id": "x", "action": "PLAIN", "parameters": {}},
    ]
    for tags, added, expected in (
        (["A"], (("PLAIN", "B"),), ["FORBIDDEN_BLOCK", "DONE", "FORBIDDEN_BLOCK"]),
        (["A", "B"], (("pl*", "B"),), ["DONE", "DONE", "DONE"]),
        (["B"], (("OWN", "B"),), ["DONE", "FORBIDDEN_BLOCK", "DONE"]),
        (["A", "B"], (("O?N", "B"),), ["DONE", "DONE", "DONE"]),
        (["A"], (("*", "B"), ("*", "C")), ["FORBIDDEN_BLOCK"] * 3),
    ):
        data = {"tags": tags, "steps": [step | {"allow_failure": True, "forced": True} for step in steps]}
        assert statuses(run(Conduit.from_dict(data, blocks=[plain, own], block_tags=added))) == expected


def test_a_name_that_only_looks_like_a_block_in_capitals_is_not_found(make_block: Any) -> None:
    job = Conduit.from_dict({"steps": [{"action": "\ufb01nd"}]}, blocks=[make_block(lambda: 1, name="find")])
    assert job[1].status is ConduitStatus.BLOCK_NOT_FOUND


def test_a_deleted_step_no_longer_counts_as_a_use_of_its_block(run: Any, statuses: Any, make_block: Any) -> None:
    once = make_block(lambda: 1, name="once", max_uses=1)
    job = Conduit.from_dict({"steps": [{"action": "ONCE"}] * 2}, blocks=[once])
    job.delete_step("1")
    assert statuses(run(job)) == ["DONE"]
    assert [(step.id, step.position) for step in job] == [("2", 1)]


@pytest.mark.parametrize("usual", [(), ("id",), ("id", "parameters"), ("action", "id"), ("action", "id", "parameters")])
def test_each_option_of_a_step_counts_beside_any_others(usual: tuple[str, ...]) -> None:
    said = {"action": "LOGIC.TRUE", "id": "x", "parameters": {}}
    options = {"if": False, "forced": True, "timeout": 5, "allow_failure": True}
    for option, value in options.items():
        (step,) = Conduit.from_dict({"steps": [{name: said[name] for name in usual} | {option: value}]})
        assert getattr(step, "if_condition" if option == "if" else option) == value


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, "NONE"),
        ({"max_uses": 1}, "BLOCK_LIMIT_EXCEED"),
        ({"block_limit_overrides": {"*": 1}}, "BLOCK_LIMIT_EXCEED"),
        ({"step_limit": 1}, "STEP_LIMIT_EXCEED"),
        ({"tags": ["A"]}, "FORBIDDEN_BLOCK"),
    ],
)
def test_a_step_with_only_the_usual_fields_is_checked_like_any_other(
    statuses: Any, make_block: Any, options: dict[str, Any], status: str
) -> None:
    of_block = {name: options[name] for name in options.keys() & {"max_uses", "tags"}}
    of_job = {name: options[name] for name in options.keys() - of_block.keys()}
    blocks = [make_block(lambda: 1, name="block", **of_block)]
    steps = [{"action": "BLOCK", "id": name, "parameters": {}} for name in "abc"]
    job = Conduit.from_dict({"steps": steps}, blocks=blocks, **of_job)
    assert statuses(job)[1:] == [status] * 2
    assert [(step.id, step.position) for step in job] == [("a", 1), ("b", 2), ("c", 3)]


def test_a_job_knows_the_blocks_of_the_registry_that_it_is_given_and_its_own(make_block: Any) -> None:
    registry = Registry()
    Category("SHOP", registry=registry).block(name="sell")(lambda: 1)
    steps = [{"action": action} for action in ("SHOP.SELL", "LOGIC.TRUE", "count")]
    job = Conduit.from_dict({"steps": steps}, registry=registry, blocks=[make_block(lambda: 2, name="count")])
    assert [step.status.name for step in job] == ["NONE", "BLOCK_NOT_FOUND", "NONE"]
    assert Conduit.from_dict({"steps": steps[:1]})[1].status is ConduitStatus.BLOCK_NOT_FOUND
