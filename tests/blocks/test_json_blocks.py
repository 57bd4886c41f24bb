from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from blocks.block import BudgetExceededError
from handler.engine import Conduit, ConduitStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@same_fixture
@given(value=JSON, indent=st.none() | st.integers(0, 4))
def test_what_is_written_is_read_again_as_it_was(run: Run, value: Any, indent: int | None) -> None:
    text = run("JSON.TEXT", value=value, indent=indent)

    assert run("JSON.PARSE", text=text) == value
    assert text == json.dumps(value, ensure_ascii=False, indent=indent)


@same_fixture
@given(value=JSON)
def test_a_parsed_value_is_charged_at_most_its_size(run: Run, call: Any, value: Any) -> None:
    before = call.charged
    run("JSON.PARSE", text=json.dumps(value, ensure_ascii=False, indent=3))

    assert call.charged - before <= len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "line 1, column 1"),
        ('{"a": 1 "b"}', "line 1, column 9"),
        ('{"a":\n tru}', "line 2, column 2"),
        ("{'a': 1}", "line 1, column 2"),
        ("1 2", "line 1, column 3"),
    ],
)
def test_invalid_json_is_refused_with_its_place(run: Run, text: str, place: str) -> None:
    with pytest.raises(ValueError, match=place):
        run("JSON.PARSE", text=text)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}'])
def test_numbers_that_json_does_not_have_are_refused(run: Run, text: str) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        run("JSON.PARSE", text=text)


@pytest.mark.parametrize("text", ["1e999", "[-1E+400]"])
def test_numbers_past_the_largest_are_refused(run: Run, text: str) -> None:
    with pytest.raises(ValueError, match="too large"):
        run("JSON.PARSE", text=text)


@pytest.mark.parametrize(
    ("text", "limit"), [("[" * 200_000, "32 levels"), ("9" * 4301, "4,300 digits"), ("[-" + "9" * 4301 + "]", "digits")]
)
def test_what_no_job_may_hold_is_past_a_limit(run: Run, text: str, limit: str) -> None:
    with pytest.raises(BudgetExceededError, match=limit):
        run("JSON.PARSE", text=text)


@pytest.mark.parametrize("levels", [900, 2_000, 5_000, 50_000])
def test_a_value_that_is_nested_too_deep_is_past_a_limit_at_any_depth(levels: int) -> None:
    """Python 3.13 parses more levels than the recursion limit allows to weigh afterwards."""
    job = Conduit.from_dict(
        {"steps": [{"action": "JSON.PARSE", "id": "a", "parameters": {"text": "[" * levels + "]" * levels}}]}
    )
    asyncio.run(job.run())
    assert job.steps[0].status is ConduitStatus.RESULT_LIMIT_EXCEED


def test_an_integer_may_have_4300_digits_and_a_sign(run: Run) -> None:
    assert run("JSON.PARSE", text="-" + "9" * 4300) == 1 - 10**4300


def test_a_value_that_json_cannot_hold_is_refused(run: Run) -> None:
    with pytest.raises(ValueError, match="JSON"):
        run("JSON.TEXT", value=math.inf)


def test_an_indent_out_of_bounds_does_not_fit(run: Run) -> None:
    with pytest.raises(ValidationError):
        run("JSON.TEXT", value=[], indent=1_000_000)


def test_a_large_structure_is_refused_before_it_is_built(run: Run, call: Any) -> None:
    call.budget = 1000
    with pytest.raises(BudgetExceededError):
        run("JSON.PARSE", text="[" + "[]," * 100_000 + "1]")
    with pytest.raises(BudgetExceededError):
        run("JSON.TEXT", value=["x"] * 1000, indent=8)
