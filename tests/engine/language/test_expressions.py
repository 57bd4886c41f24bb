"""The grammar of expressions: the values of valid ones, and the messages for the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from handler.engine import Conduit
from handler.engine.call import Budget
from handler.engine.language.expression import Expression
from handler.engine.language.tags import parse, read, resolve

Evaluate = Callable[..., Any]
Refusal = Callable[..., str]


def as_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3 - 4 / 2", 5.0),
        ("7 // 2", 3),
        ("-7 // 2", -4),
        ("7 % 4", 3),
        ("-7 % 4", 1),
        ("+3", 3),
        ("0x10 + 1_000", 1016),
        (".5 + 1.", 1.5),
        ("1e2", 100.0),
        ("'a' + \"b\"", "ab"),
        ("[1] + [2]", [1, 2]),
        ("'it\\'s\\n\\u00e9 \\d'", "it's\né \\d"),
        ("'=} {< n >}'", "=} {< n >}"),
        ("true", True),
        ("True", True),
        ("None", None),
        ("null", None),
        ("{'a': 1, 'b': {}}", {"a": 1, "b": {}}),
        ("parameters.o['First Name']", "Ada"),
        ("parameters.o['_id']", 7),
        ("parameters.o['a.b']", "dot"),
        ("parameters.o['class']", "c"),
        ("parameters.o.größe", 3),
        ("parameters.xs[-1]", 2),
        ("parameters.s[1]", "b"),
        ("parameters.xs[1:]", [1, 2]),
        ("parameters.xs[:-9]", []),
        ("parameters.xs[5:9]", []),
        ("parameters.s[::-1]", "cba"),
        ("parameters['s'] == 'abc'", True),
        ("parameters.o[parameters.s[:0] + 'a'].b[0]", 10),
        ("{< o >}.a.b[1]", 20),
        ("job.id", "j"),
        ("variables.w", [1]),
        ("1 < 2 <= 2 != 3", True),
        ("3 > 2 > 2", False),
        ("1 == true", False),
        ("[1, [true]] == [1.0, [1]]", False),
        ("{'a': 1} == {'a': 1.0}", True),
        ("{'a': 1} == {'b': 1}", False),
        ("null == false", False),
        ("true in [1]", False),
        ("1.0 in [1]", True),
        ("'b' in parameters.s", True),
        ("'n' in parameters", True),
        ("4 not in parameters.xs", True),
        ("0 or 'x'", "x"),
        ("'' and 1", ""),
        ("not []", True),
        ("1 and 2", 2),
        ("1 if parameters.e else 2", 2),
        ("[x * y for x in [1, 2] for y in [3, 4] if x * y > 3]", [4, 6, 8]),
        ("[k for k in parameters.o.a]", ["b"]),
        ("{r.k: r.n for r in parameters.rows}", {"b": 1, "a": 1}),
        ("[parameters for parameters in [1]]", [1]),
        ("[[y for y in range(x)] for x in parameters.xs[1:]]", [[0], [0, 1]]),
        ("[len for len in [1]]", [1]),
        ("any(1 / x > 0 for x in [1, 0])", True),
        ("all(x > 1 for x in [1, 'a'])", False),
        ("1 if true else parameters.nope", 1),
        ("{< n >} if true else {< nope >}", 5),
        ("{: s1 :} == null", True),
        ("steps.s1.status.name", "NONE"),
        ("steps['s1'].id", "s1"),
        ("'s1' in steps", True),
        ("len(parameters)", 11),
        ("try(1 / 0, 'no')", "no"),
        ("try(nope, 1)", 1),
        ("default(nope.x, 1)", 1),
        ("default(parameters.nil, 2)", 2),
        ("default({< q >}, 3)", 3),
        ("default(parameters.xs[9], 4)", 4),
        ("default(parameters.n.a.b, 5)", 5),
        ("default(false, 6)", False),
        ("round(x=2.5)", 3),
        ("sorted(list=[2, 1], reverse=true)", [2, 1]),
        ("range(n=2)", [0, 1]),
    ],
)
def test_an_expression_gives_its_value_with_its_type(text: str, value: Any) -> None:
    job = Conduit.from_dict(
        {
            "id": "j",
            "parameters": _parameters(),
            "variables": {"w": [1]},
            "steps": [{"id": "s1", "action": "LOGIC.TRUE"}],
        }
    )
    assert as_json(resolve(f"{{= {text} =}}", job.contexts, Budget(1 << 20, "it").charge)) == as_json(value)


def _parameters() -> dict[str, Any]:
    return {
        "n": 5, "z": 0, "f": 2.5, "s": "abc", "t": True, "nil": None, "xs": [3, 1, 2], "e": [], "eo": {},
        "o": {"a": {"b": [10, 20, {"c": "d"}]}, "First Name": "Ada", "_id": 7, "a.b": "dot", "class": "c", "größe": 3},
        "rows": [{"k": "b", "n": 2}, {"k": "a", "n": 1}, {"k": "b", "n": 1}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("t && x", 6, "`&&` is written `and`"),
        ("a || b", 6, "`||` is written `or`"),
        ("!a", 4, "`!x` is written `not x`"),
        ("1 === 1", 6, "`===` is written `==`"),
        ("1 !== 1", 6, "`!==` is written `!=`"),
        ("1 <> 2", 6, "written `!=`"),
        ("a ? 1 : 2", 6, "`a if c else b`"),
        ("a = 1", 6, "`=` is written `==`"),
        ("x => x", 6, "comprehension"),
        ("a ?? b", 6, "default(a, b)"),
        ("a?.b", 5, 'get(a, "b")'),
        ("1 ** 2", 4, "no powers"),
        ("1 # one", 6, "comments"),
        ("1 & 2", 4, "`and`"),
        ("1 | 2", 4, "`or`"),
        ("a is b", 4, "`==`"),
        ("~1", 4, "`not x`"),
        ("a; b", 5, "one value"),
        ("lambda: 1", 4, "cannot define functions"),
        ("(x := 1)", 5, ":="),
        ("f'{1}'", 4, "f-strings"),
        ("b'x'", 4, "no bytes"),
        ("1j", 4, "not a number"),
        ("1if true else 2", 4, "not a number"),
        ("1.2.3", 4, "not a number"),
        ("{1, 2}", 4, "keys and values"),
        ("(1, 2)", 4, "brackets"),
        ("[*a]", 5, "a + b"),
        ("{**a}", 7, "merge(a, b)"),
        ("...", 4, "not a value"),
        ("await x", 4, "cannot wait"),
        ("'a' 'b'", 4, "joined with `+`"),
        ("r'a'", 4, "letters are allowed before a quote"),
        ("1 +", 7, "missing at the end"),
        ("1 2", 6, "operator is missing before this"),
        ("x for x in []", 6, "must be in brackets"),
        ("1 =< 2", 6, "`=<` is written `<=`"),
        ("5{< n >}", 5, "operator is missing"),
        ("steps.my-step.result", 13, 'read with brackets: ["my-step"]'),
        ("parameters.xs.length", 18, "`len(x)` counts"),
        ("(1 + 2", 4, "never closed"),
        ("[1 2]", 5, "an operator or a comma is missing"),
        ("max(x for x in xs, 2)", 8, "must be in brackets"),
        ("[x async for x in xs]", 17, "remove `async`"),
        ("'\\u12'", 4, "this string is not valid: write a backslash as"),
        ("[r.q for r in parameters.rows]", 7, "`r` has no `q`"),
        ("1 if a", 0, "`else`"),
        ("a b", 0, ""),
        ("x.class", 6, '["class"]'),
        ("xs.0", 7, "[0]"),
        ("parameters._id", 15, '["_id"]'),
        ("a[1, 2]", 6, "brackets"),
        ("\\", 4, "backslash"),
        ("len", 4, "`len(x)`"),
        ("uper('x')", 4, "did you mean `upper`?"),
        ("xs.map(1)", 4, "methods"),
        ("'x'.upper()", 4, "write `upper(x)`"),
        ("round()", 4, "takes 1 argument at least, not 0"),
        ("nope", 4, "no `nope`"),
        ("len(1, 2)", 4, "takes at most 1 argument, not 2"),
        ("sorted([], revers=true)", 4, "did you mean `reverse`?"),
        ("round(1, x=2)", 4, "twice"),
        ("len(*[1])", 4, "`*`"),
        ("[x for x, y in []]", 0, "one name"),
        ("undefined", 4, "`null`?"),
        ("(x for x in [])", 4, "only as the argument of a function"),
        ("a{< n >}", 5, "operator is missing"),
        ("{< n >}{< n >}", 4, ""),
        ("parameters.{< s >}", 15, "cannot follow a dot"),
        ("“a”", 4, "straight quotes"),
        ("1e999", 4, "too large"),
        ("1\x00", 5, "NUL"),
        ("parameters.\uff4e", 15, "reads as other letters"),
        ("[1](0)", 4, "functions"),
        ("parameters.xs(1)", 4, "methods"),
        ("false and nope", 14, "no `nope`"),
        ("steps.nope.result", 10, "`steps` has no `nope`"),
        ("parameters.nn", 15, "did you mean `n`?"),
        ("parameters.xs[9]", 18, "no item 9"),
        ("parameters.n.a", 17, "a number"),
        ("parameters.xs['a']", 0, ""),
        ("parameters.o[1]", 0, "keys, which are strings"),
        ("parameters.xs[true]", 0, "indexes"),
        ("1 + '1'", 4, "a number and a string"),
        ("true + 1", 4, "a boolean and a number"),
        ("-'a'", 4, "needs a number"),
        ("1 < 'a'", 4, "a number with a string"),
        ("true < false", 4, "a boolean with a boolean"),
        ("[] < []", 4, "a list"),
        ("1 / 0", 4, "divide by zero"),
        ("1 % 0", 4, "zero"),
        ("1e308 * 10", 4, "too large"),
        ("{1: 2}", 5, "keys of an object"),
        ("1 in 'a'", 4, "looks for a string"),
        ("1 in 1", 4, "not one of them"),
        ("[x for x in 'abc']", 0, "not over a string"),
        ("parameters.xs[::0]", 0, "step 0"),
        ("parameters.n[1:]", 0, "slices"),
        ("parameters.xs['a':]", 0, "whole numbers"),
        ("[true for true in []]", 0, "not a name"),
        ("loop.index", 4, "exists only inside loops"),
        ("", 0, "missing between"),
    ],
)
def test_an_error_in_an_expression_names_the_column_and_the_correct_spelling(
    refusal: Refusal, text: str, column: int, message: str
) -> None:
    said = refusal(text)
    assert message in said
    assert said.startswith(f"column {column}: " if column else "column "), said


def test_columns_count_from_the_start_of_the_string_that_holds_the_expression() -> None:
    with pytest.raises(ValueError, match=r"^column 15: there is no `nope`"):
        resolve("größe: {= 1 + nope =}", {"job": {}}, Budget(100, "it").charge)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("{= 1 =}{= 2 =}", ["{= 1 =}", "{= 2 =}"]),
        ("a{= 1 =}b", ["a", "{= 1 =}", "b"]),
        ("\\{= 1 =}", ["{= 1 =}"]),
        ("{=1 =}", ["{=1 =}"]),
        ("{= 1=}", ["{= 1=}"]),
        ("{= =}", ["{= =}"]),
        ("{= 'a =}", ["{= 'a =}"]),
        ("{= '=}' =}", ["{= '=}' =}"]),
        ("{= 1 =} =}", ["{= 1 =}", " =}"]),
        ("{= {= 1", ["{= {= 1"]),
        ("{=  =}", ["{=  =}"]),
        ("{< a.{= 1 =} >}", ["{< a.", "{= 1 =}", " >}"]),
        ("{= {< a =}", ["{= {< a =}"]),
        ("{= \\' =}", ["{= \\' =}"]),
    ],
)
def test_an_expression_needs_a_space_inside_each_of_its_marks(text: str, pieces: list[str]) -> None:
    assert [piece if isinstance(piece, str) else piece.written for piece in parse(text)] == pieces
    is_text = all(isinstance(piece, str) for piece in parse(text))
    assert is_text == (text in {"\\{= 1 =}", "{=1 =}", "{= 1=}", "{= =}", "{= 'a =}", "{= {= 1", "{= \\' =}"})


def test_values_are_never_searched_for_expressions(evaluate: Evaluate) -> None:
    assert evaluate("parameters.v", parameters={"v": "{= 1 =}"}) == "{= 1 =}"
    assert evaluate("'{' + '= 1 =' + '}'") == "{= 1 =}"


def test_a_value_shares_nothing_with_its_source(evaluate: Evaluate) -> None:
    parameters = {"l": [[1]], "o": {"a": [1]}}
    for text in (
        "parameters.l",
        "[parameters.l[0]]",
        "{'x': parameters.o}",
        "first(parameters.l)",
        "parameters.l[0:1]",
    ):
        value = evaluate(text, parameters=parameters)
        (value[0] if isinstance(value, list) and isinstance(value[0], list) else value).clear()
    assert parameters == {"l": [[1]], "o": {"a": [1]}}


def test_an_expression_is_compiled_once_for_all_places_and_rounds() -> None:
    text = "{= 1 + 1 + 1 =}"
    for _ in range(2):
        resolve({"a": text, "b": [text]}, {}, Budget(1000, "it").charge)
    first, second = read(text), read(text)
    assert isinstance(first, Expression)
    assert first is second
    assert first.program is first.program


def test_keys_and_names_may_hold_expressions() -> None:
    given = {"{= 'a' + 'b' =}": 1, "n{= 1 + 1 =}": 2, "{= 3 =}": 3}
    assert resolve(given, {}, Budget(1000, "it").charge) == {"ab": 1, "n2": 2, "3": 3}


def test_names_of_loops_are_keys_of_the_contexts(evaluate: Evaluate) -> None:
    assert evaluate("order.net * 2 + loop.index", order={"net": 4}, loop={"index": 1}) == 9


def test_a_block_that_changes_a_variable_in_place_is_not_handed_an_expression(run: Any, statuses: Any) -> None:
    step = {"action": "LISTS.APPEND", "parameters": {"list": "{= variables.l =}", "value": 1}}
    job = run({"variables": {"l": []}, "steps": [step]})
    assert statuses(job) == ["INVALID_ARGUMENT"]
    assert "give it a whole variable" in job[1].error["message"]
