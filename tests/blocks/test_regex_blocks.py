from __future__ import annotations

import asyncio
import re
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from blocks import patterns
from blocks.block import BudgetExceededError
from handler.engine import Conduit, ConduitStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]

same_fixture = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PATTERNS = st.recursive(
    st.sampled_from(["a", "b", ".", r"\d", r"\w", r"\s", "[ab]", "[^a]", "^", "$", r"\b", "é", "(?=a)", "(?<!b)", ""]),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["?", "*", "+", "{1,2}", "*?"])).map("(?:{0[0]}){0[1]}".format)
        | inner.map("({})".format)
        | st.tuples(inner, inner).map("".join)
        | st.tuples(inner, inner).map("|".join)
    ),
    max_leaves=5,
)
STRINGS = st.text("aabbé1 \n", max_size=8)
LONG = "x" * 400
"""More characters than are searched in this process."""


@pytest.mark.parametrize(
    ("action", "parameters", "result"),
    [
        ("REGEX.MATCH", {"text": "order 42", "pattern": r"\d+"}, True),
        ("REGEX.MATCH", {"text": "order", "pattern": r"\d"}, False),
        ("REGEX.MATCH", {"text": "ORDER", "pattern": "order"}, False),
        ("REGEX.MATCH", {"text": "ORDER", "pattern": "order", "ignore_case": True}, True),
        ("REGEX.MATCH", {"text": "naïve", "pattern": r"^\w+$"}, True),
        ("REGEX.MATCH", {"text": "foobar", "pattern": "foo(?=bar)"}, True),
        ("REGEX.MATCH", {"text": "abab", "pattern": r"^(ab)\1$"}, True),
        ("REGEX.FIND", {"text": "a1", "pattern": r"(\d)(b)?"}, {"match": "1", "groups": ["1", None], "start": 1}),
        ("REGEX.FIND", {"text": "a", "pattern": "b"}, None),
        ("REGEX.FIND_ALL", {"text": "none", "pattern": "x"}, []),
        (
            "REGEX.FIND_ALL",
            {"text": "a=1, b=2", "pattern": r"(?P<key>\w)=(\d)"},
            [{"match": "a=1", "groups": ["a", "1"], "start": 0}, {"match": "b=2", "groups": ["b", "2"], "start": 5}],
        ),
        ("REGEX.REPLACE", {"text": "a-b-c", "pattern": "-", "replacement": "+"}, "a+b+c"),
        ("REGEX.REPLACE", {"text": "a-b-c", "pattern": "-", "replacement": "+", "count": 1}, "a+b-c"),
        ("REGEX.REPLACE", {"text": "Ann Lee", "pattern": r"(\w+) (\w+)", "replacement": r"\2 \1"}, "Lee Ann"),
        ("REGEX.REPLACE", {"text": "ab", "pattern": "(?P<x>a)", "replacement": r"<\g<x>\g<1>\g<0>>"}, "<aaa>b"),
        ("REGEX.REPLACE", {"text": "a", "pattern": "a", "replacement": r"\\1\n"}, "\\1\n"),
        ("REGEX.REPLACE", {"text": "b", "pattern": "(a)?b", "replacement": r"[\1]"}, "[]"),
        ("REGEX.REPLACE", {"text": "Ab", "pattern": "a", "replacement": "x", "ignore_case": True}, "xb"),
        ("REGEX.SPLIT", {"text": "a, b;c", "pattern": "[,;] *"}, ["a", "b", "c"]),
        ("REGEX.SPLIT", {"text": "a1b", "pattern": r"(\d)"}, ["a", "1", "b"]),
        ("REGEX.SPLIT", {"text": "", "pattern": ","}, [""]),
    ],
)
def test_a_regex_block_gives(run: Run, action: str, parameters: dict[str, Any], result: Any) -> None:
    assert run(action, **parameters) == result


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "at position 0"),
        ("a**", "multiple repeat"),
        ("[b-a]", "bad character range"),
        (r"\1", "invalid group"),
        ("(?P<1>a)", "bad character in group name"),
        ("(" * 5000 + ")" * 5000, "not a valid regular expression"),
        ("a" * 10_001, "10,001 characters"),
        ("a{99999999999999999999}", "not a valid regular expression"),
    ],
)
def test_a_malformed_pattern_is_refused_with_its_place(run: Run, pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run("REGEX.MATCH", text="a", pattern=pattern)


@pytest.mark.parametrize("replacement", [r"\2", r"\g<no>", r"\g<2>", r"\g<>", r"\q", "\\", r"\g<1"])
def test_a_replacement_that_names_a_group_the_pattern_lacks_is_refused(run: Run, replacement: str) -> None:
    with pytest.raises(ValueError, match="replacement"):
        run("REGEX.REPLACE", text="none", pattern="(a)", replacement=replacement)


def test_a_negative_count_is_refused(run: Run) -> None:
    with pytest.raises(ValueError, match="count"):
        run("REGEX.REPLACE", text="a", pattern="a", replacement="b", count=-1)


@same_fixture
@given(pattern=PATTERNS, text=STRINGS, long=st.booleans())
def test_a_search_finds_the_same_as_python(run: Run, pattern: str, text: str, long: bool) -> None:
    if long:
        assume(len(text) < 3)  # few, because each starts a process
        text += LONG
    found = [
        {"match": match[0], "groups": list(match.groups()), "start": match.start()}
        for match in re.finditer(pattern, text)
    ]

    assert run("REGEX.FIND_ALL", text=text, pattern=pattern) == found
    assert run("REGEX.FIND", text=text, pattern=pattern) == (found[0] if found else None)
    assert run("REGEX.MATCH", text=text, pattern=pattern) is bool(found)


@same_fixture
@given(pattern=PATTERNS, text=STRINGS)
def test_a_split_gives_the_same_as_python(run: Run, call: Any, pattern: str, text: str) -> None:
    before = call.charged
    pieces = run("REGEX.SPLIT", text=text, pattern=pattern)

    assert pieces == re.split(pattern, text)
    assert call.charged - before == sum(5 if piece is None else 3 + len(piece) for piece in pieces)


@same_fixture
@given(
    pattern=PATTERNS,
    text=STRINGS,
    pieces=st.lists(st.sampled_from(["x", r"\\", r"\n", r"\g<0>", r"\-", r"\0", r"\101", r"\012"]), max_size=4),
    count=st.integers(0, 3),
)
def test_a_replacement_gives_the_same_as_python(
    run: Run, call: Any, pattern: str, text: str, pieces: list[str], count: int
) -> None:
    before = call.charged
    result = run("REGEX.REPLACE", text=text, pattern=pattern, replacement="".join(pieces), count=count)

    assert result == re.sub(pattern, "".join(pieces), text, count=count)
    assert call.charged - before == len(result)


def test_a_long_string_is_searched_in_a_process_of_its_own_and_charged_here(run: Run, call: Any) -> None:
    assert run("REGEX.REPLACE", text=LONG, pattern="x", replacement="yy") == "yy" * 400
    assert call.isolated == 1
    assert call.charged == 800


@pytest.mark.parametrize("text", ["ab" * 100, "ab" * 1000])
@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("REGEX.FIND_ALL", {"pattern": "a"}),
        ("REGEX.SPLIT", {"pattern": "a"}),
        ("REGEX.REPLACE", {"pattern": "(a)", "replacement": r"\1" * 1000}),
    ],
)
def test_what_would_be_too_large_is_refused_before_it_is_built(
    run: Run, call: Any, action: str, parameters: dict[str, Any], text: str
) -> None:
    call.budget = 300
    with pytest.raises(BudgetExceededError):
        run(action, text=text, **parameters)


ENDLESS = [
    ("(a+)+$", "a" * 60 + "!"),
    ("(a|a)*b", "a" * 290),
    (r"(\w+\s?)*:", "word " * 50),
    ("(a+)+$", "a" * 5000 + "!"),
    ("a*b", "a" * 250_000),
    ("[ab]*[ab]*c", "a" * 250_000),
    (r"(.*)\1z", "ab" * 100_000),
    ("(?=.*z)a", "a" * 250_000),
]


async def outcome(pattern: str, text: str) -> Any:
    step = {"action": "REGEX.MATCH", "parameters": {"text": text, "pattern": pattern}, "timeout": 0.2}
    job = Conduit.from_dict({"steps": [step]})
    began = time.monotonic()
    await job.run()
    return job.steps[0].status, time.monotonic() - began


@pytest.mark.parametrize(("pattern", "text"), ENDLESS)
def test_a_search_without_end_is_stopped_at_the_limit_of_its_step(pattern: str, text: str) -> None:
    status, seconds = asyncio.run(outcome(pattern, text))

    assert status is ConduitStatus.TIME_LIMIT_EXCEED
    assert seconds < 5  # it would take minutes, or years


@pytest.mark.parametrize(("pattern", "text"), ENDLESS[:2])
def test_it_is_stopped_in_a_thread_that_no_signal_reaches(pattern: str, text: str) -> None:
    outcomes: list[Any] = []
    thread = threading.Thread(target=lambda: outcomes.append(asyncio.run(outcome(pattern, text))), daemon=True)
    thread.start()
    thread.join(timeout=20)

    assert outcomes
    assert outcomes[0][0] is ConduitStatus.TIME_LIMIT_EXCEED


def test_python_keeps_no_long_pattern(run: Run) -> None:
    """It keeps the last 512, of any length."""
    for at in range(3):
        run("REGEX.MATCH", text="a", pattern=f"{at}{'a' * 5_000}")
    assert all(len(key[1]) <= patterns.KEPT_PATTERN for key in re._cache)  # type: ignore[attr-defined]
