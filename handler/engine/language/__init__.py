"""The language inside strings: tags, expressions, conditions, and the contexts that they read.

How the rest of the product uses it:

- `tags.resolve(value, contexts, charge, world)` returns a value with its tags and expressions replaced, at any depth.
  `tags.parse(text)` returns the pieces of a string: plain text, `Tag` and `Expression`. Both are compiled once.
- `conditions.is_met(condition, contexts, charge, world)` decides an ``if`` or a ``while``.
- `contexts` is a mapping with ``job`` and ``steps``; inside loops also ``loop`` and the names of the items. An
  expression reads each of its keys by name, and ``parameters`` and ``variables`` from ``job``.
- `world` (`meter.World`) is the run's clock and the step's time limit; `handler.engine.step_world` makes one. Without
  it ``now()`` is an error.
- Errors are an `ExpressionError` or a `PathError`, both `ValueError` (INVALID_ARGUMENT), or a
  `BudgetExceededError` (RESULT_LIMIT_EXCEED).
- `expression.program.names` holds the names that an expression reads; `handler.validation` checks them before a run.
- `clock.parse_time` and `clock.format_time` read and write times as expressions do.
- `functions.FUNCTIONS` lists every function, for checks of names that must not be one.

The modules of expressions are imported when a string first holds one.
"""
