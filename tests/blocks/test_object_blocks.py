from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

BOUNDS = st.none() | st.integers(-8, 8)


@pytest.mark.parametrize(
    ("action", "parameters", "result"),
    [
        ("OBJECT.CREATE_SLICE", {}, {"start": None, "stop": None, "step": None}),
        ("OBJECT.CREATE_SLICE", {"stop": 2}, {"start": None, "stop": 2, "step": None}),
        ("OBJECT.APPLY_SLICE", {"value": "abc", "slice": {"start": 1, "stop": None, "step": None}}, "bc"),
        ("OBJECT.APPLY_SLICE", {"value": [1, 2, 3], "slice": {"step": -1}}, [3, 2, 1]),
        ("OBJECT.APPLY_SLICE", {"value": [1, 2, 3], "slice": {}}, [1, 2, 3]),
        ("OBJECT.SLICE_VALUE", {"value": "abc", "stop": 2}, "ab"),
        ("OBJECT.SLICE_VALUE", {"value": [1, 2, 3, 4], "start": 1, "stop": 4, "step": 2}, [2, 4]),
        ("OBJECT.COPY", {"value": {"a": [1]}}, {"a": [1]}),
        ("OBJECT.COPY", {"value": 3}, 3),
        ("OBJECT.COPY", {"value": None}, None),
        ("OBJECT.LENGTH", {"value": "naïve"}, 5),
        ("OBJECT.LENGTH", {"value": {"a": 1}}, 1),
    ],
)
def test_an_object_block_gives(run: Run, action: str, parameters: dict[str, Any], result: Any) -> None:
    assert run(action, **parameters) == result


@pytest.mark.parametrize(
    ("action", "parameters", "error"),
    [
        ("OBJECT.LENGTH", {"value": 788}, TypeError),
        ("OBJECT.SLICE_VALUE", {"value": 785}, TypeError),
        ("OBJECT.SLICE_VALUE", {"value": {"b": ""}, "stop": 1}, TypeError),
        ("OBJECT.SLICE_VALUE", {"value": "abc", "step": 0}, ValueError),
        ("OBJECT.SLICE_VALUE", {"value": "abc", "start": "x"}, ValidationError),
        ("OBJECT.APPLY_SLICE", {"value": "abc", "slice": {"end": 1}}, ValidationError),
        ("OBJECT.APPLY_SLICE", {"value": "abc", "slice": [0, 1]}, ValidationError),
        ("OBJECT.APPLY_SLICE", {"value": "abc", "slice": None}, ValidationError),
    ],
)
def test_an_object_block_refuses(run: Run, action: str, parameters: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(action, **parameters)


# The fixture's state does not matter here; the time of an example depends on the machine.
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=st.text(max_size=6) | st.lists(st.integers(), max_size=6), start=BOUNDS, stop=BOUNDS, step=BOUNDS)
def test_a_created_slice_applied_is_the_slice_of_the_value(
    run: Run, value: Any, start: int | None, stop: int | None, step: int | None
) -> None:
    made = run("OBJECT.CREATE_SLICE", start=start, stop=stop, step=step)

    if step == 0:
        with pytest.raises(ValueError, match="zero"):
            run("OBJECT.APPLY_SLICE", value=value, slice=made)
    else:
        assert run("OBJECT.APPLY_SLICE", value=value, slice=made) == value[start:stop:step]


def test_a_copy_is_another_list(run: Run) -> None:
    value = [1]

    assert run("OBJECT.COPY", value=value) is not value
    assert run("LISTS.COPY", list=value) is not value
