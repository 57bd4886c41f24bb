"""What can be said of tags and expressions before a run: syntax, names, conditions, look-alikes.

`check` takes any string of a job, `check_condition` a string that is an ``if`` or a ``while``. What an expression gives
as far as it can be known is another question: `Expression.resolve` over contexts that raise if only a run can decide.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from blocks.block import BudgetExceededError
from handler.engine.language.conditions import is_constant, is_mixed, mixed_condition
from handler.engine.language.expression import Expression, unknown_name
from handler.engine.language.look_alikes import find_look_alikes
from handler.engine.language.meter import ExpressionError
from handler.engine.language.tags import parse


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong with a string, or worth a warning.

    Attributes:
        code: what it is: ``EXPRESSION_SYNTAX``, ``EXPRESSION_LIMIT``, ``UNKNOWN_NAME``, ``MIXED_CONDITION``; and the
            warnings ``TIME_AS_TEXT``, ``LOOKS_LIKE_A_TAG``, ``CONSTANT_CONDITION``.
        message: in a sentence, with what to write.
        column: where in the string, from 1; ``None`` where the string as a whole is meant.
        is_error: whether a run would fail, as opposed to do what was hardly meant.
    """

    code: str
    message: str
    column: int | None
    is_error: bool = True


def expressions_of(text: str) -> list[Expression]:
    """The expressions in a string, with what they read (`Expression.program.names`, `Expression.tags`)."""
    return [piece for piece in parse(text) if isinstance(piece, Expression)] if "{= " in text else []


def check(text: str, known: Collection[str] | None = None) -> list[Finding]:
    """What is wrong with the expressions of a string, and what in it only resembles a tag.

    Args:
        text: as the user wrote it.
        known: the names that the contexts will have beside ``parameters`` and ``variables`` (``steps``, ``job``, and in
            loops ``loop`` and the names of the items); ``None`` for not checking names.
    """
    found = [finding for expression in expressions_of(text) for finding in _check_expression(expression, known)]
    found.extend(
        Finding("LOOKS_LIKE_A_TAG", other.message, other.column, is_error=False) for other in find_look_alikes(text)
    )
    return found


def check_condition(text: str, known: Collection[str] | None = None) -> list[Finding]:
    """`check` of a condition: a tag or an expression stands alone in it, and text without either is constant."""
    found = check(text, known)
    if is_mixed(text):
        found.append(Finding("MIXED_CONDITION", f"{mixed_condition(parse(text))}.", None))
    elif is_constant(text):
        always = "always true" if text else "always false"
        message = f"The condition is text without a tag or an expression, so it is {always}."
        found.append(Finding("CONSTANT_CONDITION", message, None, is_error=False))
    return found


def _check_expression(expression: Expression, known: Collection[str] | None) -> list[Finding]:
    try:
        program = expression.program
    except ExpressionError as error:
        return [Finding("EXPRESSION_SYNTAX", error.message, error.column)]
    except BudgetExceededError as error:
        return [Finding("EXPRESSION_LIMIT", str(error), expression.source.start - 1)]
    found = list[Finding]()
    if known is not None:
        names = dict.fromkeys(known)
        found.extend(
            Finding("UNKNOWN_NAME", unknown_name(name, column, names, expression.source.text).message, column)
            for name, column in program.asked
            if name not in names
        )
    found.extend(
        Finding(
            "TIME_AS_TEXT",
            "`now()` is a string and compares as a time only with times of the same form, in UTC with "
            "milliseconds; compare `epoch(…)` with `epoch(now())`",
            column,
            is_error=False,
        )
        for column in program.compared_now
    )
    return found
