"""The steps of a job, as a collection."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from handler.engine.checks import Checks
from handler.engine.retry import Retry
from handler.engine.step import ConduitStep

_USUAL: Final = 3
"""How many entries most steps have: ``action``, ``id`` and ``parameters``."""


class StepList:
    """Steps in order, each checked when it is made.

    Attributes:
        steps: all of them.
        by_id: the first step of each id.
    """

    def __init__(self, checks: Checks) -> None:
        self.steps: list[ConduitStep] = []
        self.by_id: Mapping[str, ConduitStep] = checks.by_id
        self._checks = checks
        self._next = 0
        self._finished = False

    def load_step_list(self, steps: Iterable[Mapping[str, Any]]) -> None:
        """Add steps given as dictionaries: an ``action``, and what else `create_step` takes (its condition as ``if``).

        Raises:
            TypeError: a step is no dictionary.
            ValueError: a ``retry`` says what cannot be.
        """
        checks, own, new = self._checks, self.steps, ConduitStep.__new__
        known, by_id, may_pass, limit = checks.known, checks.by_id, not checks.limits_uses, checks.step_limit
        needs = checks.needs
        for data in steps:
            if type(data) is not dict and not isinstance(data, Mapping):
                raise TypeError(
                    f"step {len(own) + 1} is a {type(data).__name__}; a step is a dictionary with an `action`"
                )
            action, parameters, given = data.get("action", ""), data.get("parameters"), data.get("id")
            try:
                block = known[action]
            except (KeyError, TypeError):
                block = checks.find(action)
            step = new(ConduitStep)
            step.begin(self, block, block.action if block is not None else str(action), parameters, given)
            if len(data) != _USUAL or block is None or parameters is None or given is None:
                step.read_options(data)
                passes = False
            else:
                passes = may_pass and block.max_uses is None and not needs[block]
            own.append(step)
            position = step.position = len(own)
            if not passes or position > limit or by_id.setdefault(step.id, step) is not step:
                checks.check(step, position)  # most steps pass every check as they are, without a call
            self._finished = False

    def create_step(
        self,
        action: str,
        parameters: Mapping[str, Any] | None = None,
        id: str | None = None,  # as the constructor's
        forced: bool = False,
        if_condition: Any = None,
        *,
        timeout: float | None = None,
        retry: Retry | None = None,
        allow_failure: bool = False,
    ) -> ConduitStep:
        """Add a step. What is wrong with it becomes its status, not an error."""
        return ConduitStep(
            self,
            self._checks.find(action),
            parameters,
            if_condition,
            id,
            forced,
            action=str(action),
            timeout=timeout,
            retry=retry,
            allow_failure=allow_failure,
        )

    def attach(self, step: ConduitStep) -> None:
        """Take in a step that was just made; `ConduitStep` calls this."""
        self.steps.append(step)
        self._checks.check(step, len(self.steps))
        self._finished = False

    def get_step(self, step: str | int, silent: bool = False) -> ConduitStep | None:
        """The step of that id (a text) or position (an integer).

        Raises:
            KeyError: there is none, and `silent` is false.
        """
        if isinstance(step, int):
            found = self.steps[step - 1] if 0 < step <= len(self.steps) else None
        else:
            found = self.by_id.get(step)
        if found is None and not silent:
            raise KeyError(f"the job has no step {step!r}")
        return found

    def delete_step(self, step: str | int, silent: bool = True) -> None:
        """Remove a step. Those after it move up; ids stay, and every check is made again.

        Raises:
            KeyError: there is no such step, and `silent` is false.
        """
        found = self.get_step(step, silent=silent)
        if found is None:
            return
        self._next -= self.steps.index(found) < self._next
        self.steps.remove(found)
        self._checks.check_all(self.steps)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, key: str | int) -> ConduitStep:
        step = self.get_step(key)
        assert step is not None  # noqa: S101  # get_step raised otherwise
        return step

    def __delitem__(self, key: str | int) -> None:
        self.delete_step(key, silent=False)

    def __iter__(self) -> Iterator[ConduitStep]:
        return iter(self.steps)
