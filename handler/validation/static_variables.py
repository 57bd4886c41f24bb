"""The variables of a job before it runs. A value is known as long as no step may have changed it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from blocks.block import JOB
from handler.engine.language.paths import PathError, Tag, View, describe, resolve_key
from handler.engine.language.tags import parse, whole_tag
from handler.validation.outline import StaticStep
from handler.validation.undecided import Undecided

WRITERS: Final = frozenset({"VARIABLE.SET", "VARIABLE.CREATE", "VARIABLE.DELETE"})
"""Built-in blocks that create or delete the variable named by their parameter ``name``."""
READERS: Final = frozenset(
    {"VARIABLE.GET", "VARIABLE.LIST_NAMES", "VARIABLE.LIST_VALUES", "VARIABLE.IS_EXISTS", "VARIABLE.COUNT"}
)
"""Built-in blocks that receive the job and do not change it. Any other block with the job may change any variable."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that a step may make to variables.

    Attributes:
        name: the variable's name, or ``None`` for any variable.
        step: the step.
        whole: whether it may create or delete the variable; otherwise it may only change the value.
        certain: whether the variable certainly exists after the step.
    """

    name: str | None
    step: StaticStep
    whole: bool
    certain: bool = False


class StaticVariables(View):
    """``job.variables``.

    Args:
        hint: called with the code and the message of each warning.
        initial: the variables at the start of the job.

    Attributes:
        initial: the variables at the start of the job.
        reader: the step that reads them.
    """

    def __init__(self, hint: Callable[[str, str], None], initial: Mapping[str, Any]) -> None:
        self.initial = initial
        self.reader: StaticStep | None = None
        self._hint = hint
        self._changes: dict[str, Change] = {}
        self._any: StaticStep | None = None

    @property
    def description(self) -> str:  # type: ignore[override] # read-only is enough for a description
        return describe(self.initial)

    @property
    def names(self) -> Iterator[str]:
        """The names that may exist when the reader runs."""
        return chain(self.initial, self._changes)

    def may_have(self, name: str) -> bool:
        """Whether a variable of this name may exist when the reader runs."""
        return self._any is not None or name in self.initial or name in self._changes

    def note(self, change: Change) -> None:
        """Note a change that a step may make."""
        if change.name is None:
            self._any = change.step
            return
        before = self._changes.get(change.name)
        if before is None or change.whole or not before.whole:
            self._changes[change.name] = change

    def __getitem__(self, name: str) -> Any:
        change = self._changes.get(name)
        step = change.step if change is not None else self._any
        if step is None:
            return self.initial[name]
        if name not in self.initial and not (change is not None and change.certain and self._comes_after(change.step)):
            self._hint("UNCERTAIN_VARIABLE", f"The variable `{name}` exists only if step `{step.id}` creates it.")
        elif change is not None and change.whole and step.action == "VARIABLE.DELETE":
            self._hint("UNCERTAIN_VARIABLE", f"The variable `{name}` may not exist: step `{step.id}` may delete it.")
        raise Undecided

    def _comes_after(self, step: StaticStep) -> bool:
        """Whether the reader runs only if that step has run: it is later in the same list, or inside a later step."""
        reader = self.reader
        if reader is step:
            return True
        if reader is None or reader.written.get("forced") or reader.order <= step.order:
            return False
        in_scope = step.scope in reader.scope.chain
        return in_scope and set(step.branches) <= set(reader.branches) and set(step.around) <= set(reader.around)

    def __iter__(self) -> Iterator[str]:
        raise Undecided

    def __len__(self) -> int:
        raise Undecided


def changes_of(step: StaticStep, contexts: Mapping[str, Any]) -> Iterator[Change]:
    """The changes that a step may make to variables, without those of its inner steps.

    Args:
        step: the step.
        contexts: the contexts of its tags.
    """
    if step.kind.name == "set":
        certain = step.written.get("if") in (None, True) and not step.written.get("allow_failure")
        for name in step.written["set"]:
            yield Change(name, step, whole=True, certain=certain)
        return
    if step.kind.name == "choose":
        yield from (Change(name, step, whole=True, certain=True) for name in _set_in_every_branch(step.written))
        return
    block = step.block
    if block is None or step.never_done:
        return
    parameters = step.written.get("parameters", {})
    if JOB in block.positional and block.action not in READERS:
        yield Change(_written_name(parameters) if block.action in WRITERS else None, step, whole=True)
    if not block.in_place:
        return
    for name, value in parameters.items():
        tag = whole_tag(parse(value)) if isinstance(value, str) else None
        if tag is not None and tag.variable is not None and (name in block.in_place or "{" in name):
            yield Change(_key(tag, contexts), step, whole=False)


def _set_in_every_branch(choice: Mapping[str, Any]) -> set[str]:
    """Variables that every branch of a choice sets."""
    branches = [branch["do"] for branch in choice["choose"]] + [choice.get("else") or []]
    if choice.get("if") not in (None, True):
        return set()
    return set.intersection(*({name for step in steps for name in _set_for_certain(step)} for steps in branches))


def _set_for_certain(step: Mapping[str, Any]) -> Iterable[str]:
    certain = "set" in step and step.get("if") in (None, True) and not step.get("allow_failure")
    return step["set"] if certain else ()


def _written_name(parameters: Mapping[str, Any]) -> str | None:
    name = parameters.get("name")
    if not isinstance(name, str) or any(not isinstance(piece, str) for piece in parse(name)):
        return None
    return "".join(str(piece) for piece in parse(name))


def _key(tag: Tag, contexts: Mapping[str, Any]) -> str | None:
    assert tag.variable is not None  # noqa: S101 # the caller asked
    try:
        return resolve_key(tag.variable, contexts, lambda _: None)
    except (Undecided, PathError):
        return None
