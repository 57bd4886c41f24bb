"""The steps of a job as written: the place of each step, and the steps that it can read.

No step has run yet: a step in a loop appears once, for all items.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from blocks.block import Block, Registry
from handler.caller import Rights
from handler.engine import ConduitStatus
from handler.engine.required_tags import RequiredTags
from handler.payload.fields import KEYS, KINDS, OUTPUT_ID
from handler.payload.parse import JobPayload
from handler.payload.problem import MAX_PATH
from handler.payload.table import Kind

Pointer = tuple[str | int, ...]

OUTPUT: Final = Kind("block", OUTPUT_ID, "OUTPUT", "The implicit last step, which evaluates the job's output.", {})
_BY_KEY: Final = {kind.key: kind for kind in KINDS.values()}


@dataclass(slots=True, eq=False)
class Scope:
    """Steps that can read each other by their ids: the top-level steps, or those inside one loop.

    Attributes:
        outer: the scope around it; ``None`` for the top level.
        loop: the loop, or ``None`` for the top level.
        item: the name of the loop's items, or ``None``.
        steps: the steps by id. An id may have several steps in different branches, or duplicates.
    """

    outer: Scope | None = None
    loop: StaticStep | None = None
    item: str | None = None
    steps: dict[str, list[StaticStep]] = field(default_factory=dict)

    @property
    def chain(self) -> Iterator[Scope]:
        """The scope itself and the scopes around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.outer

    def find(self, id_: str) -> list[StaticStep]:
        """The steps that the id may name in this scope; empty if there are none."""
        return next((scope.steps[id_] for scope in self.chain if id_ in scope.steps), [])

    @property
    def ids(self) -> list[str]:
        """All ids that can be read in this scope."""
        return [id_ for scope in self.chain for id_ in scope.steps]


@dataclass(slots=True, eq=False)
class StaticStep:
    """A step as written.

    Attributes:
        id: the given id, or its place in the job's list.
        given: whether the id is given.
        path: its path in records, with ``*`` for the index of an item.
        pointer: its place in the payload.
        kind: the kind of step.
        written: the step's JSON object.
        scope: the scope in which its id can be read.
        order: how many steps are written before it.
        branches: the branches of choices that contain it, each as the order of the choice and the branch.
        around: the steps that contain it, outermost first.
        block: the block that it runs, or ``None``.
        refusal: the status of the first check that it always fails, or ``None``.
        never_done: whether it can never be DONE, so that its result stays null.
        has_error: whether it can never be DONE because of an error.
    """

    id: str
    given: bool
    path: str
    pointer: Pointer
    kind: Kind
    written: Mapping[str, Any]
    scope: Scope
    order: int
    branches: tuple[tuple[int, str | int], ...]
    around: tuple[StaticStep, ...]
    block: Block[..., Any] | None = None
    refusal: ConduitStatus | None = None
    never_done: bool = False
    has_error: bool = False
    inside: Scope | None = None

    @property
    def action(self) -> str:
        """The step's action in records."""
        if self.kind.action is not None:
            return self.kind.action
        return self.block.action if self.block is not None else str(self.written.get("action", ""))

    @property
    def runs_block(self) -> bool:
        """Whether it runs a block, once or for each item of a list."""
        return "action" in self.written

    def excludes(self, other: StaticStep) -> bool:
        """Whether at most one of the two runs, because they are in different branches of one choice."""
        return any(
            choice == others and branch != which for choice, branch in self.branches for others, which in other.branches
        )

    def is_around(self, other: StaticStep) -> bool:
        """Whether it contains the other step."""
        return self in other.around


class Outline:
    """The steps of a job in the order in which they are written, each checked.

    Args:
        payload: the job.
        rights: the rights of its sender.
        registry: the available blocks.
        required: the tags that blocks need.

    Attributes:
        payload, rights, registry, required: the arguments.
        scope: the scope of the top-level steps.
        top: the top-level steps.
        steps: all steps.
        output: the implicit last step, or ``None``.
    """

    def __init__(self, payload: JobPayload, rights: Rights, registry: Registry, required: RequiredTags) -> None:
        self.payload = payload
        self.scope = Scope()
        self.steps: list[StaticStep] = []
        self.output: StaticStep | None = None
        self.rights = rights
        self.registry = registry
        self.required = required
        self._uses: dict[Block[..., Any], int] = {}
        self._inner: dict[StaticStep, dict[str, list[StaticStep]]] = {}
        if payload.output is not None:
            self.output = StaticStep(
                OUTPUT_ID, True, OUTPUT_ID, ("output",), OUTPUT, {}, self.scope, len(self.steps), (), ()
            )
        self.top = self._add_all(payload.steps, ("steps",), self.scope, "", (), ())
        if self.output is not None:
            self.output.order = len(self.steps)
            self.scope.steps.setdefault(OUTPUT_ID, []).insert(0, self.output)
        for step in self.steps:
            step.refusal = self._refusal_of(step)

    def inner(self, step: StaticStep, *keys: str | int) -> list[StaticStep]:
        """The steps in one of a step's lists, named by its keys: ``"do"``, or ``"choose", 0, "do"``."""
        return self._inner.get(step, {}).get("/".join(map(str, keys)), [])

    # ------------------------------------------------------------------ making

    def _add_all(
        self,
        steps: list[dict[str, Any]],
        pointer: Pointer,
        scope: Scope,
        prefix: str,
        branches: tuple[tuple[int, str | int], ...],
        around: tuple[StaticStep, ...],
    ) -> list[StaticStep]:
        added = []
        for index, written in enumerate(steps):
            given = written.get("id")
            id_ = given if given is not None else str(index + 1)
            path = f"{prefix}{id_}"[:MAX_PATH]
            kind = _kind_of(written)
            order = len(self.steps)
            step = StaticStep(
                id_, given is not None, path, (*pointer, index), kind, written, scope, order, branches, around
            )
            if step.runs_block:
                step.block = self.registry.get(written["action"])
            self.steps.append(step)
            scope.steps.setdefault(id_, []).append(step)
            added.append(step)
            self._add_inner(step, prefix)
        return added

    def _add_inner(self, step: StaticStep, prefix: str) -> None:
        written, around = step.written, (*step.around, step)
        if step.kind.name in ("for_each", "while"):
            item = (written.get("as") or "item") if step.kind.name == "for_each" else None
            step.inside = Scope(step.scope, step, item)
            if "do" in written:
                self._add_list(step, ("do",), written["do"], step.inside, f"{step.path}.*.", step.branches, around)
        elif step.kind.name == "choose":
            for index, branch in enumerate(written["choose"]):
                branches = (*step.branches, (step.order, index))
                self._add_list(step, ("choose", index, "do"), branch["do"], step.scope, prefix, branches, around)
            branches = (*step.branches, (step.order, "else"))
            self._add_list(step, ("else",), written.get("else") or [], step.scope, prefix, branches, around)
        elif step.kind.name == "try":
            for key in ("try", "catch"):
                self._add_list(step, (key,), written.get(key) or [], step.scope, prefix, step.branches, around)

    def _add_list(
        self,
        step: StaticStep,
        keys: Pointer,
        steps: list[dict[str, Any]],
        scope: Scope,
        prefix: str,
        branches: tuple[tuple[int, str | int], ...],
        around: tuple[StaticStep, ...],
    ) -> None:
        made = self._add_all(steps, (*step.pointer, *keys), scope, prefix, branches, around)
        self._inner.setdefault(step, {})["/".join(map(str, keys))] = made

    # ------------------------------------------------------------------ checks

    def _refusal_of(self, step: StaticStep) -> ConduitStatus | None:
        """The status of the first check that a step fails before its turn, or ``None``."""
        block = step.block
        if step.runs_block and block is None:
            return ConduitStatus.BLOCK_NOT_FOUND
        over = block is not None and self._is_over(step, block)
        if self.first_of(step) is not step:
            return ConduitStatus.DUPLICATE_STEP_IDS
        if block is not None and not self.required.of(block) <= self.rights.tags:
            return ConduitStatus.FORBIDDEN_BLOCK
        if over:
            return ConduitStatus.BLOCK_LIMIT_EXCEED
        limit = self.rights.step_limit
        return ConduitStatus.STEP_LIMIT_EXCEED if limit is not None and step.order >= limit else None

    def first_of(self, step: StaticStep) -> StaticStep:
        """The first step with this step's id: the step itself, unless it is a duplicate."""
        for scope in step.scope.chain:
            for other in scope.steps.get(step.id, ()):
                if other is step:
                    break
                if not (scope is step.scope and other.excludes(step)):
                    return other
        return step

    def _is_over(self, step: StaticStep, block: Block[..., Any]) -> bool:
        """Count a use of the block; return whether the limit is exceeded. The run counts uses in loops and branches."""
        if block.max_uses is None or any(outer.kind.name != "try" for outer in step.around) or step.inside is not None:
            return False
        uses = self._uses[block] = self._uses.get(block, 0) + 1
        return uses > block.max_uses


def _kind_of(written: Mapping[str, Any]) -> Kind:
    found = [key for key in KEYS if key in written]
    return _BY_KEY[found[-1]]
