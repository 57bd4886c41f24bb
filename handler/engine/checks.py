"""What is checked when a step is created: the first check that fails is the step's status."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any

from blocks.block import REGISTRY, Block
from handler.engine.required_tags import NOTHING_ADDED, RequiredTags, compile_glob
from handler.engine.status import ConduitStatus
from handler.engine.step import ConduitStep


class Checks:
    """The checks of one job, with what they count.

    Args:
        tags: the rights of the job.
        step_limit: how many steps may run, or ``None``.
        overrides: globs over block names to limits; the first match wins, ``None`` lifts the limit.
        blocks: blocks that only this job has.
        required: the tags that blocks need.

    Attributes:
        by_id: the first step of each id; a duplicate never replaces it.
        limits_uses: whether blocks have other limits here than their own.
        step_limit: how many steps may run; infinite for any number.
        known: what `find` has found so far, by the action as it was written.
        needs: the tags that the found blocks need.
    """

    def __init__(
        self,
        tags: frozenset[str],
        step_limit: int | None,
        overrides: Mapping[str, int | None],
        blocks: Sequence[Block[..., Any]],
        required: RequiredTags = NOTHING_ADDED,
    ) -> None:
        self.by_id: dict[str, ConduitStep] = {}
        self._tags = tags
        self.step_limit = inf if step_limit is None else step_limit
        self.required = required
        self.needs: dict[Block[..., Any], frozenset[str]] = {}
        self._overrides = [(compile_glob(pattern), limit) for pattern, limit in overrides.items()] if overrides else ()
        self._blocks = {block.action: block for block in blocks} if blocks else {}
        self.limits_uses = bool(overrides)
        self.known: dict[str, Block[..., Any] | None] = {}
        self._uses: dict[Block[..., Any], int] = {}
        self._limits: dict[Block[..., Any], int | None] = {}

    def find(self, action: Any) -> Block[..., Any] | None:
        """The block of that name, in any case of letters: one of the job's own, or a registered one."""
        try:
            return self.known[action]
        except (KeyError, TypeError):
            pass
        if not isinstance(action, str):
            return None
        own = self._blocks.get(action.upper() if action.isascii() else action)
        found = self.known[action] = own or REGISTRY.get(action)
        if found is not None:
            self.needs[found] = self.required.of(found)
        return found

    def check(self, step: ConduitStep, position: int) -> None:
        """Give a new step its position and id, and the status of the first check that it fails."""
        step.position = position
        given = step.given_id
        known = step.id = given if given is not None else step.id or str(position)
        first = self.by_id.setdefault(known, step)
        block = step.block
        if block is None:
            step.status = ConduitStatus.BLOCK_NOT_FOUND
            return
        over = self._is_over(block) if block.max_uses is not None or self._overrides else False
        if first is not step:
            step.status = ConduitStatus.DUPLICATE_STEP_IDS
        elif not self.required.of(block) <= self._tags:
            step.status = ConduitStatus.FORBIDDEN_BLOCK
        elif over:
            step.status = ConduitStatus.BLOCK_LIMIT_EXCEED
        elif position > self.step_limit:
            step.status = ConduitStatus.STEP_LIMIT_EXCEED

    def check_all(self, steps: Iterable[ConduitStep]) -> None:
        """Make every check anew, after a step was taken out. What has run keeps its status."""
        self.by_id.clear()
        self._uses.clear()
        for position, step in enumerate(steps, 1):
            done = step.status if step.attempts or step.status is ConduitStatus.DONE else None
            step.status = ConduitStatus.NONE
            self.check(step, position)
            if done is not None:
                step.status = done

    def _is_over(self, block: Block[..., Any]) -> bool:
        """Count one more use of a block, and whether it is one too many."""
        uses = self._uses[block] = self._uses.get(block, 0) + 1
        limit = self._limit_of(block)
        return limit is not None and uses > limit

    def _limit_of(self, block: Block[..., Any]) -> int | None:
        if not self._overrides:
            return block.max_uses
        if block not in self._limits:
            matches = (limit for pattern, limit in self._overrides if pattern.fullmatch(block.action))
            self._limits[block] = next(matches, block.max_uses)
        return self._limits[block]
