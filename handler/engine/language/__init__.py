"""What users write inside strings: tags, expressions, conditions, and the contexts that they read.

How the rest of the product uses it:

- `tags.resolve(value, contexts, charge, world)` gives a value with its tags and expressions replaced, at any depth.
  `tags.parse(text)` gives the pieces of a string: plain text, `Tag` and `Expression`. Both are compiled once.
- `conditions.is_met(condition, contexts, charge, world)` decides an ``if`` or a ``while``.
- `contexts` is a mapping with ``job`` and ``steps``; inside loops also ``loop`` and the names of the items. An
  expression reads every key of it by name, ``parameters`` and ``variables`` out of ``job``.
- `world` (`meter.World`) is the run's clock and the step's time limit; `handler.engine.step_world` makes one. Without
  it ``now()`` is an error.
- What is wrong is an `ExpressionError` or a `PathError`, both `ValueError` (INVALID_ARGUMENT), or a
  `BudgetExceededError` (RESULT_LIMIT_EXCEED).
- `expression.program.names` is what an expression reads by name; `handler.validation` judges it before a run.
- `clock.parse_time` and `clock.format_time` read and write times as expressions do.
- `functions.FUNCTIONS` names every function, for names that must not be one.

Nothing is imported for expressions before a string holds one.
"""
