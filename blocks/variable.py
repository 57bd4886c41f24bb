"""VARIABLE: blocks for the variables of the job they run in.

What a step changes counts when the step ends DONE, and tags see it from the next step on: `{# total #}`. Nothing is
charged here: the job charges for the copies that it hands out.
"""

from __future__ import annotations

from typing import Any

from blocks.block import ABSENT, Category, Job

category = Category("VARIABLE", effect="none")


@category.block(name="set")
def set_(job__: Job, /, *, name: str, value: Any = None) -> None:
    """Give a variable a copy of the value (null by default), whether the variable is new or not."""
    job__.variables[name] = value


@category.block
def create(job__: Job, /, *, name: str) -> None:
    """Make a new variable that is null. When there is one of that name, the step ends ASSERTION_ERROR."""
    if name in job__.variables:
        raise AssertionError(f"the variable {name[:100]!r} already exists; VARIABLE.SET changes it")
    job__.variables[name] = None


@category.block
def get(job__: Job, /, *, name: str, default: Any = ABSENT) -> Any:
    """Give the value of a variable, or `default` if there is no such variable.

    Without a default (null is one) a missing variable is UNHANDLED_EXCEPTION (KeyError).
    """
    return job__.variables[name] if default is ABSENT else job__.variables.get(name, default)


@category.block
def delete(job__: Job, /, *, name: str, silent: bool = True) -> None:
    """Take a variable away. A missing one is UNHANDLED_EXCEPTION (KeyError) only when `silent` is false."""
    if silent:
        job__.variables.pop(name, None)
    else:
        del job__.variables[name]


@category.block
def list_names(job__: Job, /) -> list[str]:
    """Give the names of all variables, in the order in which they were made."""
    return list(job__.variables)


@category.block
def list_values(job__: Job, /) -> list[Any]:
    """Give the values of all variables, in the order of their names in `VARIABLE.LIST_NAMES`."""
    return list(job__.variables.values())


@category.block
def is_exists(job__: Job, /, *, name: str) -> bool:
    """Give true when there is a variable of that name."""
    return name in job__.variables


@category.block
def count(job__: Job, /) -> int:
    """Count the variables."""
    return len(job__.variables)
