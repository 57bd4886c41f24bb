"""Arguments that users may pass to a block, and the form in which the block receives them."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import AliasChoices, Field, ValidationError

from blocks.arguments import PART, Arguments
from blocks.block import ABSENT, Block, Changes

if TYPE_CHECKING:
    from nowhere import Gateway  # a deployment's annotations may name modules that only a type checker finds


def accept(
    gateway__: Gateway,
    *,
    cents: Annotated[int, Field(ge=1)],
    note: str | None = None,
    basket: Changes[list[int]] = (),
    extra: Any = ABSENT,
) -> None: ...


def test_arguments_are_taken_generously_and_defaults_are_left_to_the_function() -> None:
    assert Block(accept).validate({"cents": "12", "basket": ["1"]}) == {"cents": 12, "basket": [1]}


@pytest.mark.parametrize(
    ("arguments", "kind", "path"),
    [
        ({}, "missing", ("cents",)),
        ({"cents": "x"}, "int_parsing", ("cents",)),
        ({"cents": 0}, "greater_than_equal", ("cents",)),
        ({"cents": 1, "basket": [1, "x"]}, "int_parsing", ("basket", 1)),
        ({"cents": 1, "colour": 2}, "extra_forbidden", ("colour",)),
        ({"cents": 1, "gateway__": 2}, "extra_forbidden", ("gateway__",)),
    ],
)
def test_an_argument_that_does_not_fit_is_reported_with_its_place_and_reason(
    arguments: dict[str, Any], kind: str, path: tuple[Any, ...]
) -> None:
    with pytest.raises(ValidationError) as caught:
        Block(accept).validate(arguments)

    (problem,) = caught.value.errors()
    assert (problem["type"], problem["loc"]) == (kind, path)


def test_the_users_lists_are_not_the_ones_that_the_function_gets() -> None:
    basket = [1]

    assert Block(accept).validate({"cents": 1, "basket": basket})["basket"] is not basket


def test_a_parameter_changed_in_place_is_known_by_its_mark() -> None:
    assert Block(accept).in_place == {"basket"}


def test_the_schema_describes_the_users_parameters_alone() -> None:
    schema = Block(accept, category="shop").schema()

    assert schema["title"] == "SHOP.ACCEPT"
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["cents"]
    assert schema["properties"]["cents"]["minimum"] == 1
    assert schema["properties"]["note"]["default"] is None
    assert "default" not in schema["properties"]["extra"]
    assert set(schema["properties"]) == {"cents", "note", "basket", "extra"}


def test_a_parameter_without_a_type_takes_anything() -> None:
    def untyped(*, value):  # noqa: ANN001, ANN202  # tests missing annotations
        return value

    assert Block(untyped).validate({"value": [1]}) == {"value": [1]}


def test_any_other_argument_is_taken_by_a_function_with_kwargs_and_checked_by_their_type() -> None:
    def total(*, start: int = 0, **numbers: int) -> int:
        return start + sum(numbers.values())

    block = Block(total)

    assert block.validate({"a": "1", "b": 2}) == {"a": 1, "b": 2}
    with pytest.raises(ValidationError):
        block.validate({"a": "x"})
    assert block.schema()["additionalProperties"] == {"type": "integer"}


def test_kwargs_do_not_let_users_reach_the_deployments_parameters() -> None:
    def serve(gateway__: Any, **values: Any) -> None: ...

    with pytest.raises(ValidationError) as caught:
        Block(serve).validate({"gateway__": "mine", "a": 1})

    assert [(e["type"], e["loc"]) for e in caught.value.errors()] == [("extra_forbidden", ("gateway__",))]
    assert Block(serve).validate({"a": 1}) == {"a": 1}


def test_kwargs_may_have_the_name_of_a_parameter_that_is_only_positional() -> None:
    def serve(gateway__: Any, /, **values: Any) -> dict[str, Any]:
        return {"gateway": gateway__, **values}

    block = Block(serve)

    assert block("ours", **block.validate({"gateway__": "mine"})) == {"gateway": "ours", "gateway__": "mine"}


def test_a_parameter_may_have_another_name_and_the_schema_says_so() -> None:
    def cut(*, at: Annotated[str, Field(validation_alias=AliasChoices("at", "where"))] = ",") -> str:
        return at

    block = Block(cut)

    assert block.validate({"where": ";"}) == block.validate({"at": ";"}) == {"at": ";"}
    assert block.schema()["properties"]["where"]["deprecated"] is True
    assert block.schema()["properties"]["where"]["default"] == ","


def test_a_parameter_may_have_a_name_that_python_keeps_for_itself() -> None:
    def travel(*, from_: Annotated[str, Field(alias="from")] = "here") -> str:
        return from_

    block = Block(travel)

    assert block.validate({"from": "there"}) == {"from_": "there"}
    assert block.schema()["properties"].keys() == {"from"}


def test_a_schema_requires_no_particular_one_of_several_names() -> None:
    def cut(*, at: Annotated[str, Field(validation_alias=AliasChoices("where", "at"))]) -> str:
        return at

    schema = Block(cut).schema()

    assert schema["properties"].keys() == {"where", "at"}
    assert schema["required"] == []


def test_the_validator_is_built_once() -> None:
    block = Block(accept)

    assert block.validate is block.validate
    assert block.arguments.validate is block.validate


def test_a_default_that_was_not_given_shows_as_absent() -> None:
    assert repr(ABSENT) == "(absent)"


# ---------------------------------------------------------------------- large arguments that do not fit


Numbers = dict[str, list[int]]
Nested = dict[str, dict[str, int]]


def takes(hint: Any) -> Arguments:
    def function(*, value: Any) -> None: ...

    function.__annotations__["value"] = hint
    return Arguments(function, "TAKES", inspect.signature(function))


def errors_of(arguments: Arguments, value: Any) -> list[Any]:
    with pytest.raises(ValidationError) as raised:
        arguments.validate({"value": value})
    return raised.value.errors(include_url=False, include_context=False, include_input=False)


KEY = "k" * 200_000


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        pytest.param(list[str], [1] * 100_000, id="a list"),
        pytest.param(list[list[int]], [["x"]] * 50_000, id="a list of lists"),
        pytest.param(Numbers, {KEY: ["x"] * 5_000}, id="a list under a long key"),
        pytest.param(Nested, {KEY: {f"n{at}": "x" for at in range(5_000)}}, id="a dictionary under a long key"),
        pytest.param(dict[str, int], {f"n{at}": "x" for at in range(50_000)}, id="a dictionary"),
        pytest.param(dict[str, int] | None, {f"n{at}": "x" for at in range(50_000)}, id="a dictionary or nothing"),
    ],
)
def test_of_large_arguments_that_do_not_fit_only_the_first_errors_are_made(hint: Any, value: Any) -> None:
    found = errors_of(takes(hint), value)
    assert 0 < len(found) <= PART
    assert sum(len(str(part)) for wrong in found for part in wrong["loc"]) <= 2 * PART * len(KEY)  # an error each


def test_every_problem_of_small_arguments_is_reported() -> None:
    assert len(errors_of(takes(list[int]), ["x"] * 60)) == 60
    assert len(errors_of(takes(dict[str, int]), {f"n{at}": "x" for at in range(60)})) == 60


def test_a_large_dictionary_that_fits_is_taken_whole() -> None:
    given = {f"n{at}": str(at) for at in range(1_001)}
    assert takes(dict[str, int]).validate({"value": given}) == {"value": {f"n{at}": at for at in range(1_001)}}


def test_the_length_of_a_dictionary_is_that_of_all_of_it() -> None:
    hint = Annotated[dict[str, int], Field(max_length=60)]
    assert takes(hint).validate({"value": {f"n{at}": at for at in range(60)}})
    with pytest.raises(ValidationError):
        takes(hint).validate({"value": {f"n{at}": at for at in range(61)}})
