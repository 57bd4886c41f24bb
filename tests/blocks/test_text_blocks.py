from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]


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
