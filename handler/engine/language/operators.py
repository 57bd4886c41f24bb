"""Makes closures of operators: each takes the frame of an evaluation and returns a value.

A frame is a list: the meter, the contexts, and then the variables of comprehensions.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any, Final

from blocks.charges import cost_of_places
from handler.engine.charges import WORD
from handler.engine.language.json_values import equal, finite, is_number, name_with_article, size_of_string, whole
from handler.engine.language.list_functions import is_in
from handler.engine.language.meter import LARGEST, ExpressionError, Meter, refuse_digits

Frame = list[Any]
Closure = Callable[[Frame], Any]

ARITHMETIC: Final[dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
}
_ORDER: Final[dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]]] = {
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
_NUMBERS: Final = frozenset({int, float})
_MOST_BITS: Final = LARGEST.bit_length()
Compare = Callable[[Any, Any, Meter], bool]


def arithmetic(kind: type[ast.operator], left: Closure, right: Closure, column: int) -> Closure:
    """An operation on two numbers; of `+` on two strings or two lists, too."""
    symbol, operate = ARITHMETIC[kind]

    def run(frame: Frame) -> Any:
        one, two = left(frame), right(frame)
        if type(one) in _NUMBERS and type(two) in _NUMBERS:
            try:
                if not (-WORD < one < WORD and -WORD < two < WORD):
                    _announce(symbol, one, two, frame[0])
                value = operate(one, two)
                if type(value) is int:
                    return value if -WORD < value < WORD else whole(value, frame[0])
                return finite(value)
            except ZeroDivisionError:
                raise ExpressionError(f"`{symbol}` cannot divide by zero", column) from None
            except (OverflowError, ExpressionError):
                raise ExpressionError(f"the result of `{symbol}` is too large for a number", column) from None
        if symbol == "+" and type(one) is type(two):
            if type(one) is str:
                return _join(one, two, frame[0])
            if type(one) is list:
                frame[0].tick(len(one) + len(two))
                frame[0].charge(cost_of_places(len(one) + len(two)))
                return one + two
        raise ExpressionError(_unlike(symbol, one, two), column)

    return run


def _join(one: str, two: str, meter: Meter) -> str:
    meter.read(len(one) + len(two))
    meter.charge(size_of_string(one) + size_of_string(two))
    return one + two


def _unlike(symbol: str, one: Any, two: Any) -> str:
    message = f"`{symbol}` cannot take {name_with_article(one)} and {name_with_article(two)}"
    if symbol == "+" and (type(one) is str or type(two) is str):
        return f"{message}; `str(x)` makes a string of a value, `float(x)` and `int(x)` a number of a string"
    return message


def _announce(symbol: str, one: float, two: float, meter: Meter) -> None:
    """Take the steps for integers of many digits, and refuse a product that has too many before it is made."""
    if type(one) is not int or type(two) is not int:
        return
    bits, more = one.bit_length(), two.bit_length()
    meter.read(bits + more)
    if symbol not in "+-":
        meter.tick(bits * more >> 20)
    if symbol == "*" and bits + more > _MOST_BITS + 1:
        refuse_digits()


def negative(value: Closure, column: int, *, is_minus: bool) -> Closure:
    """A sign before a number."""

    def run(frame: Frame) -> Any:
        number = value(frame)
        if not is_number(number):
            raise ExpressionError(
                f"`{'-' if is_minus else '+'}` needs a number, not {name_with_article(number)}", column
            )
        return -number if is_minus else number

    return run


def comparison(kinds: list[type[ast.cmpop]], first: Closure, rest: list[Closure], columns: list[int]) -> Closure:
    """One comparison or a chain, which stops at the first that fails."""
    compares = [_comparer(kind, column) for kind, column in zip(kinds, columns, strict=True)]
    if len(compares) == 1:
        compare, second = compares[0], rest[0]
        return lambda frame: compare(first(frame), second(frame), frame[0])

    def run(frame: Frame) -> bool:
        left = first(frame)
        for compare, closure in zip(compares, rest, strict=True):
            right = closure(frame)
            if not compare(left, right, frame[0]):
                return False
            left = right
        return True

    return run


def _comparer(kind: type[ast.cmpop], column: int) -> Compare:
    if kind is ast.Eq:
        return equal
    if kind is ast.NotEq:
        return lambda left, right, meter: not equal(left, right, meter)
    if kind is ast.In or kind is ast.NotIn:
        return _membership(column, wanted=kind is ast.In)
    return _order(*_ORDER[kind], column)


def _membership(column: int, *, wanted: bool) -> Compare:
    def compare(left: Any, right: Any, meter: Meter) -> bool:
        try:
            return is_in(left, right, meter) is wanted
        except ExpressionError as error:
            error.column = column
            raise

    return compare


def _order(symbol: str, compare: Callable[[Any, Any], bool], column: int) -> Compare:
    def run(left: Any, right: Any, meter: Meter) -> bool:
        if type(left) in _NUMBERS and type(right) in _NUMBERS:
            return compare(left, right)
        if type(left) is str and type(right) is str:
            meter.read(min(len(left), len(right)))
            return compare(left, right)
        raise ExpressionError(
            f"`{symbol}` cannot compare {name_with_article(left)} with {name_with_article(right)}", column
        )

    return run
