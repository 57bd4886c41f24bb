"""Blocks, categories and the decorator."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from blocks.block import Block, Category, Registry, UnusableBlockError


@pytest.fixture
def category(registry: Registry) -> Category:
    return Category("demo", registry=registry)


def test_a_function_becomes_a_block_of_its_category(category: Category, registry: Registry) -> None:
    @category.block
    def greet(*, name: str = "you") -> str:
        """Say hello."""
        return f"Hello {name}"

    assert registry.get("DEMO.GREET") is greet
    assert (greet.action, greet.name, greet.category, greet.description) == (
        "DEMO.GREET",
        "GREET",
        "DEMO",
        "Say hello.",
    )


def test_calling_a_block_calls_its_function(category: Category) -> None:
    @category.block
    def greet(gateway__: str, *, name: str = "you") -> str:
        return f"{gateway__}: {name}"

    assert greet("g", name="Ada") == "g: Ada"
    assert greet.__name__ == "greet"
    assert list(inspect.signature(greet).parameters) == ["gateway__", "name"]


@pytest.mark.parametrize("options", [{}, {"name": "charge"}])
def test_the_decorator_takes_options_or_none(category: Category, options: dict[str, Any]) -> None:
    @category.block(**options)
    def charge() -> None: ...

    assert charge.action == "DEMO.CHARGE"


def test_every_option_is_kept(category: Category) -> None:
    @category.block(name="pay", tags=["A", "B"], max_uses=1, timeout=20, effect="at_most_once", isolation="process")
    def charge(*, cents: int) -> int:
        return cents

    assert charge.action == "DEMO.PAY"
    assert charge.tags == {"A", "B"}
    assert (charge.max_uses, charge.timeout, charge.effect, charge.isolation) == (1, 20, "at_most_once", "process")


def test_one_tag_may_be_given_as_a_text(category: Category) -> None:
    assert category.block(tags="BILLING")(lambda: None).tags == {"BILLING"}  # not one tag per letter


def test_a_block_is_run_at_least_once_unless_block_or_category_say_otherwise(registry: Registry) -> None:
    pure = Category("pure", effect="none", registry=registry)

    assert Category("other", registry=registry).block(one).effect == "at_least_once"
    assert pure.block(one).effect == "none"
    assert pure.block(name="two", effect="at_most_once")(one).effect == "at_most_once"


def test_a_block_without_a_category_is_called_by_its_name_alone(registry: Registry) -> None:
    made = Category("", registry=registry).block(one)

    assert (made.action, made.category) == ("ONE", None)
    assert registry.get("one") is made


@pytest.mark.parametrize("options", [{"name": "_hidden"}, {"private": True}])
def test_a_private_block_is_not_registered_but_works(
    category: Category, registry: Registry, options: dict[str, Any]
) -> None:
    made = category.block(**options)(one)

    assert made.private
    assert made() == 1
    assert len(registry) == 0


def test_a_function_whose_name_begins_with_an_underscore_is_private_unless_named_otherwise(category: Category) -> None:
    def _internal() -> None: ...

    assert category.block(_internal).private
    assert not category.block(name="open")(_internal).private


def test_the_deployments_parameters_are_the_positional_ones_in_order() -> None:
    def serve(job__: Any, call__: Any, /, gateway__: Any, *, text: str, **more: Any) -> None: ...

    assert Block(serve).positional == ("job__", "call__", "gateway__")


def test_a_coroutine_function_is_known_as_one() -> None:
    async def pause() -> None: ...

    assert Block(pause).is_coroutine
    assert not Block(one).is_coroutine


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "a.b"}, "dot"),
        ({"category": "a.b"}, "dot"),
        ({"effect": "maybe"}, "effect is one of"),
        ({"isolation": "thread"}, "isolation is"),
        ({"timeout": 0}, "timeout is seconds"),
        ({"timeout": float("nan")}, "timeout is seconds"),
        ({"max_uses": -1}, "max_uses is"),
    ],
)
def test_options_that_make_no_sense_are_refused_at_import(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnusableBlockError, match=message):
        Block(one, **options)


def test_an_isolated_block_cannot_take_the_job_of_this_process() -> None:
    def isolated(job__: Any) -> None: ...

    with pytest.raises(UnusableBlockError, match="job__"):
        Block(isolated, isolation="process")


def test_attributes_of_the_function_do_not_replace_those_of_the_block() -> None:
    def tagged() -> None: ...

    tagged.timeout = 99

    assert Block(tagged, timeout=1).timeout == 1


def one() -> int:
    return 1


@pytest.mark.parametrize("name", ["for_each", "while", "choose", "try", "set", "end", "wait", "wait_for", "output"])
def test_the_action_of_a_step_without_a_block_cannot_be_a_blocks_name(name: str) -> None:
    with pytest.raises(UnusableBlockError, match=name.upper()):
        Block(lambda: None, name=name)
    assert Block(lambda: None, name=name, category="mine").action == f"MINE.{name.upper()}"
