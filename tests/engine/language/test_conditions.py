"""Conditions: true ones, refused ones with a suggestion, and strings that resemble a tag."""

from __future__ import annotations

from typing import Any

import pytest

from handler.engine.call import Budget
from handler.engine.language import conditions
from handler.engine.language.conditions import is_constant, is_met, is_mixed
from handler.engine.language.expression import Expression
from handler.engine.language.look_alikes import find_look_alikes
from handler.engine.language.meter import ExpressionError
from handler.engine.language.tags import parse

CONTEXTS = {"job": {"parameters": {"n": 5, "z": 0, "no": "false", "e": []}, "variables": {}}, "steps": {}}


def expressions_of(text: str) -> list[Expression]:
    return [piece for piece in parse(text) if isinstance(piece, Expression)]


def met(condition: Any) -> bool:
    return is_met(condition, CONTEXTS, Budget(1000, "it").charge)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (True, True),
        (False, False),
        ("", False),
        ("false", True),
        (" {< n >}\n", True),
        ("{< z >}", False),
        ("{< no >}", True),
        ("{= parameters.e =}", False),
        ("\t{= parameters.n > 4 =} ", True),
        ("{= parameters =}", True),
        ("\\{< z >} > 5", True),
        ([], True),
        (["{< n >}", True, "x"], True),
        (["{< z >}", "{< nope >}"], False),
        (["{= false =}", "{< n >} > 5"], False),
    ],
)
def test_a_condition_is_the_truth_of_its_value(condition: Any, expected: bool) -> None:
    assert met(condition) is expected


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{< n >} > 5", "{= {< n >} > 5 =}"),
        ("not {< yes >}", "{= not {< yes >} =}"),
        ("!{< yes >}", "{= not {< yes >} =}"),
        ("{< a >} && {# b #}", "{= {< a >} and {# b #} =}"),
        ("{% job.id %} === 'x y'", "{= {% job.id %} == 'x y' =}"),
        ("{: s.body.status :} = ready", "{= {: s.body.status :} == 'ready' =}"),
        ("${< n >}", "{= {< n >} =}"),
        ("{= 1 > 2 =} or {< n >}", "{= 1 > 2 or {< n >} =}"),
        ("{< a >} {< b >}", "{= {< a >} and {< b >} =}"),
        ("({< a >} or {< b >}) and {< c >} != null", "{= ({< a >} or {< b >}) and {< c >} != null =}"),
        ("{< a >} is, well, {< b >}", "{= {< a >} and {< b >} =}"),
    ],
)
def test_a_tag_beside_other_characters_is_refused_with_a_suggestion(written: str, meant: str) -> None:
    with pytest.raises(ValueError, match="always true") as raised:
        met(written)
    assert str(raised.value).endswith(f"write `{meant}`")
    assert is_mixed(written)
    assert expressions_of(meant)[0].program


@pytest.mark.parametrize("condition", [5, None, {"a": 1}, [5], [[]]])
def test_a_condition_of_another_type_is_refused(condition: Any) -> None:
    with pytest.raises(ValueError, match="a string, a boolean, or a list of those"):
        met(condition)


@pytest.mark.parametrize(
    ("text", "column", "write"),
    [
        ("{<n>}", 1, "{< n >}"),
        ("a {%job.id%}", 3, "{% job.id %}"),
        ("{< n>}", 1, "{< n >}"),
        ("{< First Name >}", 1, '{= parameters["First Name"] =}'),
        ("{# my var.key #}", 1, '{= variables["my var"]["key"] =}'),
        ("{% First Name %}", 1, None),
        ("{{ n }}", 1, "{< n >}"),
        ("{{n.a}}", 1, "{< n.a >}"),
        ("${n}", 1, "{< n >}"),
        ("{{<n>}}", 1, "{< n >}"),
        ("{{=n + 1=}}", 1, "{= n + 1 =}"),
        ("{<n a:}", 1, None),
        ("${{ steps.a.result }}", 2, "{% steps.a.result %}"),
        ("{{ variables.v }}", 1, "{# v #}"),
        ("{{ n + 1 }}", 1, "{= n + 1 =}"),
        ("{= unclosed", 1, "{= unclosed =}"),
        ("{= 'unclosed =}", 1, None),
        ("{=1 > 2=}", 1, "{= 1 > 2 =}"),
        ("{< n :}", 1, "{< n >}"),
        ("{= 1 =} {< n >} {<n>}", 17, "{< n >}"),
        ("\\{< n >} {<n>}", 10, "{< n >}"),
    ],
)
def test_a_look_alike_of_a_tag_is_reported_with_the_correct_spelling(text: str, column: int, write: str | None) -> None:
    assert [(found.column, found.write) for found in find_look_alikes(text)] == [(column, write)]


@pytest.mark.parametrize(
    "text",
    ["", "plain", "{a}", '{"a": 1}', "{ }", "{< n >}", "{= 1 =}", "\\{= 1 =}", "\\{<  n", "{# #}", "a{b}c", "{{}}"],
)
def test_text_that_resembles_no_tag_is_not_reported(text: str) -> None:
    assert find_look_alikes(text) == []


def test_looking_for_look_alikes_is_bounded() -> None:
    assert len(find_look_alikes("{<n>}" * 10_000)) == 20


@pytest.mark.parametrize(("text", "constant"), [("yes", True), ("", True), ("{< n >}", False), ("{= 1 =}", False)])
def test_text_without_a_tag_is_a_constant_condition(text: str, constant: bool) -> None:
    assert is_constant(text) is constant


def test_a_syntax_error_has_its_column_in_the_whole_string() -> None:
    with pytest.raises(ExpressionError, match="something is missing at the end") as raised:
        expressions_of("x {= 1 + =}")[0].program  # noqa: B018  # the first access compiles it
    assert raised.value.column == 9


@pytest.mark.parametrize(
    ("text", "columns"),
    [("{= now() < job.created_at =}", [4]), ("{= epoch(now()) < epoch(job.created_at) =}", [])],
)
def test_a_comparison_with_now_as_text_is_noted(text: str, columns: list[int]) -> None:
    assert list(expressions_of(text)[0].program.compared_now) == columns


def test_an_expression_names_the_values_that_it_reads() -> None:
    expression = expressions_of("{= [i.n for i in parameters.l] + default(order, {: a :}) + steps.b.result =}")[0]
    names = expression.program.names
    assert (list(names.required), list(names.optional), names.functions) == (
        ["parameters", "steps"],
        ["order"],
        {"default"},
    )
    assert [tag.path for tag in expression.tags] == ["a"]


def test_what_a_condition_means_that_is_longer_than_an_expression_is_not_guessed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conditions, "meant", lambda _: "guessed")
    for length, words in ((conditions.LONGEST_MEANT, "`guessed`"), (conditions.LONGEST_MEANT + 1, "one expression")):
        with pytest.raises(ExpressionError, match=words):
            met("{< n >} > 5".ljust(length))
