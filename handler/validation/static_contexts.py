"""What the tags and expressions of a step will see, as far as it is known before a run.

The engine itself reads tags and evaluates expressions over these contexts. They hold what is fixed (parameters, ids,
what the user wrote) and raise `Undecided` where only a run can decide (a result, a variable that a step may have
changed). So nothing is called an error here that the engine would not call one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from handler.engine import ConduitStatus
from handler.engine.language.paths import PathError, View, describe
from handler.validation.outline import Outline, Scope, StaticStep
from handler.validation.static_variables import StaticVariables
from handler.validation.undecided import Undecided


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that may go wrong in a run."""

    code: str
    message: str


@dataclass(slots=True)
class Met:
    """What reading a string brought up.

    Attributes:
        hints: what may go wrong.
        causes: steps with an error of their own whose result was read: it is null for certain.
    """

    hints: list[Hint] = field(default_factory=list)
    causes: list[StaticStep] = field(default_factory=list)


class StaticContexts:  # `turn_to` comes before any reading
    """What one step will see. The code that judges steps moves it from one to the next.

    Args:
        outline: the job's steps.
        open_parameters: names of parameters whose values are given later; ``None`` if any may be.
        has_callbacks: whether steps that wait for an answer have URLs for it.

    Attributes:
        outline: the same.
        parameters: what is known of the job's parameters.
        variables: what is known of the job's variables.
        met: what reading brought up; the reader takes it from here.
        step: the step whose turn it is.
        scope: whose ids, items and loops it sees.
        asks_again: whether it is the condition of a loop, which sees the steps of the round before.
        has_result: whether `result` is the value of a block that is called again.
    """

    step: StaticStep

    def __init__(
        self, outline: Outline, open_parameters: Collection[str] | None = (), *, has_callbacks: bool = True
    ) -> None:
        self.outline = outline
        self.parameters = StaticParameters(outline.payload.parameters, open_parameters)
        self.callback = StaticCallback(has_callbacks=has_callbacks)
        self.met = Met()
        self.variables = StaticVariables(self.hint, outline.payload.variables)
        self.scope = outline.scope
        self.asks_again = False
        self.has_result = False
        self._meant: dict[str, StaticStep] = {}

    def turn_to(self, step: StaticStep, scope: Scope, *, asks_again: bool = False, has_result: bool = False) -> None:
        """See what a step sees in a scope: its own, or that of its items."""
        self.step, self.scope, self.asks_again, self.has_result = step, scope, asks_again, has_result
        self.variables.reader = step
        self._meant = {}

    def find(self, id_: str) -> StaticStep | None:
        """The step that an id means here. Of those in several branches it is the one whose branch the reader is in."""
        meant = self._meant.get(id_)
        if meant is None and (found := self.scope.find(id_)):
            meant = next((step for step in found if not step.excludes(self.step)), found[0])
            self._meant[id_] = meant
        return meant

    def hint(self, code: str, message: str) -> None:
        """Note what may go wrong."""
        self.met.hints.append(Hint(code, message))

    @property
    def contexts(self) -> Mapping[str, Any]:
        """The contexts by name, as the engine has them."""
        own: dict[str, Any] = {}
        loops = [scope for scope in self.scope.chain if scope.loop is not None]
        for scope in reversed(loops):
            own["loop"] = StaticLoop(scope, own.get("loop"))
            if scope.item is not None:
                own[scope.item] = UnknownValue()
        if self.has_result:
            own["result"] = UnknownValue()
        return {"job": StaticJob(self), "steps": StaticSteps(self), **own}


class _Static(View):
    """A context of which only single keys are known, never the whole."""

    def __iter__(self) -> Iterator[str]:
        raise Undecided

    def __len__(self) -> int:
        raise Undecided


class UnknownValue(_Static):
    """An item of a list, a result: any JSON at all."""

    description = "a value"

    def __getitem__(self, key: str) -> Any:
        raise Undecided


class StaticCallback(_Static):
    """``steps.<id>.callback``."""

    description = "the callback of a step"

    def __init__(self, *, has_callbacks: bool) -> None:
        self._has_callbacks = has_callbacks

    def __getitem__(self, key: str) -> Any:
        if key not in ("url", "token"):
            raise KeyError(key)
        if not self._has_callbacks:
            raise PathError("this deployment has no callbacks: they need PUBLIC_URL and PUBLIC_ROUTES")
        raise Undecided


class StaticJob(_Static):
    """``job``."""

    description = "a job"
    _LATE: Final = frozenset({"success", "failed_step", "created_at"})

    def __init__(self, contexts: StaticContexts) -> None:
        self._contexts = contexts

    def __getitem__(self, key: str) -> Any:
        payload = self._contexts.outline.payload
        if key == "variables":
            return self._contexts.variables
        if key == "parameters":
            parameters = self._contexts.parameters
            return parameters if parameters.are_open else payload.parameters
        if key == "name":
            return payload.name
        if key == "id" and payload.id is not None:
            return payload.id
        if key == "id" or key in self._LATE:  # an id is given when the job is accepted
            raise Undecided
        raise KeyError(key)


class StaticParameters(_Static):
    """``job.parameters``: those that the job has, but for those that are given later.

    Attributes:
        are_open: whether any are given later.
    """

    def __init__(self, known: Mapping[str, Any], open_names: Collection[str] | None) -> None:
        self.are_open = open_names is None or len(open_names) > 0
        self._known = known
        self._open_names = open_names

    @property
    def description(self) -> str:  # type: ignore[override] # read-only is enough for a description
        return describe(self._known)

    def is_given_later(self, name: str) -> bool:
        """Whether the value of that name is given later."""
        return self._open_names is None or name in self._open_names

    def __getitem__(self, name: str) -> Any:
        if self.is_given_later(name):
            raise Undecided
        return self._known[name]


class StaticLoop(_Static):
    """``loop``."""

    description = "a loop"

    def __init__(self, scope: Scope, outer: StaticLoop | None) -> None:
        self._scope = scope
        self._outer = outer

    def __getitem__(self, key: str) -> Any:
        if key == "outer" and self._outer is not None:
            return self._outer
        if key in ("index", "failed_step") or (key == "count" and self._scope.item is not None):
            raise Undecided
        raise KeyError(key)


class StaticSteps(_Static):
    """``steps``."""

    def __init__(self, contexts: StaticContexts) -> None:
        self._contexts = contexts

    @property
    def description(self) -> str:  # type: ignore[override] # read-only is enough for a description
        return f"a job of {len(self._contexts.scope.ids)} steps"

    def __getitem__(self, key: str) -> StaticStepView:
        found = self._contexts.find(key)
        if found is None:
            raise KeyError(key)
        return StaticStepView(self._contexts, found)


class StaticStepView(_Static):
    """``steps.<id>``, seen from the step whose turn it is."""

    description = "a step"
    is_step = True
    _LATE: Final = frozenset({"result", "status", "error", "failed_step", "items", "callback", "position", "path"})

    def __init__(self, contexts: StaticContexts, step: StaticStep) -> None:
        self._contexts = contexts
        self._step = step

    def __getitem__(self, key: str) -> Any:
        step = self._step
        if key == "id":
            return step.id
        if key == "action":
            return step.action
        if key == "parameters":
            return step.written.get("parameters", {})
        if key == "block":
            category, _, name = step.action.rpartition(".")
            return {"category": category or None, "name": name}
        if key not in self._LATE or not self._has(key):
            raise KeyError(key)
        return self._read_late(key)

    def _has(self, key: str) -> bool:
        kind = self._step.kind.name
        only = {"items": "for_each", "callback": "wait_for", "failed_step": "try"}
        return key not in only or only[key] == kind

    def _read_late(self, key: str) -> Any:
        """What only a run knows, but for what it cannot have made by then."""
        step, reader = self._step, self._contexts.step
        if key == "result":
            return self._read_result()
        if key == "path" and step.scope.outer is None:
            return step.path
        if key == "callback":
            return self._contexts.callback
        if key in ("status", "error") and self._runs_later(step, reader):
            return {"name": "NONE", "value": ConduitStatus.NONE.value} if key == "status" else None
        raise Undecided

    def _read_result(self) -> None:
        step, reader = self._step, self._contexts.step
        if step is reader and not self._contexts.asks_again:
            self._contexts.hint("LATER_STEP", "This reads the step itself: its result is still null.")
            return
        if step.is_around(reader) and step.kind.name != "choose":
            self._contexts.hint("LATER_STEP", f"Step `{step.id}` has not ended: inside of it, its result is null.")
            return
        if step.excludes(reader):
            self._contexts.hint("LATER_STEP", f"Step `{step.id}` is in another branch: its result is null here.")
            return
        if self._runs_later(step, reader):
            self._contexts.hint(
                "LATER_STEP", f"This reads step `{step.id}`, which runs later: its result is still null."
            )
            return
        if step.never_done and len(self._contexts.scope.find(step.id)) == 1:
            if step.has_error:
                self._contexts.met.causes.append(step)
            return
        raise Undecided

    def _runs_later(self, step: StaticStep, reader: StaticStep) -> bool:
        if self._contexts.asks_again and reader.is_around(step):
            return False  # of the round before
        return step.order > reader.order
