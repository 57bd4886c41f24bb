"""JSON: blocks that read and write JSON."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any, Final, NoReturn

from pydantic import Field

from blocks.block import BudgetExceededError, Call, Category
from blocks.charges import cost_of_json, cost_of_text, weigh

category = Category("JSON", effect="none")

Indent = Annotated[int, Field(ge=0, le=16)]

STRUCTURE: Final = ',:[]{}"'
"""Characters that the value also takes as JSON, wherever they occur: the least that it is charged for."""
PIECE: Final = 15
"""The cost of a piece of a string, besides its bytes, until the pieces are joined."""
DIGITS: Final = 4_300
"""The most digits of an integer; Python converts no more."""


@category.block
def parse(call__: Call, /, *, text: str) -> Any:
    r"""Return the value of a string of JSON.

    A string that is not JSON is INVALID_ARGUMENT with the place, and so are NaN, infinities, and numbers that are too
    large for floating point. An integer of more than 4,300 digits, or a value of more than 32 levels, is
    RESULT_LIMIT_EXCEED. Of equal keys the last wins. `{"text": "{\"a\": [1, true]}"}` gives `{"a": [1, true]}`.
    """
    least = cost_of_json(text)
    call__.charge(sum(map(text.count, STRUCTURE)), least)
    try:
        value = json.loads(text, parse_constant=_refuse, parse_int=_integer, parse_float=_float)
        cost = weigh(value)
    except json.JSONDecodeError as error:
        raise ValueError(f"`text` is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise BudgetExceededError("`text` nests lists and objects too deep; 32 levels are the limit") from None
    call__.charge(0, max(0, cost - least))
    return value


@category.block(name="text")
def text_(call__: Call, /, *, value: Any, indent: Indent | None = None) -> str:
    r"""Write a value as a string of JSON, on one line or with `indent` spaces per level.

    `{"value": {"a": [1, true]}}` gives `"{\"a\": [1, true]}"`.
    """
    pieces = []
    for piece in json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=indent).iterencode(value):
        call__.charge(len(piece), PIECE + cost_of_text(piece))
        pieces.append(piece)
    return "".join(pieces)


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > DIGITS:
        raise BudgetExceededError(f"`text` holds an integer of more than {DIGITS:,} digits")
    return int(digits)


def _float(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"`text` holds a number that is too large: {number:.20}")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"`text` is not JSON: JSON has no {constant}")
