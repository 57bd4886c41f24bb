"""How much there is of an expression before it runs."""

from __future__ import annotations

import ast
from typing import Final

from blocks.block import BudgetExceededError

MOST_NODES: Final = 400
"""Parts of one expression."""
_COMPREHENSIONS: Final = (ast.ListComp, ast.GeneratorExp, ast.DictComp)


def count_nodes(tree: ast.expr) -> int:
    """Parts of an expression: values, operators' results, calls, ``for``.

    Raises:
        BudgetExceededError: there are more than 400.
    """
    number, rest = 0, list[ast.AST]([tree])
    while rest:
        node = rest.pop()
        number += isinstance(node, (ast.expr, ast.comprehension))
        if number > MOST_NODES:
            raise BudgetExceededError(f"the expression has more than {MOST_NODES} parts")
        rest.extend(ast.iter_child_nodes(node))
    return number


def count_steps(tree: ast.expr) -> int:
    """Steps of one evaluation, what comprehensions inside do for each item aside."""
    number, rest = 0, list[ast.AST]([tree])
    while rest:
        node = rest.pop()
        number += isinstance(node, ast.expr)
        rest.extend([node.generators[0].iter] if isinstance(node, _COMPREHENSIONS) else ast.iter_child_nodes(node))
    return number
