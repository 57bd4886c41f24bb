"""The types of the table of a job's fields: fields, objects with their own fields, lists of steps, kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from handler.payload.values import Value

ABSENT: Final = object()
"""The default of a field for which omission has its own meaning, different from that of any value."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of an object.

    Attributes:
        name: its key.
        holds: the kind of its value: plain, an object with its own fields, a list of those, or steps.
        about: its meaning, for people.
        required: whether it is required.
        nullable: whether null is the same as leaving it out.
        default: the value that applies if the field is omitted, or `ABSENT`.
        tags: whether tags and expressions are evaluated in it; otherwise it is a literal.
    """

    name: str
    holds: Value | Group | Branches | Steps
    about: str
    required: bool = False
    nullable: bool = False
    default: Any = ABSENT
    tags: bool = False

    @property
    def expects(self) -> str:
        """The words that complete the sentence "`name` is …"."""
        return self.holds.expects


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """An object with its own fields.

    Attributes:
        owner: its name in messages, at the beginning of a sentence.
        fields: by name, in the order in which they are written.
        one_of: names of fields of which exactly one is required.
    """

    owner: str
    fields: Mapping[str, Field]
    one_of: tuple[str, ...] = ()
    expects: str = "an object"


@dataclass(frozen=True, slots=True, eq=False)
class Branches:
    """A list of branches of a choice."""

    branch: Group
    expects: str = "a list of at least one branch, each with `if` and `do`"


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """A list of inner steps.

    Attributes:
        least: the smallest number of steps.
        most: the largest number, or ``None`` for as many as a job may have.
        loop: whether they are the body of a loop.
    """

    least: int = 1
    most: int | None = None
    loop: bool = False

    @property
    def expects(self) -> str:
        if self.most is None:
            return "a list of steps" if not self.least else "a list of at least one step"
        return f"a list of {self.least} to {self.most} steps"


KindName = Literal["block", "for_each", "while", "choose", "try", "set", "end", "wait", "wait_for"]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One kind of step.

    Attributes:
        name: the kind's name.
        key: the field that identifies it.
        action: the action in its records; ``None`` for the block's name.
        about: its effect, for people.
        fields: by name, in the order in which they are written.
    """

    name: KindName
    key: str
    action: str | None
    about: str
    fields: Mapping[str, Field]
