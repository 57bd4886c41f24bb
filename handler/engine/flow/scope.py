"""The contexts of steps inside a loop: the steps of the same item come first, then those outside the loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

from handler.engine.language.contexts import FailedStepView, StepsView, StepView
from handler.engine.language.paths import View
from handler.engine.status import DONE
from handler.engine.step import ConduitStep

Contexts = Mapping[str, Any]
_NOTHING: Final[dict[str, Any]] = {}  # the top level adds nothing


class LoopInside(Protocol):
    """The part of a running loop that the views read."""

    step: ConduitStep
    index: int
    count: int | None
    item: Any

    @property
    def failed_step(self) -> ConduitStep | None:
        """The first failed step of the current item."""


class ItemSteps(View):
    """``steps`` inside a loop.

    Attributes:
        steps_by_id: the steps of this item whose turn has come.
    """

    __slots__ = ("_loop", "_outer", "_written", "steps_by_id")
    description = "the steps that can be read inside the loop"

    def __init__(self, written: Mapping[str, ConduitStep], outer: StepsView | ItemSteps, loop: LoopInside) -> None:
        self._loop = loop
        self.steps_by_id: dict[str, ConduitStep] = {}
        self._written = written
        self._outer = outer

    def find(self, key: str) -> Any:
        """The step with that id: of this item, even if it has not run, or from outside the loop.

        Raises:
            KeyError: there is no such step.
        """
        if key in self.steps_by_id:
            return self.steps_by_id[key]
        if key in self._written:
            return self._placed(self._written[key])
        outer = self._outer
        return outer.find(key) if isinstance(outer, ItemSteps) else outer.steps_by_id[key]

    def _placed(self, step: ConduitStep) -> ConduitStep:
        """A step of this item that has not run, with its path, which a callback needs."""
        if step.kind != "wait_for":
            return step
        return step.begin_again(step.position, f"{self._loop.step.path}.{self._loop.index}.{step.id}")

    def __getitem__(self, key: str) -> StepView:
        return StepView(self.find(key))

    def result_of(self, key: str) -> Any:
        """``steps.<key>.result``, without making a view of the step."""
        step = self.find(key)
        return step.return_value if step.status is DONE else None

    def __iter__(self) -> Iterator[str]:
        yield from self._written
        yield from self._outer

    def __len__(self) -> int:
        return len(self._written) + len(self._outer)


class LoopView(View):
    """``loop``: the innermost loop that runs."""

    __slots__ = ("_loop", "_outer")
    description = "a loop"

    def __init__(self, loop: LoopInside, outer: LoopView | None) -> None:
        self._loop = loop
        self._outer = outer

    def __getitem__(self, key: str) -> Any:
        if key == "index":
            return self._loop.index
        if key == "failed_step":
            return FailedStepView(self._loop.failed_step)
        if key == "count" and self._loop.count is not None:
            return self._loop.count
        if key == "outer" and self._outer is not None:
            return self._outer
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        yield "index"
        if self._loop.count is not None:
            yield "count"
        yield "failed_step"

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Scope:
    """The contexts of the tags in one list of steps.

    Attributes:
        steps: the steps that can be read by their ids, if their turn has come.
        outer: the scope around it; ``None`` at the top level.
        own: the contexts that it adds to those of the job, or with which it hides them.
        contexts: all contexts; ``None`` if the job makes new ones for each step.
    """

    __slots__ = ("contexts", "outer", "own", "steps", "steps_view")

    def __init__(self, steps: dict[str, ConduitStep], view: StepsView | ItemSteps, contexts: Contexts | None) -> None:
        self.steps = steps
        self.steps_view = view
        self.outer: Scope | None = None
        self.own = _NOTHING
        self.contexts: Any = contexts

    def inside(self, loop: LoopInside, name: str | None, written: Mapping[str, ConduitStep]) -> Scope:
        """The scope of a loop inside this one.

        Args:
            loop: the loop.
            name: the name of its items, if any.
            written: its written steps, by id.
        """
        view = ItemSteps(written, self.steps_view, loop)
        scope = Scope(view.steps_by_id, view, None)
        scope.outer = self
        scope.own = {**self.own, "steps": view, "loop": LoopView(loop, self.own.get("loop"))}
        if name is not None:
            scope.own[name] = None
        if self.contexts is not None:
            scope.contexts = {**self.contexts, **scope.own}
        return scope

    def begin_item(self, name: str | None, item: Any) -> None:
        """Reset the scope for the next item, of which no step has run."""
        self.steps = self.steps_view.steps_by_id = {}
        if name is not None:
            self.own[name] = item
            if self.contexts is not None:
                self.contexts[name] = item

    def over(self, base: Contexts) -> Contexts:
        """The contexts, if the job makes new ones for each step."""
        return {**base, **self.own} if self.own else base
