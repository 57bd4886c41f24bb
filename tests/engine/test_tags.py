"""The grammar of tags."""

from __future__ import annotations

import time
from typing import Any

import pytest

from handler.engine.language.tags import PathError, Tag, parse, resolve

CONTEXTS = {
    "job": {
        "variables": {
            "v": [1, 2, 3],
            "a.b": 9,
            "n": "v",
            "o": {"l": [{"x": "deep"}]},
            "t": "text",
            "zero": 0,
            "": "empty",
        },
        "parameters": {"order": {"lines": [1, 2, 3]}, "tag": "{# t #}"},
    },
    "steps": {"a": {"result": {"k": "r"}}, "a.b": {"result": 7}},
}


def value_of(text: Any) -> Any:
    return resolve(text, CONTEXTS, lambda _: None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{# v #}", [1, 2, 3]),
        (" \n{# v #}\t", [1, 2, 3]),
        ("{#   v   #}", [1, 2, 3]),
        ("{# zero #}", 0),
        ("{: a.k :}", "r"),
        ("{< order.lines.1 >}", 2),
        ("{% job.variables.o.l.0.x %}", "deep"),
        ("{# v.-1 #}", 3),
        ("{# v.1:3 #}", [2, 3]),
        ("{# v.::-1 #}", [3, 2, 1]),
        ("{# t.1 #}", "e"),
        ("{# t.:2 #}", "te"),
        ("<{# v #}|{# t #}>", "<[1, 2, 3]|text>"),
        ("{# v #}{# t #}", "[1, 2, 3]text"),
        ("{# {# n #}.0 #}", 1),
        ("{# {# n #} #}", [1, 2, 3]),
        ("{% job.variables.{# n #} %}", [1, 2, 3]),
        ("{: {< order.lines.0 >} :}", None),
        ("{< tag >}", "{# t #}"),
        ("x{< tag >}", "x{# t #}"),
    ],
)
def test_a_tag_is_replaced(text: str, value: Any) -> None:
    if value is None:
        with pytest.raises(PathError):
            value_of(text)
    else:
        assert value_of(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{",
        "{#v#}",
        "{# v#}",
        "{#v #}",
        "{# a b #}",
        "{# v :}",
        "{# #}",
        "{#  #}",
        "{# v",
        "{%",
        "# v #}",
        "{! v !}",
        "{\t# v #}",
        "{#\tv #}",
        "{# v\n#}",
    ],
)
def test_what_only_resembles_a_tag_is_text(text: str) -> None:
    assert value_of(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("\\{# v #}", "{# v #}"),
        ("\\\\{# v #}", "\\{# v #}"),
        ("\\{# {# t #} #}", "{# text #}"),
        ("a\\b {# t #}", "a\\b text"),
        ("\\{x", "\\{x"),
        ("\\{# ", "{# "),
    ],
)
def test_a_backslash_before_an_opener_keeps_it(text: str, value: str) -> None:
    assert value_of(text) == value


def test_a_value_of_a_nested_tag_is_one_key_dots_and_all() -> None:
    contexts = {"job": {"variables": {"a.b": 9}, "parameters": {"k": "a.b"}}}
    assert resolve("{# {< k >} #}", contexts, lambda _: None) == 9


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{< order.lines.7 >}", "`order.lines.7`: a list of 3 at `order.lines` has no `7`"),
        ("{< order.nope >}", "`order.nope`: a dictionary of 1 (`lines`) at `order` has no `nope`"),
        ("{# t.x #}", "`t.x`: a text of 4 at `t` has no `x`"),
        ("{# t.4 #}", "`t.4`: a text of 4 at `t` has no `4`"),
        ("{# zero.x #}", "`zero.x`: a number at `zero` has no `x`"),
        ("{# v.0:1:0 #}", "`v.0:1:0`: the slice `0:1:0` has the step 0, which never ends"),
        ("{: b :}", "`b`: a dictionary of 2 (`a`, `a.b`) has no `b`"),
        ("{: a.k.x :}", "`a.k.x`: a text of 1 at `a.k` has no `x`"),
        ("{% nope %}", "`nope`: a dictionary of 2 (`job`, `steps`) has no `nope`"),
        ("{# _x #}", "`_x`: `_x` is out of reach: keys that start or end with `_` are private"),
        ("{# o.x_ #}", "`o.x_`: `x_` is out of reach: keys that start or end with `_` are private"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_it_stopped_and_what_was_there(text: str, message: str) -> None:
    with pytest.raises(PathError) as raised:
        value_of(text)
    assert str(raised.value) == message


def test_a_tag_hands_out_a_copy() -> None:
    got = value_of("{# v #}")
    got.append(4)
    assert value_of("{# v #}") == [1, 2, 3]


@pytest.mark.parametrize(
    "text", ["{% " * 80_000, "{% {" * 60_000, "{% a{% b" * 30_000, "{%" + " " * 250_000, "\\" * 250_000]
)
def test_a_hostile_text_is_read_in_linear_time(text: str) -> None:
    started = time.process_time()
    parse(text)
    assert time.process_time() - started < 5


def test_more_tags_within_tags_than_anyone_writes_are_text() -> None:
    text = "{# " * 33 + "n" + " #}" * 33
    assert not any(isinstance(piece, Tag) and piece.path.count("{#") >= 32 for piece in parse(text))
