"""Constructs of Python that expressions do not have, each with the text to write instead."""

from __future__ import annotations

import ast
from typing import Final, NoReturn

from handler.engine.language.functions import FUNCTIONS
from handler.engine.language.meter import ExpressionError
from handler.engine.language.spelling import did_you_mean

_REFUSED: Final[dict[type[ast.AST], str]] = {
    ast.Lambda: "an expression cannot define functions; a comprehension is `[… for x in list]`",
    ast.NamedExpr: "`:=` is not an operator here: an expression cannot assign",
    ast.JoinedStr: "there are no f-strings; `str(x)` and `+` build a string",
    ast.FormattedValue: "there are no f-strings; `str(x)` and `+` build a string",
    ast.Set: "an object has keys and values, `{key: value}`; a list is written `[…]`",
    ast.SetComp: "`{… for x in list}` is not a list: write `unique([… for x in list])`",
    ast.Tuple: "a list is written in brackets: `[a, b]`",
    ast.Starred: "`*` does not join lists; write `a + b`",
    ast.Await: "an expression cannot wait",
    ast.Yield: "an expression has one value",
    ast.YieldFrom: "an expression has one value",
    ast.GeneratorExp: "a generator is allowed only as the argument of a function; a list is `[… for x in list]`",
    ast.Slice: "a slice belongs in brackets after a list or a string",
    ast.Pow: "there are no powers; write `x * x`",
    ast.MatMult: "`@` is not an operator here",
    ast.BitAnd: "`&` is written `and`",
    ast.BitOr: "`|` is written `or`; `merge(a, b)` joins objects",
    ast.BitXor: "`^` is not an operator here; `a != b` is true when two values differ",
    ast.LShift: "`<<` is not an operator here",
    ast.RShift: "`>>` is not an operator here",
    ast.Invert: "`~` is not an operator here; the opposite is `not x`",
    ast.Is: "`is` is written `==`",
    ast.IsNot: "`is not` is written `!=`",
}


def refusal_of(node: ast.AST) -> str:
    """Return why a node of Python's grammar is not allowed in an expression, and what to write instead."""
    if isinstance(node, ast.Constant):
        kinds = {complex: "there are no complex numbers", bytes: "there are no bytes"}
        return kinds.get(type(node.value), "`...` is not a value")
    return _REFUSED.get(type(node), "this is not allowed in an expression")


def refuse_call(called: ast.expr, column: int, *, is_variable: bool) -> NoReturn:
    """Refuse a call of something that is not a function.

    Raises:
        ExpressionError: always.
    """
    if isinstance(called, ast.Attribute):
        if called.attr in FUNCTIONS:
            raise ExpressionError(f"values have no methods: write `{called.attr}(x)`, not `x.{called.attr}()`", column)
        raise ExpressionError(f"values have no methods{did_you_mean(called.attr, FUNCTIONS)}", column)
    if isinstance(called, ast.Name) and not is_variable and called.id.strip("_"):
        raise ExpressionError(f"there is no function `{called.id[:60]}`{did_you_mean(called.id, FUNCTIONS)}", column)
    raise ExpressionError("only the functions of expressions can be called", column)
