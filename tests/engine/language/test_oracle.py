"""Python itself as the oracle, for expressions that are also Python."""

from __future__ import annotations

from functools import reduce
from operator import add
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks.block import BudgetExceededError
from handler.engine.call import Budget
from handler.engine.language.tags import resolve
from tests.examples import examples

NAMES: dict[str, Any] = {"n": 5, "m": -3, "f": 2.5, "s": "abc", "l": [3, 1, 2], "o": {"a": 1, "b": 2}}
PYTHON = {
    "len": len,
    "abs": abs,
    "min": min,
    "max": max,
    "sorted": sorted,
    "sum": lambda items: reduce(add, items, 0),  # as on 3.11: later versions add floats differently
    "range": range,
    "any": any,
    "all": all,
}

numbers = st.sampled_from(
    ["0", "1", "7", "2.5", "-4", "n", "m", "f", "len(s)", "l[0]", "o['a']", "10000000000000000000000"]
)
strings = st.sampled_from(["''", "'abc'", "'b'", "s", "s[1]", "s[1:]", "s[::-1]"])
lists = st.sampled_from(
    ["[]", "l", "[1, 2]", "l[1:]", "l[-2:]", "[x for x in l if x > 1]", "[x * y for x in l for y in l]"]
)


def _numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(
        lambda p: f"({p[0]} {p[1]} {p[2]})"
    )
    return st.one_of(
        pair,
        inner.map(lambda a: f"-{a}"),
        inner.map(lambda a: f"abs({a})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} < {p[2]} else {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"min({p[0]}, {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"max([{p[0]}, {p[1]}])"),
        st.tuples(inner, lists).map(lambda p: f"sum([x + {p[0]} for x in {p[1]}])"),
    )


number = st.recursive(numbers, _numbers, max_leaves=8)
string = st.one_of(
    strings,
    st.tuples(strings, strings).map(" + ".join),
    st.tuples(strings, strings).map(lambda p: f"({p[0]} or {p[1]})"),
)
truth = st.recursive(
    st.one_of(
        st.tuples(number, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), number).map(" ".join),
        st.tuples(number, st.just("<"), number, st.just("<="), number).map(" ".join),
        st.tuples(string, st.sampled_from(["<", "==", "in", "not in"]), string).map(" ".join),
        st.tuples(lists, lists).map(" == ".join),
        st.tuples(number, lists).map(" in ".join),
        lists.map(lambda a: f"any(x > 1 for x in {a})"),
        lists.map(lambda a: f"all(1 / (x - 1) > 0 for x in {a})"),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: f"({p[0]} and {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} or {p[1]})"),
        inner.map(lambda a: f"(not ({a}))"),
    ),
    max_leaves=5,
)
anything = st.one_of(
    number,
    string,
    lists,
    truth,
    lists.map(lambda a: f"sorted({a})"),
    lists.map(lambda a: f"len({a})"),
    st.tuples(number, string).map(lambda p: f"[{p[0]}, {{'k': {p[1]}}}]"),
)


@settings(max_examples=examples(400))
@given(anything)
def test_an_expression_gives_what_python_gives(text: str) -> None:
    try:
        wanted = eval(text, {"__builtins__": {}, **PYTHON, **NAMES})  # noqa: S307  # the oracle, on the strings above
    except (ZeroDivisionError, OverflowError, ValueError):
        with pytest.raises((ValueError, BudgetExceededError)):
            resolve(f"{{= {text} =}}", NAMES, Budget(1 << 20, "it").charge)
        return
    assert repr(resolve(f"{{= {text} =}}", NAMES, Budget(1 << 20, "it").charge)) == repr(wanted)


@settings(max_examples=examples(300))
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_a_string_in_quotes_is_read_as_python_reads_it(value: str) -> None:
    assert resolve(f"{{= {value!r} =}}", {}, Budget(1 << 20, "it").charge) == value
