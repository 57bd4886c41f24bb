"""The contexts of a step's tags and expressions before a run, with the values that are known by then.

The engine's own code resolves tags and evaluates expressions over these contexts. They contain fixed values
(parameters, ids, literals) and raise `Undecided` for values that only a run knows (results, variables that a step may
have changed). So validation reports only errors that the engine would report.
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
    """A warning of a possible failure in a run."""

    code: str
    message: str


@dataclass(slots=True)
class Met:
    """The findings in one string.

    Attributes:
        hints: warnings.
        causes: steps whose result was read and is certainly null, because they have errors themselves.
    """

    hints: list[Hint] = field(default_factory=list)
    causes: list[StaticStep] = field(default_factory=list)


class StaticContexts:  # `turn_to` is called before anything is read
    """The contexts of one step. `turn_to` moves them from step to step.

    Args:
        outline: the job's steps.
        open_parameters: names of parameters whose values are given later; ``None`` if all may be.
        has_callbacks: whether steps that wait for an answer have callback URLs.

    Attributes:
        outline: the job's steps.
        parameters: the known values of the job's parameters.
        variables: the known values of the job's variables.
        met: the findings, for the reader.
        step: the current step.
        scope: the scope whose ids, items and loops are visible.
        asks_again: whether a loop's condition is evaluated, which reads the steps of the previous round.
        has_result: whether `result`, the last result of a polled block, can be read.
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
        """Move to a step and a scope: the scope of the step itself or of its items."""
        self.step, self.scope, self.asks_again, self.has_result = step, scope, asks_again, has_result
        self.variables.reader = step
        self._meant = {}

    def find(self, id_: str) -> StaticStep | None:
        """The step that an id names. If several branches have one, it is the step in the current step's branch."""
        meant = self._meant.get(id_)
        if meant is None and (found := self.scope.find(id_)):
            meant = next((step for step in found if not step.excludes(self.step)), found[0])
            self._meant[id_] = meant
        return meant

    def hint(self, code: str, message: str) -> None:
        """Note a warning."""
        self.met.hints.append(Hint(code, message))

    @property
    def contexts(self) -> Mapping[str, Any]:
        """The contexts by their names in the engine."""
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
    """A context that can be read only key by key, never as a whole."""

    def __iter__(self) -> Iterator[str]:
        raise Undecided

    def __len__(self) -> int:
        raise Undecided


class UnknownValue(_Static):
    """A value that can be any JSON, such as an item or a result."""

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
        if key == "id" or key in self._LATE:  # the job gets its id when it is accepted
            raise Undecided
        raise KeyError(key)


class StaticParameters(_Static):
    """``job.parameters``, without parameters whose values are given later.

    Attributes:
        are_open: whether any values are given later.
    """

    def __init__(self, known: Mapping[str, Any], open_names: Collection[str] | None) -> None:
        self.are_open = open_names is None or len(open_names) > 0
        self._known = known
        self._open_names = open_names

    @property
    def description(self) -> str:  # type: ignore[override] # read-only is enough for a description
        return describe(self._known)

    def is_given_later(self, name: str) -> bool:
        """Whether the value of this parameter is given later."""
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
    """``steps.<id>``, for the current step."""

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
        """Raise `Undecided`, unless the step cannot have run yet: then the value is null."""
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
            return False  # the steps of the previous round
        return step.order > reader.order
