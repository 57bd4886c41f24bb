"""Chains of keys and indexes behind a name or a value: ``steps.load.result[0]["First Name"]``."""

from __future__ import annotations

import ast
from typing import Protocol

from handler.engine.language import access
from handler.engine.language.meter import ExpressionError
from handler.engine.language.operators import Closure
from handler.engine.language.reading import Reading


class Builds(Protocol):
    """The part of an expression's builder that a chain uses."""

    reading: Reading
    variables: dict[str, int]

    def build(self, node: ast.expr) -> Closure:
        """Return the closure of a node."""

    def root(self, node: ast.Name, *, raw: bool = False) -> tuple[Closure, str, int | None]:
        """Return the closure of a name, the name as messages show it, and its slot."""


def read_chain(builder: Builds, node: ast.expr) -> Closure:
    """Return the closure of a chain. Its value may be a view of the job, from which a further key can be read."""
    keys: list[tuple[str, int]] = []
    base = node
    while (key := _written_key(builder, base)) is not None:
        keys.append(key)
        base = base.value  # type: ignore[attr-defined]  # a node with a written key has this attribute
    if not keys:
        assert isinstance(node, ast.Subscript)  # noqa: S101  # an attribute has a written key
        return _subscript(builder, node)
    keys.reverse()
    root, shown, slot = _base(builder, base)
    if slot is not None and len(keys) == 1:
        return access.walk_variable(slot, keys[0][0], shown, keys[0][1])
    return access.walk(root, keys, shown)


def _base(builder: Builds, node: ast.expr) -> tuple[Closure, str, int | None]:
    if isinstance(node, ast.Name):
        return builder.root(node, raw=True)
    if isinstance(node, ast.Subscript):
        return _subscript(builder, node) if _written_key(builder, node) is None else read_chain(builder, node), "", None
    return builder.build(node), "", None


def _written_key(builder: Builds, node: ast.expr) -> tuple[str, int] | None:
    """Return the key that a node reads and its column, if the key is a literal."""
    reading = builder.reading
    if isinstance(node, ast.Attribute):
        key, column = node.attr, reading.end(node) - len(node.attr)
        if reading.is_tag_at(column):
            raise ExpressionError("a tag cannot follow a dot: write `x[{< key >}]`", column)
        if key.startswith("_") or key.endswith("_"):
            raise ExpressionError(f'a key that starts or ends with `_` is read with brackets: ["{key}"]', column)
        return key, column
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and type(node.slice.value) is str:
        return reading.string(node.slice), reading.column(node.slice)
    return None


def _subscript(builder: Builds, node: ast.Subscript) -> Closure:
    column = builder.reading.column(node.value)
    base = read_chain(builder, node.value) if _is_chain(node.value) else _base(builder, node.value)[0]
    if not isinstance(node.slice, ast.Slice):
        return access.read_item(base, builder.build(node.slice), builder.reading.column(node.slice))
    cut = node.slice
    bounds = [None if part is None else builder.build(part) for part in (cut.lower, cut.upper, cut.step)]
    return access.read_slice(access.as_plain(base, column), bounds, column)


def _is_chain(node: ast.expr) -> bool:
    return isinstance(node, (ast.Attribute, ast.Subscript))
