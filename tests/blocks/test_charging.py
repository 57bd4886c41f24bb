"""A block charges for a value before it builds it, and never more than the result takes as JSON."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from blocks.block import BudgetExceededError, Call

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

TEXT = "x" * 1000
LIST = list(range(1000))
DICTIONARY = {str(key): key for key in range(1000)}

GROWING = [
    ("TEXT.CREATE", {"value": LIST}),
    ("TEXT.CREATE", {"value": DICTIONARY}),
    ("TEXT.JOIN", {"text1": TEXT, "text2": TEXT}),
    ("TEXT.JOIN_LIST", {"list": ["a"] * 10, "separator": TEXT}),
    ("TEXT.REPLACE", {"text": TEXT, "old": "x", "new": TEXT}),
    ("TEXT.REPLACE", {"text": TEXT, "old": "", "new": "--"}),
    ("TEXT.SPLIT", {"text": TEXT, "separator": "x"}),
    ("TEXT.SPLIT", {"text": "x " * 500}),
    ("TEXT.UPPERCASE", {"text": TEXT}),
    ("LISTS.COPY", {"list": LIST}),
    ("LISTS.EXTEND", {"list1": LIST, "list2": LIST}),
    ("LISTS.FLATTEN", {"values": [LIST, LIST]}),
    ("LISTS.MERGE", {"list1": LIST, "list2": LIST}),
    ("DICTIONARY.LIST_ITEMS", {"dictionary": DICTIONARY}),
    ("DICTIONARY.LIST_KEYS", {"dictionary": DICTIONARY}),
    ("DICTIONARY.LIST_VALUES", {"dictionary": DICTIONARY}),
    ("DICTIONARY.MERGE", {"dict1": DICTIONARY, "dict2": {"a": 1}}),
    ("DICTIONARY.UPDATE", {"dict1": {"a": 1}, "dict2": DICTIONARY}),
    ("OBJECT.APPLY_SLICE", {"value": LIST, "slice": {"step": -1}}),
    ("OBJECT.COPY", {"value": LIST}),
    ("OBJECT.COPY", {"value": DICTIONARY}),
    ("OBJECT.SLICE_VALUE", {"value": TEXT, "start": 1}),
]


@pytest.mark.parametrize(("action", "parameters"), GROWING)
def test_a_block_that_builds_stops_at_the_budget(run: Run, call: Any, action: str, parameters: dict[str, Any]) -> None:
    call.budget = 900

    with pytest.raises(BudgetExceededError):
        run(action, **parameters)


@pytest.mark.parametrize(("action", "parameters"), GROWING)
def test_a_charge_lets_a_result_through_that_the_job_could_keep(
    run: Run, call: Call, action: str, parameters: dict[str, Any]
) -> None:
    result = run(action, **parameters)

    if result is not None:
        assert 900 < call.charged <= json_size(result)


def test_a_replacement_that_would_take_gigabytes_is_refused_before_it_is_built(run: Run, call: Any) -> None:
    call.budget = 256 * 1024
    text = "x" * 100_000
    tracemalloc.start()
    try:
        with pytest.raises(BudgetExceededError):
            run("TEXT.REPLACE", text=text, old="x", new=text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1_000_000


def test_an_in_place_block_that_exceeds_the_budget_leaves_its_list_alone(run: Run, call: Any) -> None:
    call.budget = 10
    both = [1, 2, 3, 4]

    with pytest.raises(BudgetExceededError):
        run("LISTS.EXTEND", list1=both, list2=both)
    assert both == [1, 2, 3, 4]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
PIECES = st.text("ab \t\x1cß", max_size=12)


@pytest.fixture
def charged(run: Run, call: Call) -> Callable[..., tuple[Any, int]]:
    """Runs an action and returns its result and its charges."""

    def run_action(action: str, **parameters: Any) -> tuple[Any, int]:
        before = call.charged
        result = run(action, **parameters)
        return result, call.charged - before

    return run_action


# The fixture only adds up; the time of an example depends on the machine.
same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@same_fixture
@given(value=JSON)
def test_a_string_made_of_any_value_is_charged_at_most_its_size(charged: Any, value: Any) -> None:
    result, size = charged("TEXT.CREATE", value=value)

    assert result == str(value)
    assert size <= json_size(result)
    assert size or not result


@same_fixture
@given(text=PIECES, old=PIECES.map(lambda text: text[:2]), new=PIECES, count=st.integers(-2, 5))
def test_a_replacement_is_charged_exactly(charged: Any, text: str, old: str, new: str, count: int) -> None:
    result, size = charged("TEXT.REPLACE", text=text, old=old, new=new, count=count)

    assert result == text.replace(old, new, count)
    assert size == len(result)


@same_fixture
@given(text=PIECES, separator=st.none() | st.sampled_from(["a", "ab", " "]), maxsplit=st.integers(-2, 5))
def test_a_split_is_charged_for_each_of_its_pieces(
    charged: Any, text: str, separator: str | None, maxsplit: int
) -> None:
    result, size = charged("TEXT.SPLIT", text=text, separator=separator, maxsplit=maxsplit)

    assert result == text.split(separator, maxsplit)
    assert size == 3 * len(result)


@same_fixture
@given(texts=st.lists(PIECES, max_size=5), separator=PIECES)
def test_a_joined_list_is_charged_exactly(charged: Any, texts: list[str], separator: str) -> None:
    result, size = charged("TEXT.JOIN_LIST", list=texts, separator=separator)

    assert result == separator.join(texts)
    assert size == len(result)


def json_size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
