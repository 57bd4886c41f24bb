from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("action", "parameters", "result"),
    [
        ("MATH.CREATE_INTEGER", {"value": " -7 "}, -7),
        ("MATH.CREATE_INTEGER", {"value": -2.9}, -2),
        ("MATH.CREATE_INTEGER", {"value": True}, 1),
        ("MATH.CREATE_FLOAT", {"value": "1e3"}, 1000.0),
        ("MATH.SUM", {"value1": 2, "value2": 3}, 5),
        ("MATH.SUM", {"value1": "2", "value2": 0.5}, 2.5),
        ("MATH.SUM_LIST", {"list": []}, 0),
        ("MATH.SUM_LIST", {"list": [0, 0, -5.53], "start": 3.76}, -1.7700000000000005),
        ("MATH.SUB", {"value1": 2, "value2": 3}, -1),
        ("MATH.DIV", {"value1": 4, "value2": 2}, 2.0),
        ("MATH.MUL", {"value1": 9, "value2": -4}, -36.0),
        ("MATH.MUL", {"value1": -1e300, "value2": 1000}, -1e303),
        ("MATH.EXP", {"value1": 2, "value2": 10}, 1024.0),
        ("MATH.EXP", {"value1": -100, "value2": 2}, 10000.0),
        ("MATH.MOD", {"value1": -1, "value2": 8}, 7),
        ("MATH.FLOOR", {"value": -8.9}, -9),
        ("MATH.CEILING", {"value": 0.33}, 1),
        ("MATH.MAX", {"value1": 11, "value2": False}, 11),
        ("MATH.MIN", {"value1": 6, "value2": False}, False),
        ("MATH.MAX", {"value1": "a", "value2": "b"}, "b"),
        ("MATH.SQRT", {"value": 2.25}, 1.5),
        ("MATH.ABS", {"value": -6}, 6),
        ("MATH.MAX_LIST", {"list": [-7, 489, 10.41]}, 489),
        ("MATH.MIN_LIST", {"list": ["b", "a"]}, "a"),
    ],
)
def test_a_math_block_gives(run: Run, action: str, parameters: dict[str, Any], result: Any) -> None:
    given = run(action, **parameters)

    assert given == result
    assert type(given) is type(result)


@pytest.mark.parametrize(
    ("action", "parameters", "error"),
    [
        ("MATH.CREATE_INTEGER", {"value": "Beta"}, ValueError),
        ("MATH.CREATE_INTEGER", {"value": "9" * 4301}, ValueError),
        ("MATH.CREATE_INTEGER", {"value": None}, TypeError),
        ("MATH.CREATE_FLOAT", {"value": []}, TypeError),
        ("MATH.SUM", {"value1": 1, "value2": "x"}, ValidationError),
        ("MATH.SUM", {"value1": 1, "value2": None}, ValidationError),
        ("MATH.SUM_LIST", {"list": ["a"]}, TypeError),
        ("MATH.DIV", {"value1": 0, "value2": 0}, ZeroDivisionError),
        ("MATH.MOD", {"value1": 6, "value2": 0}, ZeroDivisionError),
        ("MATH.MUL", {"value1": 1000.5, "value2": 1}, ValidationError),
        ("MATH.MUL", {"value1": 1, "value2": 1001}, ValidationError),
        ("MATH.EXP", {"value1": 10.5, "value2": 1}, ValidationError),
        ("MATH.EXP", {"value1": 1, "value2": 11}, ValidationError),
        ("MATH.EXP", {"value1": -1e200, "value2": 2}, OverflowError),
        ("MATH.SQRT", {"value": -1}, ValueError),
        ("MATH.ABS", {"value": "tab"}, TypeError),
        ("MATH.MAX", {"value1": "a", "value2": 1}, TypeError),
        ("MATH.MAX_LIST", {"list": []}, ValueError),
        ("MATH.MIN_LIST", {"list": None}, ValidationError),
    ],
)
def test_a_math_block_refuses(run: Run, action: str, parameters: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(action, **parameters)


def test_a_list_is_summed_from_left_to_right_in_every_version_of_python(run: Run) -> None:
    # The built-in sum gives 1.0 here since Python 3.12.
    assert run("MATH.SUM_LIST", list=[0.1] * 10) == 0.9999999999999999


def test_what_is_no_finite_number_is_left_for_the_job_to_refuse(run: Run) -> None:
    assert math.isinf(run("MATH.MUL", value1=-1e308, value2=1000))
    assert math.isnan(run("MATH.CREATE_FLOAT", value="nan"))
    assert isinstance(run("MATH.EXP", value1=-8, value2=0.5), complex)
