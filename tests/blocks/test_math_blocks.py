from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.block import BudgetExceededError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


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


def test_a_number_that_is_not_finite_is_left_for_the_job_to_refuse(run: Run) -> None:
    assert math.isinf(run("MATH.MUL", value1=-1e308, value2=1000))
    assert math.isnan(run("MATH.CREATE_FLOAT", value="nan"))
    assert isinstance(run("MATH.EXP", value1=-8, value2=0.5), complex)


@pytest.mark.parametrize(
    ("action", "parameters", "result"),
    [
        ("MATH.MULTIPLY", {"value1": 2500, "value2": 4}, 10_000),
        ("MATH.MULTIPLY", {"value1": 10**20, "value2": 10**20}, 10**40),
        ("MATH.MULTIPLY", {"value1": 1.5, "value2": 2}, 3.0),
        ("MATH.DIVIDE", {"value1": 7000, "value2": 2}, 3500.0),
        ("MATH.DIVIDE", {"value1": 1, "value2": -4}, -0.25),
        ("MATH.ROUND", {"value": 2.5}, 3),
        ("MATH.ROUND", {"value": -2.5}, -3),
        ("MATH.ROUND", {"value": 0.49999999999999994}, 0),
        ("MATH.ROUND", {"value": 2.675, "digits": 2}, 2.68),
        ("MATH.ROUND", {"value": 1.005, "digits": 2}, 1.01),
        ("MATH.ROUND", {"value": 1250, "digits": -2}, 1300),
        ("MATH.ROUND", {"value": 1249.9, "digits": -2}, 1200),
        ("MATH.ROUND", {"value": 49, "digits": -2}, 0),
        ("MATH.ROUND", {"value": 7, "digits": 2}, 7),
        ("MATH.ROUND", {"value": 10**400 + 5, "digits": -1}, 10**400 + 10),
        ("MATH.ROUND", {"value": 1e308, "digits": 30}, 1e308),
        ("MATH.ROUND", {"value": 5e-324, "digits": 2}, 0.0),
        ("MATH.FORMAT", {"value": 2.675}, "2.68"),
        ("MATH.FORMAT", {"value": 2}, "2.00"),
        ("MATH.FORMAT", {"value": 1234567.891, "thousands": ","}, "1,234,567.89"),
        ("MATH.FORMAT", {"value": -1234, "digits": 0, "thousands": "."}, "-1.234"),
        ("MATH.FORMAT", {"value": 1234.5, "digits": 1, "thousands": " "}, "1 234.5"),
        ("MATH.FORMAT", {"value": -0.001}, "0.00"),
        ("MATH.FORMAT", {"value": 1e21, "digits": 0}, "1000000000000000000000"),
        ("MATH.FORMAT", {"value": 999.999, "thousands": ","}, "1,000.00"),
    ],
)
def test_a_math_block_beyond_the_library_gives(run: Run, action: str, parameters: dict[str, Any], result: Any) -> None:
    given_ = run(action, **parameters)

    assert given_ == result
    assert type(given_) is type(result)


@pytest.mark.parametrize(
    ("action", "parameters", "message"),
    [
        ("MATH.DIVIDE", {"value1": 1, "value2": 0}, "divided"),
        ("MATH.DIVIDE", {"value1": 1, "value2": 0.0}, "divided"),
        ("MATH.DIVIDE", {"value1": 10**400, "value2": 3}, "largest"),
        ("MATH.MULTIPLY", {"value1": 10**400, "value2": 0.5}, "largest"),
        ("MATH.MULTIPLY", {"value1": 1e308, "value2": -10}, "largest"),
        ("MATH.DIVIDE", {"value1": 1e308, "value2": 1e-10}, "largest"),
        ("MATH.ROUND", {"value": float("inf")}, "rounded"),
        ("MATH.FORMAT", {"value": float("nan")}, "rounded"),
    ],
)
def test_what_has_no_result_is_refused(run: Run, action: str, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(action, **parameters)


@pytest.mark.parametrize("digits", [31, -31])
def test_digits_out_of_bounds_do_not_fit(run: Run, digits: int) -> None:
    with pytest.raises(ValidationError):
        run("MATH.ROUND", value=1, digits=digits)


@same_fixture
@given(value=st.floats(-1e15, 1e15), digits=st.integers(0, 6))
def test_rounding_is_to_the_nearest_as_written_and_a_half_goes_away_from_zero(
    run: Run, value: float, digits: int
) -> None:
    rounded = Decimal(repr(run("MATH.ROUND", value=value, digits=digits)))
    written = Decimal(repr(value))
    unit = Decimal(1).scaleb(-digits)

    assert abs(rounded - written) <= max(unit / 2, abs(written) * Decimal("1e-15"))
    if written == written.quantize(unit / 10) and abs(written) < 10**6 and written % unit == unit / 2:
        assert abs(rounded) > abs(written)
    assert Decimal(run("MATH.FORMAT", value=value, digits=digits)) == written.quantize(unit, ROUND_HALF_UP)


@same_fixture
@given(value=st.integers(-(10**30), 10**30), digits=st.integers(-30, 0))
def test_whole_numbers_are_rounded_exactly(run: Run, value: int, digits: int) -> None:
    unit = 10**-digits

    assert run("MATH.ROUND", value=value, digits=digits) == (1 if value > 0 else -1) * (
        (abs(value) * 2 + unit) // (2 * unit) * unit
    )


def test_a_number_with_large_separators_is_charged_before_it_is_written(run: Run, call: Any) -> None:
    call.budget = 10_000
    with pytest.raises(BudgetExceededError):
        run("MATH.FORMAT", value=10**4000, thousands="x" * 1000)
