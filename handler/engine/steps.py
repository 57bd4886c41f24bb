"""The written steps of a job: makes, checks, finds and deletes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from handler.engine.checks import Checks
from handler.engine.flow.written import ACTIONS, ForEach, Output, kind_of, read
from handler.engine.step import ConduitStep, StepOwner

_USUAL: Final = 3
"""The number of keys in most steps: ``action``, ``id`` and ``parameters``."""


def forget_results(steps: Iterable[ConduitStep]) -> None:
    """Drop the results of a job's steps, which are no longer read: references in a cycle would keep them alive."""
    for step in steps:
        step.return_value = step.result_json = step.variables_json = step.opened = step.opened_json = step.run = None


class WrittenSteps:
    """Steps in order, each checked when it is made.

    Args:
        job: the steps' job.
        checks: the checks of each step.

    Attributes:
        all: the steps of the top level.
        by_id: the first step of each id; if branches share an id, the step of the branch that was taken.
        ids: the same mapping, for the flow steps that make a branch's steps readable.
        has_flow: whether a step is of another kind than ``block``.
        limits_uses: whether the job overrides limits of blocks.
    """

    def __init__(self, job: StepOwner, checks: Checks) -> None:
        self.all: list[ConduitStep] = []
        self.ids = checks.by_id
        self.by_id: Mapping[str, ConduitStep] = checks.by_id
        self.has_flow = False
        self.limits_uses = checks.limits_uses
        self._job = job
        self._checks = checks
        self._is_stale = False

    def load(self, steps: Iterable[Mapping[str, Any]]) -> None:
        """Add steps given as dictionaries; see `Conduit.load_step_list`."""
        checks, own, new, job = self._checks, self.all, ConduitStep.__new__, self._job
        free, by_id, limit = checks.free, checks.by_id, checks.step_limit
        for position, data in enumerate(steps, len(own) + 1):
            try:  # the usual keys, and a block that every job may use
                action, parameters, given = data["action"], data["parameters"], data["id"]
                block = free.get(action) or checks.find_free(action)
            except (KeyError, TypeError):
                block = None
            if block is None or given is None or len(data) != _USUAL:
                step = self._make(data, self._find(data, position), 0)
                own.append(step)
                checks.check(step, position)
                continue
            step = new(ConduitStep)
            step.begin(job, block, block.action, parameters, given)
            step.position = position
            own.append(step)
            if position > limit or by_id.setdefault(step.id, step) is not step:
                checks.check(step, position)  # most steps pass every check without a call
        if self.has_flow:
            self._is_stale = True
            self.settle()

    def _find(self, data: Any, number: int) -> Any:
        """Return the block of a step."""
        if not isinstance(data, Mapping):
            raise TypeError(f"step {number} is a {type(data).__name__}; a step is a dictionary with an `action`")
        return self._checks.find(data.get("action", ""))

    def _make(self, data: Mapping[str, Any], block: Any, depth: int) -> ConduitStep:
        """Make a step with further keys."""
        kind = kind_of(data)
        step = ConduitStep.__new__(ConduitStep)
        if kind is None:
            action = block.action if block is not None else str(data.get("action", ""))
            step.begin(self._job, block, action, data.get("parameters"), data.get("id"))
            step.read_options(data)
            return step
        self.has_flow = True
        step.begin(self._job, None, ACTIONS[kind], None, data.get("id"))
        step.read_options({key: value for key, value in data.items() if key not in {"retry", "poll"}})
        step.spec = read(data, kind, depth, self._make_inner)
        if isinstance(step.spec, ForEach) and step.spec.short:
            step.timeout = None  # the key is the block's
        return step

    def _make_inner(self, steps: Sequence[Mapping[str, Any]], depth: int) -> list[ConduitStep]:
        made: list[ConduitStep] = []
        for data in steps:
            if not isinstance(data, Mapping):
                raise TypeError(f"a step is a dictionary with an `action`, not a {type(data).__name__}")
            step = self._make(data, self._checks.find(data.get("action", "")), depth)
            if not step.id:
                raise ValueError("a step inside of another one needs an `id`")
            step.note_rare()
            made.append(step)
        return made

    def settle(self) -> None:
        """Check inner steps, which can only be checked together."""
        if self._is_stale:
            self._is_stale = False
            self._checks.check_all(self.all)

    def add_output(self, value: Any) -> ConduitStep:
        """Add an implicit last step to the job; no list contains it before its turn."""
        output = ConduitStep.__new__(ConduitStep)
        output.begin(self._job, None, ACTIONS["output"], None, "output")
        output.spec = Output(value)
        self._checks.output = output
        self._checks.by_id.setdefault(output.id, output)
        self.has_flow = self._is_stale = True
        return output

    def begin_output(self) -> bool:
        """Return whether the implicit last step is now the next one; from then on, `all` contains it."""
        output = self._checks.output
        if output is None or output in self.all:
            return False
        self.all.append(output)
        return True

    def find_block(self, action: Any) -> Any:
        """Return the block of that name, or ``None``."""
        return self._checks.find(action)

    def is_over(self, block: Any) -> bool:
        """Count a use of a block by the current step; return whether it exceeds the block's limit."""
        return self._checks.is_over(block)

    def attach(self, step: ConduitStep) -> None:
        """Add a new step."""
        self.all.append(step)
        self._checks.check(step, len(self.all))
        self._is_stale = self.has_flow

    def get(self, step: str | int) -> ConduitStep | None:
        """Return the step of that id (a string) or place (an integer), or ``None``."""
        if isinstance(step, int):
            return self.all[step - 1] if 0 < step <= len(self.all) else None
        return self.by_id.get(step)

    def delete(self, step: ConduitStep) -> int:
        """Delete a step and return its index. Every check runs again."""
        index = self.all.index(step)
        del self.all[index]
        self._checks.check_all(self.all)
        return index
