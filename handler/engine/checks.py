"""The checks of a new step: the first check that fails gives the step's status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from blocks.block import Block, Registry
from handler.engine.flow.written import Choose, ForEach, lists_of
from handler.engine.required_tags import NOTHING_ADDED, RequiredTags, compile_glob
from handler.engine.status import DONE, NONE, ConduitStatus
from handler.engine.step import ConduitStep

ANY_NUMBER: Final = (1 << 30) - 1
"""More steps than fit into memory."""


class Uses:
    """How often a job uses each block that has a limit. Few jobs have such a block, so it is made at the first use.

    Args:
        overrides: globs of block names, with limits; the first match wins, ``None`` lifts the limit.
    """

    def __init__(self, overrides: Mapping[str, int | None]) -> None:
        self._overrides = [(compile_glob(pattern), limit) for pattern, limit in overrides.items()]
        self._counts: dict[Block[..., Any], int] = {}
        self._limits: dict[Block[..., Any], int | None] = {}

    def is_over(self, block: Block[..., Any]) -> bool:
        """Count a use of a block; return whether it exceeds the block's limit."""
        uses = self._counts[block] = self._counts.get(block, 0) + 1
        limit = self._limit_of(block)
        return limit is not None and uses > limit

    def _limit_of(self, block: Block[..., Any]) -> int | None:
        if block not in self._limits:
            matches = (limit for pattern, limit in self._overrides if pattern.fullmatch(block.action))
            self._limits[block] = next(matches, block.max_uses)
        return self._limits[block]


class Checks:
    """The checks of one job, with their counts.

    Args:
        tags: the rights of the job.
        step_limit: how many steps may run, or ``None``.
        overrides: globs of block names, with limits; the first match wins, ``None`` lifts the limit.
        registry: the available blocks.
        blocks: more blocks that only this job has.
        required: the tags that blocks need.

    Attributes:
        by_id: the first step of each id at the top level; a duplicate never replaces it.
        limits_uses: whether the job overrides limits of blocks.
        step_limit: how many steps may run.
        known: the results of `find` so far, by the action as written.
        free: those of these blocks that every job may use, any number of times.
        output: the job's implicit last step, whose id no other step may have.
    """

    def __init__(
        self,
        tags: frozenset[str],
        step_limit: int | None,
        overrides: Mapping[str, int | None] | None,
        registry: Registry,
        blocks: Sequence[Block[..., Any]] | None,
        required: RequiredTags = NOTHING_ADDED,
    ) -> None:
        self.by_id: dict[str, ConduitStep] = {}
        self._tags = tags
        self.step_limit = ANY_NUMBER if step_limit is None else step_limit
        self.required = required
        self.free: dict[str, Block[..., Any]] = {}
        self._overrides = overrides
        self._registry = registry
        self._blocks = {block.action: block for block in blocks} if blocks else None
        self.limits_uses = bool(overrides)
        self.known: dict[str, Block[..., Any] | None] = {}
        self.output: ConduitStep | None = None
        self._uses: Uses | None = None

    def find(self, action: Any) -> Block[..., Any] | None:
        """The block of that name, in upper or lower case: one of the job's own, or a registered one."""
        if not isinstance(action, str):
            return None
        if action in self.known:
            return self.known[action]
        own = self._blocks.get(action.upper() if action.isascii() else action) if self._blocks else None
        found = self.known[action] = own or self._registry.get(action)
        if found is not None and found.max_uses is None and not self.limits_uses and not self.required.of(found):
            self.free[action] = found
        return found

    def find_free(self, action: Any) -> Block[..., Any] | None:
        """The block of that name, if every job may use it any number of times."""
        self.find(action)
        return self.free.get(action)

    def check(self, step: ConduitStep, position: int) -> None:
        """Give a new step its position and id, and the status of the first check that it fails."""
        step.number_as(position)
        first = self.by_id.setdefault(step.id, step)
        step.status = self._judge(step, position, repeated=first is not step, counted=True)

    def _judge(self, step: ConduitStep, number: int, *, repeated: bool, counted: bool) -> ConduitStatus:
        """The first check that a step fails, or NONE.

        Args:
            step: the step.
            number: how many steps are written up to this one.
            repeated: whether another step has its id.
            counted: whether its use of a block is counted now; in loops and branches, uses are counted at each turn.
        """
        block = step.block
        spec = step.spec
        if block is None and spec is None:
            return ConduitStatus.BLOCK_NOT_FOUND
        if isinstance(spec, ForEach) and spec.short and spec.do[0].block is None:
            return ConduitStatus.BLOCK_NOT_FOUND
        over = block is not None and counted and self.is_over(block)
        if repeated:
            return ConduitStatus.DUPLICATE_STEP_IDS
        if block is not None and not self.required.of(block) <= self._tags:
            return ConduitStatus.FORBIDDEN_BLOCK
        if over:
            return ConduitStatus.BLOCK_LIMIT_EXCEED
        return ConduitStatus.STEP_LIMIT_EXCEED if number > self.step_limit else NONE

    def check_all(self, steps: Sequence[ConduitStep]) -> None:
        """Repeat all checks, inner steps included. Steps that have run keep their status."""
        self.by_id.clear()
        self._uses = None
        for position, step in enumerate(steps, 1):
            step.number_as(position)
        repeated: set[int] = set()
        if self.output is not None:
            self.by_id[self.output.id] = self.output
        _register(steps, self.by_id, set(self.by_id), (), repeated)
        number = self._check_list(steps, 0, repeated, counted=True)
        if self.output is not None and self.output.started_at is None:
            self.output.status = self._judge(self.output, number + 1, repeated=False, counted=False)

    def _check_list(self, steps: Iterable[ConduitStep], number: int, repeated: set[int], *, counted: bool) -> int:
        """Check the steps of a list and their inner steps; return how many steps are written so far."""
        for step in steps:
            number += 1
            has_run = step.attempts or step.started_at is not None or step.status is DONE
            status = self._judge(step, number, repeated=id(step) in repeated, counted=counted)
            if not has_run:
                step.status = status
            inside = counted and step.kind == "try"
            short = isinstance(step.spec, ForEach) and step.spec.short
            for inner in lists_of(step):
                number = self._check_list(inner, number - short, repeated, counted=inside)
        return number

    def is_over(self, block: Block[..., Any]) -> bool:
        """Count a use of a block; return whether it exceeds the block's limit."""
        if block.max_uses is None and not self.limits_uses:
            return False
        if self._uses is None:
            self._uses = Uses(self._overrides or {})
        return self._uses.is_over(block)


Ids = dict[str, ConduitStep]


def _register(
    steps: Iterable[ConduitStep], by_id: Ids, taken: set[str], enclosing: tuple[Ids, ...], repeated: set[int]
) -> None:
    """Note the ids of a scope, then those of its loops: an inner step may not repeat the id of an outer one.

    Args:
        steps: the steps of the scope.
        by_id: gets the first step of each id.
        taken: the ids that are taken.
        enclosing: the ids of the scopes around it, all of them.
        repeated: gets the `id()` of each step whose id is taken.
    """
    loops: list[ConduitStep] = []
    _register_list(steps, by_id, taken, enclosing, repeated, loops)
    for loop in loops:
        spec: Any = loop.spec
        spec.by_id.clear()
        if not (isinstance(spec, ForEach) and spec.short):  # otherwise the single step inside has the loop's own id
            _register(spec.do, spec.by_id, set(), (*enclosing, by_id), repeated)


def _register_list(
    steps: Iterable[ConduitStep],
    by_id: Ids,
    taken: set[str],
    enclosing: tuple[Ids, ...],
    repeated: set[int],
    loops: list[ConduitStep],
) -> None:
    for step in steps:
        if step.id in taken or any(step.id in ids for ids in enclosing):
            repeated.add(id(step))
        taken.add(step.id)
        by_id.setdefault(step.id, step)
        spec: Any = step.spec
        if spec is not None and getattr(spec, "is_loop", False):
            loops.append(step)
        elif isinstance(spec, Choose):
            before, after = frozenset(taken), set(taken)
            for branch in spec.lists():  # at most one of them runs, so they may share ids
                own = set(before)
                _register_list(branch, by_id, own, enclosing, repeated, loops)
                after |= own
            taken |= after
        else:
            for inner in lists_of(step):
                _register_list(inner, by_id, taken, enclosing, repeated, loops)
