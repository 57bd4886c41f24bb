"""Finds steps, variables and parameters in an expression that do not exist.

Before a run, evaluating an expression stops at the first unknown value. This module checks the names after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from handler.engine.language.expression import Expression
from handler.engine.language.source import Masked
from handler.engine.language.spelling import did_you_mean
from handler.validation.static_contexts import StaticContexts

_NAMED: Final = re.compile(r"(?<![\w.\])])(steps|variables|parameters)\s*\.\s*([A-Za-z]\w*)")
_MAYBE: Final = re.compile(r"\b(?:and|or|if|for)\b")
"""Matches in expressions of which a part may not be evaluated."""
_LENIENT: Final = frozenset({"default", "try"})
_WORDS: Final = {"steps": "step", "variables": "variable", "parameters": "parameter"}


def unknown_names(expression: Expression, contexts: StaticContexts) -> Iterator[tuple[str, int, bool]]:
    """Yield, for each name that does not exist, a message, its column, and whether a run will certainly read it."""
    masked = Masked(expression.source)
    if not _LENIENT.isdisjoint(expression.program.names.functions):
        return
    certain = _MAYBE.search(masked.text) is None
    first = expression.source.start + 1 + masked.shift
    for found in _NAMED.finditer(masked.text):
        context, name = found[1], found[2]
        if _is_known(context, name, contexts):
            continue
        if re.search(rf"\bfor\s+{context}\b", masked.text):
            continue  # a variable of a comprehension
        message = f"there is no {_WORDS[context]} `{name}`{did_you_mean(name, _known(context, contexts))}"
        yield message, first + found.start(2), certain


def _is_known(context: str, name: str, contexts: StaticContexts) -> bool:
    match context:
        case "steps":
            return contexts.find(name) is not None
        case "variables":
            return contexts.variables.may_have(name)
    return name in contexts.outline.payload.parameters or contexts.parameters.is_given_later(name)


def _known(context: str, contexts: StaticContexts) -> Iterable[str]:
    match context:
        case "steps":
            return contexts.scope.ids
        case "variables":
            return contexts.variables.names
    return contexts.outline.payload.parameters
