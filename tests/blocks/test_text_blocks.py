from __future__ import annotations

import re
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
        ("TEXT.CREATE", {"value": None}, "None"),
        ("TEXT.CREATE", {"value": {"a": [True, 1.5, "x"]}}, "{'a': [True, 1.5, 'x']}"),
        ("TEXT.JOIN", {"text1": "a", "text2": "b"}, "a b"),
        ("TEXT.JOIN", {"text1": "a", "text2": "b", "join_with": ""}, "ab"),
        ("TEXT.JOIN_LIST", {"list": ["a", "b"]}, "ab"),
        ("TEXT.JOIN_LIST", {"list": [], "separator": "-"}, ""),
        ("TEXT.INCLUDES", {"text": "abc", "piece": "bc"}, True),
        ("TEXT.INCLUDES", {"text": "abc", "piece": "BC"}, False),
        ("TEXT.COUNT", {"text": "日本"}, 2),
        ("TEXT.GET", {"text": "zed", "index": -1}, "d"),
        ("TEXT.GET", {"text": "zed", "index": "1"}, "e"),
        ("TEXT.COUNT_PIECE", {"text": "aaaa", "piece": "aa"}, 2),
        ("TEXT.COUNT_PIECE", {"text": "abc", "piece": ""}, 4),
        ("TEXT.IS_EMPTY", {"text": ""}, True),
        ("TEXT.IS_EMPTY", {"text": " "}, False),
        ("TEXT.IS_EMPTY", {"text": " \t", "include_spaces": False}, True),
        ("TEXT.IS_EMPTY", {"text": "", "include_spaces": False}, True),
        ("TEXT.IS_EMPTY", {"text": " x ", "include_spaces": False}, False),
        ("TEXT.STRIP", {"text": "  a  "}, "a"),
        ("TEXT.STRIP", {"text": "xyaxy", "chars": "yxx"}, "a"),
        ("TEXT.STRIP", {"text": " a ", "chars": ""}, " a "),
        ("TEXT.STRIP", {"text": " a ", "chars": None}, "a"),
        ("TEXT.UPPERCASE", {"text": "straße"}, "STRASSE"),
        ("TEXT.LOWERCASE", {"text": "ABC"}, "abc"),
        ("TEXT.SPLIT", {"text": " a  b "}, ["a", "b"]),
        ("TEXT.SPLIT", {"text": "a b c", "maxsplit": 1}, ["a", "b c"]),
        ("TEXT.SPLIT", {"text": "a,b,c", "separator": ",", "maxsplit": 1}, ["a", "b,c"]),
        ("TEXT.TITLECASE", {"text": "tab\tbed"}, "Tab\tBed"),
        ("TEXT.STARTS_WITH", {"text": "abc", "piece": "ab"}, True),
        ("TEXT.ENDS_WITH", {"text": "abc", "piece": "ab"}, False),
        ("TEXT.IS_NUMERIC", {"text": "12½"}, True),
        ("TEXT.IS_NUMERIC", {"text": "-1"}, False),
        ("TEXT.IS_TEXT", {"value": "1"}, True),
        ("TEXT.IS_TEXT", {"value": 1}, False),
        ("TEXT.REPLACE", {"text": "aaa", "old": "a", "new": "b"}, "bbb"),
        ("TEXT.REPLACE", {"text": "aaa", "old": "a", "new": "b", "count": 2}, "bba"),
        ("TEXT.REPLACE", {"text": "aaa", "old": "a", "new": "b", "count": 0}, "aaa"),
        ("TEXT.REPLACE", {"text": "ab", "old": "", "new": "-"}, "-a-b-"),
    ],
)
def test_a_text_block_gives(run: Run, action: str, parameters: dict[str, Any], result: Any) -> None:
    assert run(action, **parameters) == result


@pytest.mark.parametrize(
    ("action", "parameters", "error"),
    [
        ("TEXT.GET", {"text": "abc", "index": 3}, IndexError),
        ("TEXT.SPLIT", {"text": "abc", "separator": ""}, ValueError),
        ("TEXT.JOIN", {"text1": "a", "text2": 1}, ValidationError),
        ("TEXT.JOIN", {"text1": "a"}, ValidationError),
        ("TEXT.JOIN_LIST", {"list": ["a", True]}, ValidationError),
        ("TEXT.COUNT", {"text": "a", "size": 1}, ValidationError),
        ("TEXT.SPLIT", {"text": "a", "separator": ["x"]}, ValidationError),
        ("TEXT.IS_EMPTY", {"text": "a", "include_spaces": "maybe"}, ValidationError),
    ],
)
def test_a_text_block_refuses(run: Run, action: str, parameters: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(action, **parameters)


@pytest.mark.parametrize("name", ["separator", "seperator"])
def test_a_separator_may_be_spelt_as_the_library_did(run: Run, name: str) -> None:
    assert run("TEXT.SPLIT", text="a,b", **{name: ","}) == ["a", "b"]
    assert run("TEXT.JOIN_LIST", list=["a", "b"], **{name: ","}) == "a,b"


def test_a_separator_in_both_spellings_does_not_fit(run: Run) -> None:
    with pytest.raises(ValidationError):
        run("TEXT.SPLIT", text="a,b", separator=",", seperator=",")


@pytest.mark.parametrize(
    ("action", "parameters", "result"),
    [
        ("TEXT.TRUNCATE", {"text": "A long story", "length": 7}, "A long…"),
        ("TEXT.TRUNCATE", {"text": "short", "length": 5}, "short"),
        ("TEXT.TRUNCATE", {"text": "abcdef", "length": 5, "ending": "..."}, "ab..."),
        ("TEXT.TRUNCATE", {"text": "abcdef", "length": 2, "ending": "..."}, "ab"),
        ("TEXT.TRUNCATE", {"text": "abc", "length": 0}, ""),
        ("TEXT.TRUNCATE", {"text": "abc", "length": 2, "ending": ""}, "ab"),
        ("TEXT.SLUG", {"text": "Crème brûlée, 2 pieces!"}, "creme-brulee-2-pieces"),
        ("TEXT.SLUG", {"text": "  --Straße_Łódź // Ærø--  "}, "strasse-lodz-aero"),
        ("TEXT.SLUG", {"text": "İstanbul ①"}, "istanbul-1"),
        ("TEXT.SLUG", {"text": "日本"}, ""),
        ("TEXT.PAD", {"text": "7", "length": 3, "fill": "0"}, "007"),
        ("TEXT.PAD", {"text": "7", "length": 3}, "  7"),
        ("TEXT.PAD", {"text": "7", "length": 3, "side": "right", "fill": "-"}, "7--"),
        ("TEXT.PAD", {"text": "a", "length": 6, "fill": "xyz"}, "xyzxya"),
        ("TEXT.PAD", {"text": "long", "length": 2}, "long"),
        ("TEXT.PAD", {"text": "long", "length": -1}, "long"),
    ],
)
def test_a_text_block_beyond_the_library_gives(run: Run, action: str, parameters: dict[str, Any], result: str) -> None:
    assert run(action, **parameters) == result


@pytest.mark.parametrize(
    ("action", "parameters", "message"),
    [
        ("TEXT.TRUNCATE", {"text": "a", "length": -1}, "length"),
        ("TEXT.PAD", {"text": "a", "length": 2, "fill": ""}, "fill"),
    ],
)
def test_a_length_or_fill_that_makes_no_sense_is_refused(
    run: Run, action: str, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run(action, **parameters)


@same_fixture
@given(text=st.text(), length=st.integers(0, 20), ending=st.text(max_size=4))
def test_a_truncated_string_is_never_longer_and_begins_as_it_did(run: Run, text: str, length: int, ending: str) -> None:
    cut = run("TEXT.TRUNCATE", text=text, length=length, ending=ending)

    assert len(cut) == min(len(text), length)
    assert cut == text if len(text) <= length else text.startswith(cut.removesuffix(ending)) or len(ending) > length


@same_fixture
@given(text=st.text())
def test_a_slug_holds_only_small_letters_digits_and_single_hyphens(run: Run, text: str) -> None:
    slug = run("TEXT.SLUG", text=text)

    assert re.fullmatch(r"(?:[a-z0-9]+(?:-[a-z0-9]+)*)?", slug)
    assert run("TEXT.SLUG", text=slug) == slug


@same_fixture
@given(
    text=st.text(max_size=9),
    length=st.integers(-2, 15),
    side=st.sampled_from(["left", "right"]),
    fill=st.text(min_size=1, max_size=3),
)
def test_a_padded_string_has_the_length_and_the_string_at_its_other_end(
    run: Run, text: str, length: int, side: str, fill: str
) -> None:
    padded = run("TEXT.PAD", text=text, length=length, side=side, fill=fill)

    assert len(padded) == max(len(text), length)
    assert padded.endswith(text) if side == "left" else padded.startswith(text)


def test_padding_is_charged_before_it_is_built(run: Run, call: Any) -> None:
    call.budget = 1000
    with pytest.raises(BudgetExceededError):
        run("TEXT.PAD", text="a", length=10**15)
