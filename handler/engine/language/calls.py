"""Calls of functions as closures."""

from __future__ import annotations

import ast
from typing import Any, Final

from handler.engine.language.functions import Function
from handler.engine.language.meter import ExpressionError, MissingError
from handler.engine.language.operators import Closure, Frame
from handler.engine.language.spelling import closest

_OTHER_NAMES: Final = {("range", "n"): "start"}


def bind_arguments(name: str, function: Function, node: ast.Call, column: int) -> list[ast.expr | None]:
    """Return the arguments in the order of the parameters; ``None`` for one that was left out before another.

    Raises:
        ExpressionError: too many, too few, or an argument that the function does not have.
    """
    signature = function.signature(name)
    if any(isinstance(argument, ast.Starred) for argument in node.args) or any(k.arg is None for k in node.keywords):
        raise ExpressionError("`*` and `**` are not allowed before an argument", column)
    if function.most is not None and len(node.args) > function.most:
        raise ExpressionError(f"`{signature}` takes at most {_arguments(function.most)}, not {len(node.args)}", column)
    bound: list[ast.expr | None] = list(node.args)
    for given in node.keywords:
        wanted = _OTHER_NAMES.get((name, given.arg or ""), given.arg or "")
        if wanted not in function.parameters:
            meant = closest(wanted, function.parameters)
            hint = f"; did you mean `{meant}`?" if meant else ""
            raise ExpressionError(f"`{signature}` has no argument `{wanted[:60]}`{hint}", column)
        place = function.parameters.index(wanted)
        bound.extend([None] * (place + 1 - len(bound)))
        if bound[place] is not None:
            raise ExpressionError(f"`{signature}` is given `{wanted}` twice", column)
        bound[place] = given.value
    given_first = [argument for argument in bound[: function.required] if argument is not None]
    if len(given_first) < function.required:
        raise ExpressionError(
            f"`{signature}` takes {_arguments(function.required)} at least, not {len(given_first)}", column
        )
    return bound


def _arguments(number: int) -> str:
    return "1 argument" if number == 1 else f"{number or 'no'} arguments"


def build_call(function: Function, arguments: list[Closure | None], column: int) -> Closure:
    """Compile a call of a function that reads all of its arguments."""
    call = function.call
    assert call is not None  # noqa: S101  # the others have their own builders
    if all(argument is not None for argument in arguments):
        closures = [argument for argument in arguments if argument is not None]
        if len(closures) == 1:
            only = closures[0]

            def run_one(frame: Frame) -> Any:
                value = only(frame)
                try:
                    return call(frame[0], value)
                except ExpressionError as error:
                    raise _placed(error, column) from None

            return run_one

        def run(frame: Frame) -> Any:
            values = [closure(frame) for closure in closures]
            try:
                return call(frame[0], *values)
            except ExpressionError as error:
                raise _placed(error, column) from None

        return run
    named = [
        (parameter, argument)
        for parameter, argument in zip(function.parameters, arguments, strict=False)
        if argument is not None
    ]

    def run_named(frame: Frame) -> Any:
        given = {parameter: argument(frame) for parameter, argument in named}
        try:
            return call(frame[0], **given)
        except ExpressionError as error:
            raise _placed(error, column) from None

    return run_named


def _placed(error: ExpressionError, column: int) -> ExpressionError:
    if error.column is None:
        error.column = column
    return error


def build_default(value: Closure, other: Closure) -> Closure:
    """``default(x, y)``: the other value if the first is null or does not exist."""

    def run(frame: Frame) -> Any:
        try:
            found = value(frame)
        except MissingError:
            found = None
        return other(frame) if found is None else found

    return run


def build_try(value: Closure, other: Closure) -> Closure:
    """``try(x, y)``: the other value if the first cannot be evaluated. A limit that is reached still fails the step."""

    def run(frame: Frame) -> Any:
        try:
            return value(frame)
        except ExpressionError:
            return other(frame)

    return run
