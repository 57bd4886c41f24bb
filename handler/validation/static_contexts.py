"""What can be known of a job before it runs: what its tags will see, as far as no step decides it.

Tags are resolved by the engine itself, over contexts that hold what is fixed (parameters, ids, what the user wrote) and
raise `Undecided` where only a run can tell (a result, a variable that a step may have changed). So nothing is called an
error here that the engine would not call one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from blocks.block import JOB
from handler.engine import Conduit, ConduitStep
from handler.engine.language.contexts import JobView
from handler.engine.language.paths import PathError, Tag, View, describe, resolve_key
from handler.engine.language.tags import parse, whole_tag

WRITERS: Final = frozenset({"VARIABLE.SET", "VARIABLE.CREATE", "VARIABLE.DELETE"})
"""Shipped blocks that make or delete the variable which their parameter ``name`` names."""
READERS: Final = frozenset(
    {"VARIABLE.GET", "VARIABLE.LIST_NAMES", "VARIABLE.LIST_VALUES", "VARIABLE.IS_EXISTS", "VARIABLE.COUNT"}
)
"""Shipped blocks that see the job and change nothing of it. Any other that sees it may do anything to variables."""


class Undecided(Exception):  # noqa: N818 # no error: an answer
    """Only a run can tell what the tag will find."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that may go wrong in a run."""

    code: str
    message: str


class StaticContexts:
    """What the tags of one step will see.

    Args:
        job: the job, made and not run.
        open_parameters: names of parameters whose values are given later; ``None`` if any may be.

    Attributes:
        position: the step whose turn it is.
        never_done: positions of steps that can never be DONE, so that their result stays null.
        notices: what reading it brought up; the reader takes it from here.
    """

    def __init__(self, job: Conduit, open_parameters: Collection[str] | None = ()) -> None:
        self.job = job
        given_later = open_parameters is None or len(open_parameters) > 0
        self.parameters = OpenParameters(job, open_parameters) if given_later else None
        self.position = 0
        self.never_done: set[int] = set()
        self.notices: list[Notice] = []
        self.variables = FixedVariables(self)
        self.contexts: Mapping[str, Any] = {"job": FixedJob(self), "steps": FixedSteps(self)}

    def pass_step(self, step: ConduitStep) -> None:
        """Note what the step may do to the variables, once its turn is over."""
        block = step.block
        if block is None or step.position in self.never_done:
            return
        if JOB in block.positional and block.action not in READERS:
            self.variables.touch(self._written_name(step) if block.action in WRITERS else None, step, whole=True)
        for name, value in step.parameters.items():
            tag = whole_tag(parse(value)) if isinstance(value, str) and block.in_place else None
            if tag is not None and tag.variable is not None and (name in block.in_place or "{" in name):
                self.variables.touch(self._key(tag), step, whole=False)

    def _written_name(self, step: ConduitStep) -> str | None:
        name = step.parameters.get("name")
        if not isinstance(name, str):
            return None
        return "".join(str(piece) for piece in parse(name)) if not _has_tags(name) else None

    def _key(self, tag: Tag) -> str | None:
        assert tag.variable is not None  # noqa: S101 # the caller asked
        try:
            return resolve_key(tag.variable, self.contexts, _free)
        except (Undecided, PathError):
            return None


def _has_tags(text: str) -> bool:
    return any(isinstance(piece, Tag) for piece in parse(text))


def _free(_size: int) -> None:
    """Charges nothing."""


class _Fixed(View):
    """A context of which only single keys can be known, never the whole."""

    def __iter__(self) -> Iterator[str]:
        raise Undecided

    def __len__(self) -> int:
        raise Undecided


class FixedJob(_Fixed):
    """``job``."""

    description = JobView.description

    def __init__(self, outlook: StaticContexts) -> None:
        self._contexts = outlook

    def __getitem__(self, key: str) -> Any:
        job = self._contexts.job
        if key == "variables":
            return self._contexts.variables
        if key == "parameters" and self._contexts.parameters is not None:
            return self._contexts.parameters
        if key in {"success", "failed_step", "created_at"} or (
            key == "id" and job.id is None
        ):  # an id is given when the job is accepted
            raise Undecided
        return JobView(job)[key]


class OpenParameters(_Fixed):
    """``job.parameters``: those that the job has, but for those that are given later."""

    def __init__(self, job: Conduit, open_names: Collection[str] | None) -> None:
        self._job = job
        self._open_names = open_names

    @property
    def description(self) -> str:  # type: ignore[override] # read-only is enough for a description
        return describe(self._job.local_values)

    def __getitem__(self, name: str) -> Any:
        if self._open_names is None or name in self._open_names:
            raise Undecided
        return self._job.local_values[name]


class FixedVariables(_Fixed):
    """``job.variables``: those that the job starts with, as long as no step may have changed them."""

    def __init__(self, outlook: StaticContexts) -> None:
        self._contexts = outlook
        self._touched: dict[str, tuple[ConduitStep, bool]] = {}
        self._open: ConduitStep | None = None

    @property
    def description(self) -> str:  # type: ignore[override] # read-only is enough for a description
        return describe(self._contexts.job.variables)

    def touch(self, name: str | None, step: ConduitStep, *, whole: bool) -> None:
        """Note that `step` may change a variable, or any (``None``); `whole`: may make or delete it, too."""
        if name is None:
            self._open = step
        else:
            before = self._touched.get(name, (step, False))
            self._touched[name] = (step if whole else before[0], whole or before[1])

    @property
    def names(self) -> list[str]:
        """Names that may exist by now."""
        return [*self._contexts.job.variables, *self._touched]

    def __getitem__(self, name: str) -> Any:
        initial = self._contexts.job.variables
        step, whole = self._touched.get(name, (self._open, True))
        if step is None:
            return initial[name]
        if name not in initial:
            self._contexts.notices.append(
                Notice("UNCERTAIN_VARIABLE", f"The variable `{name}` exists only if step `{step.id}` makes it.")
            )
        elif whole and step.action == "VARIABLE.DELETE":
            self._contexts.notices.append(
                Notice("UNCERTAIN_VARIABLE", f"The variable `{name}` may be gone: step `{step.id}` deletes it.")
            )
        raise Undecided


class FixedSteps(_Fixed):
    """``steps``."""

    def __init__(self, outlook: StaticContexts) -> None:
        self._contexts = outlook

    @property
    def description(self) -> str:  # type: ignore[override] # as above
        return f"a job of {len(self._contexts.job.by_id)} steps"

    def __getitem__(self, key: str) -> FixedStep:
        return FixedStep(self._contexts, self._contexts.job.by_id[key])


class FixedStep(_Fixed):
    """``steps.<id>``, seen from the step whose turn it is."""

    description = "a step"
    is_step = True

    def __init__(self, outlook: StaticContexts, step: ConduitStep) -> None:
        self._contexts = outlook
        self._step = step

    def __getitem__(self, key: str) -> Any:
        step, now = self._step, self._contexts.position
        value = step.view[key]
        if key not in ("result", "status", "error"):
            return value
        if step.position >= now and key == "result":
            which = "itself" if step.position == now else f"step `{step.id}`, which runs later"
            self._contexts.notices.append(Notice("LATER_STEP", f"The tag reads {which}: its result is still null."))
            return None
        if step.position > now or (key == "result" and step.position in self._contexts.never_done):
            return value
        raise Undecided
