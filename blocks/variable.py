"""VARIABLE: blocks for the variables of the job they run in.

A step's changes count if the step ends DONE; tags read them from the next step on: `{# total #}`. Nothing is charged
here: the job charges for the copies that it returns.
"""

from __future__ import annotations

from typing import Any

from blocks.block import ABSENT, Category, Job
from blocks.messages import shown

category = Category("VARIABLE", effect="none")


@category.block(name="set")
def set_(job__: Job, /, *, name: str, value: Any = None) -> None:
    """Set a new or an existing variable to a copy of the value, by default null."""
    job__.variables[name] = value


@category.block
def create(job__: Job, /, *, name: str) -> None:
    """Create a variable that is null. If the variable exists, the step ends ASSERTION_ERROR."""
    if name in job__.variables:
        raise AssertionError(f"the variable {shown(name)} already exists; VARIABLE.SET changes it")
    job__.variables[name] = None


@category.block
def get(job__: Job, /, *, name: str, default: Any = ABSENT) -> Any:
    """Return the value of a variable, or `default` if there is no such variable.

    Without a default (null is one) a missing variable is UNHANDLED_EXCEPTION (KeyError).
    """
    return job__.variables[name] if default is ABSENT else job__.variables.get(name, default)


@category.block
def delete(job__: Job, /, *, name: str, silent: bool = True) -> None:
    """Delete a variable. A missing one is UNHANDLED_EXCEPTION (KeyError) only if `silent` is false."""
    if silent:
        job__.variables.pop(name, None)
    else:
        del job__.variables[name]


@category.block
def list_names(job__: Job, /) -> list[str]:
    """Return the names of all variables, in the order in which they were created."""
    return list(job__.variables)


@category.block
def list_values(job__: Job, /) -> list[Any]:
    """Return the values of all variables, in the order of their names in `VARIABLE.LIST_NAMES`."""
    return list(job__.variables.values())


@category.block
def is_exists(job__: Job, /, *, name: str) -> bool:
    """Return true if there is a variable of that name."""
    return name in job__.variables


@category.block
def count(job__: Job, /) -> int:
    """Count the variables."""
    return len(job__.variables)
