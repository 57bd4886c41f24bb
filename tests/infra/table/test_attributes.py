"""Values as DynamoDB keeps them, and back."""

from __future__ import annotations

from typing import Any

import pytest

from infra.errors import GiveUpError
from infra.table.attributes import decode, encode


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        ("a", {"S": "a"}),
        (True, {"BOOL": True}),
        (None, {"NULL": True}),
        (7, {"N": "7"}),
        (0.5, {"N": "0.5"}),
        (["a", None, [1]], {"L": [{"S": "a"}, {"NULL": True}, {"L": [{"N": "1"}]}]}),
    ],
)
def test_a_value_comes_back_with_its_type(value: Any, attribute: dict[str, Any]) -> None:
    assert encode(value) == attribute
    back = decode(attribute)
    assert (back, type(back)) == (value, type(value))


def test_a_value_of_another_type_is_refused() -> None:
    value: Any = {"a": 1}
    with pytest.raises(GiveUpError, match="not dict"):
        encode(value)


@pytest.mark.parametrize("attribute", [{"B": b"x"}, {"SS": ["a"]}, {"M": {}}])
def test_an_attribute_that_conduit_does_not_write_is_refused(attribute: dict[str, Any]) -> None:
    with pytest.raises(GiveUpError, match="Something else wrote to this table"):
        decode(attribute)
