"""The grammar of expressions: a part of Python's, checked node by node and built into closures.

Python parses the text into a tree; `eval` and `compile` to code are never used. Every node that this file does not
handle is a syntax error. See docs/decisions/015-expressions.md.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from blocks.charges import EMPTY, ENTRY, cost_of_places
from handler.engine.language import access, operators
from handler.engine.language.calls import bind_arguments, build_call, build_default, build_try
from handler.engine.language.chains import read_chain
from handler.engine.language.comprehension import Level, build_list, build_object, check_key, find_truth
from handler.engine.language.counting import count_steps
from handler.engine.language.functions import FUNCTIONS
from handler.engine.language.meter import ExpressionError
from handler.engine.language.operators import ARITHMETIC, Closure, Frame
from handler.engine.language.reading import Reading
from handler.engine.language.refusals import refusal_of, refuse_call

_FIRST_SLOT: Final = 2
_CONSTANTS: Final = {"true": True, "false": False, "null": None}
_COMPARISONS: Final = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn)
_LARGEST: Final = 1.7976931348623157e308


@dataclass(slots=True)
class Names:
    """The names that an expression reads.

    Attributes:
        required: names that must exist, each with the column of its first use.
        optional: names that `default` or `try` can do without.
        functions: the functions that are called.
    """

    required: dict[str, int] = field(default_factory=dict)
    optional: dict[str, int] = field(default_factory=dict)
    functions: set[str] = field(default_factory=set)


class Builder:
    """Builds the closure of one expression.

    Args:
        reading: finds the source text of the tree's nodes.

    Attributes:
        reading: finds the source text of the tree's nodes.
        variables: the slots of the comprehensions' variables that are visible here.
        names: the names that were read.
        slots: the length of a frame.
        compared_now: columns where `now()` is compared with a string.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.variables: dict[str, int] = {}
        self._lenient = 0
        self.names = Names()
        self.slots = _FIRST_SLOT
        self.compared_now: list[int] = []

    def build(self, node: ast.expr) -> Closure:
        """The closure of a node; it gives JSON."""
        make = _MAKERS.get(type(node))
        if make is None:
            self._refuse(node)
        return make(self, node)

    # ------------------------------------------------------------------ values

    def _constant(self, node: ast.Constant) -> Closure:
        value: Any = node.value
        if type(value) is str:
            value = self.reading.string(node)
        elif type(value) is float and not value <= _LARGEST:
            raise ExpressionError("the number is too large", self.reading.column(node))
        elif type(value) not in {int, float, bool, type(None)}:
            self._refuse(node)
        return lambda _: value

    def _list(self, node: ast.List) -> Closure:
        items = [self.build(item) for item in node.elts]
        size = cost_of_places(len(items))

        def run(frame: Frame) -> list[Any]:
            frame[0].charge(size)
            return [item(frame) for item in items]

        return run

    def _object(self, node: ast.Dict) -> Closure:
        pairs = []
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                raise ExpressionError(
                    "`**` is not allowed in an object; `merge(a, b)` joins two", self.reading.column(value)
                )
            pairs.append((self.build(key), self.reading.column(key), self.build(value)))

        def run(frame: Frame) -> dict[str, Any]:
            built = {}
            frame[0].charge(EMPTY)
            for key, column, value in pairs:
                name = check_key(key(frame), column)
                frame[0].charge(ENTRY + len(name))
                built[name] = value(frame)
            return built

        return run

    # ------------------------------------------------------------------ names and keys

    def _name(self, node: ast.Name) -> Closure:
        return self.root(node)[0]

    def root(self, node: ast.Name, *, raw: bool = False) -> tuple[Closure, str, int | None]:
        """A name: its closure, how it is shown, and its slot if it is a comprehension's variable.

        Args:
            node: the name.
            raw: whether a view stays a view, because one of its keys is read next.
        """
        tag, column = self.reading.tag(node), self.reading.column(node)
        if tag is not None:
            return (tag if raw else access.as_plain(tag, column)), "", None
        name = node.id
        if name in self.variables:
            return access.read_variable(self.variables[name]), name, self.variables[name]
        if name in _CONSTANTS:
            value = _CONSTANTS[name]
            return (lambda _: value), name, None
        if self.reading.is_try(node) or name in FUNCTIONS:
            called = "try" if self.reading.is_try(node) else name
            raise ExpressionError(f"`{called}` is a function: write `{FUNCTIONS[called].signature(called)}`", column)
        (self.names.optional if self._lenient else self.names.required).setdefault(name, column)
        read = access.read_name(name, column)
        return (read if raw else access.as_plain(read, column)), name, None

    def _read(self, node: ast.Attribute | ast.Subscript) -> Closure:
        return access.as_plain(read_chain(self, node), self.reading.column(node))

    # ------------------------------------------------------------------ operators

    def _binary(self, node: ast.BinOp) -> Closure:
        if type(node.op) not in ARITHMETIC:
            self._refuse(node.op, node)
        left, right = self.build(node.left), self.build(node.right)
        return operators.arithmetic(type(node.op), left, right, self.reading.column(node))

    def _unary(self, node: ast.UnaryOp) -> Closure:
        if isinstance(node.op, ast.Invert):
            self._refuse(node.op, node)
        value = self.build(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda frame: not value(frame)
        return operators.negative(value, self.reading.column(node), is_minus=isinstance(node.op, ast.USub))

    def _boolean(self, node: ast.BoolOp) -> Closure:
        parts, wanted = [self.build(value) for value in node.values], isinstance(node.op, ast.Or)

        def run(frame: Frame) -> Any:
            value = None
            for part in parts:
                value = part(frame)
                if bool(value) is wanted:
                    return value
            return value

        return run

    def _compare(self, node: ast.Compare) -> Closure:
        for kind in node.ops:
            if not isinstance(kind, _COMPARISONS):
                self._refuse(kind, node)
        sides = [node.left, *node.comparators]
        column = self.reading.column(node)
        if any(_is_now(side) for side in sides) and not all(_is_now(side) for side in sides):
            self.compared_now.append(column)
        first, *rest = (self.build(side) for side in sides)
        return operators.comparison([type(op) for op in node.ops], first, rest, [column] * len(rest))

    def _choice(self, node: ast.IfExp) -> Closure:
        test, yes, no = self.build(node.test), self.build(node.body), self.build(node.orelse)
        return lambda frame: yes(frame) if test(frame) else no(frame)

    # ------------------------------------------------------------------ comprehensions

    def _list_comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Closure:
        return self._comprehend(node.generators, [node.elt], lambda levels, parts: build_list(levels, parts[0]))

    def _object_comprehension(self, node: ast.DictComp) -> Closure:
        column = self.reading.column(node.key)
        return self._comprehend(
            node.generators,
            [node.key, node.value],
            lambda levels, parts: build_object(levels, parts[0], parts[1], column),
        )

    def _comprehend(
        self,
        generators: list[ast.comprehension],
        elements: list[ast.expr],
        make: Callable[[list[Level], list[Closure]], Closure],
    ) -> Closure:
        outside = dict(self.variables)
        try:
            levels = []
            for depth, generator in enumerate(generators):
                items = self.build(generator.iter)
                slot = self._declare(generator)
                conditions = [self.build(condition) for condition in generator.ifs]
                inner = generators[depth + 1].iter if depth + 1 < len(generators) else None
                cost = 1 + sum(map(count_steps, [*generator.ifs, *([inner] if inner else elements)]))
                levels.append(Level(items, slot, conditions, cost, self.reading.column(generator.iter)))
            return make(levels, [self.build(element) for element in elements])
        finally:
            self.variables = outside

    def _declare(self, generator: ast.comprehension) -> int:
        target = generator.target
        if not isinstance(target, ast.Name) or self.reading.tag(target) is not None:
            raise ExpressionError("a comprehension has one name after `for`", self.reading.column(target))
        if generator.is_async:
            raise ExpressionError("an expression cannot wait: remove `async`", self.reading.column(target))
        if target.id in _CONSTANTS:
            raise ExpressionError(f"`{target.id}` is a value, not a name", self.reading.column(target))
        slot = self.variables[target.id] = self.slots
        self.slots += 1
        return slot

    # ------------------------------------------------------------------ calls

    def _call(self, node: ast.Call) -> Closure:
        column = self.reading.column(node)
        called = node.func
        name = "try" if isinstance(called, ast.Name) and self.reading.is_try(called) else getattr(called, "id", "")
        function = FUNCTIONS.get(name)
        if function is None or name in self.variables or (isinstance(called, ast.Name) and self.reading.tag(called)):
            refuse_call(called, column, is_variable=name in self.variables)
        self.names.functions.add(name)
        written = bind_arguments(name, function, node, column)
        if name in {"any", "all"} and isinstance(written[0], ast.GeneratorExp):
            generator = written[0]
            return self._comprehend(
                generator.generators,
                [generator.elt],
                lambda levels, parts: find_truth(levels, parts[0], wanted=name == "any"),
            )
        if name in {"default", "try"}:
            self._lenient += 1
            first = self._argument(written[0])
            self._lenient -= 1
            return (build_default if name == "default" else build_try)(first, self._argument(written[1]))
        assert function.call is not None  # noqa: S101  # the four without code are handled above
        arguments = [None if argument is None else self._argument(argument) for argument in written]
        return build_call(function, arguments, column)

    def _argument(self, node: ast.expr | None) -> Closure:
        assert node is not None  # noqa: S101  # a required argument
        if isinstance(node, ast.GeneratorExp):
            return self._list_comprehension(node)
        return self.build(node)

    def _refuse(self, node: ast.AST, place: ast.AST | None = None) -> NoReturn:
        raise ExpressionError(refusal_of(node), self.reading.column(place or node))


_MAKERS: Final[dict[type[ast.expr], Callable[[Builder, Any], Closure]]] = {
    ast.Constant: Builder._constant,  # noqa: SLF001  # its own, here and below
    ast.List: Builder._list,  # noqa: SLF001
    ast.Dict: Builder._object,  # noqa: SLF001
    ast.Name: Builder._name,  # noqa: SLF001
    ast.Attribute: Builder._read,  # noqa: SLF001
    ast.Subscript: Builder._read,  # noqa: SLF001
    ast.BinOp: Builder._binary,  # noqa: SLF001
    ast.UnaryOp: Builder._unary,  # noqa: SLF001
    ast.BoolOp: Builder._boolean,  # noqa: SLF001
    ast.Compare: Builder._compare,  # noqa: SLF001
    ast.IfExp: Builder._choice,  # noqa: SLF001
    ast.ListComp: Builder._list_comprehension,  # noqa: SLF001
    ast.DictComp: Builder._object_comprehension,  # noqa: SLF001
    ast.Call: Builder._call,  # noqa: SLF001
}


def _is_now(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "now"
