"""What Python's grammar has and expressions do not, each with what to write instead."""

from __future__ import annotations

import ast
from typing import Final, NoReturn

from handler.engine.language.functions import FUNCTIONS
from handler.engine.language.meter import ExpressionError
from handler.engine.language.spelling import did_you_mean

_REFUSED: Final[dict[type[ast.AST], str]] = {
    ast.Lambda: "there are no functions of one's own; a comprehension is `[… for x in list]`",
    ast.NamedExpr: "`:=` is no operator here: an expression sets nothing",
    ast.JoinedStr: "there are no f-strings; `str(x)` and `+` build a string",
    ast.FormattedValue: "there are no f-strings; `str(x)` and `+` build a string",
    ast.Set: "an object has keys and values, `{key: value}`; a list stands in `[…]`",
    ast.SetComp: "`{… for x in list}` is no list: write `unique([… for x in list])`",
    ast.Tuple: "a list stands in brackets: `[a, b]`",
    ast.Starred: "`*` joins no lists; write `a + b`",
    ast.Await: "an expression waits for nothing",
    ast.Yield: "an expression gives one value",
    ast.YieldFrom: "an expression gives one value",
    ast.GeneratorExp: "a generator stands as the argument of a function only; a list is `[… for x in list]`",
    ast.Slice: "a slice stands in the brackets behind a list or a string",
    ast.Pow: "there are no powers; write `x * x`",
    ast.MatMult: "`@` is no operator here",
    ast.BitAnd: "`&` is written `and`",
    ast.BitOr: "`|` is written `or`; `merge(a, b)` joins objects",
    ast.BitXor: "`^` is no operator here; `a != b` says that two values differ",
    ast.LShift: "`<<` is no operator here",
    ast.RShift: "`>>` is no operator here",
    ast.Invert: "`~` is no operator here; the opposite is `not x`",
    ast.Is: "`is` is written `==`",
    ast.IsNot: "`is not` is written `!=`",
}


def refusal_of(node: ast.AST) -> str:
    """Why a node of Python's grammar has no place in an expression, and what to write."""
    if isinstance(node, ast.Constant):
        kinds = {complex: "there are no complex numbers", bytes: "there are no bytes"}
        return kinds.get(type(node.value), "`...` is no value")
    return _REFUSED.get(type(node), "this has no place in an expression")


def refuse_call(called: ast.expr, column: int, *, is_variable: bool) -> NoReturn:
    """Refuse a call of something that is no function.

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
