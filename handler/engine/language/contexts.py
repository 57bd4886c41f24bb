"""The contexts of tags: live views of a job, built once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from handler.engine.answers import no_address
from handler.engine.language.paths import View
from handler.engine.status import DONE, ConduitStatus


class SeenStep(Protocol):
    """The part of a step that the views read."""

    id: str
    job: Any
    position: int
    action: str
    run: Any
    parameters: Mapping[str, Any]
    status: ConduitStatus
    return_value: Any
    error: dict[str, Any] | None

    @property
    def category(self) -> str | None: ...
    @property
    def block_name(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def kind(self) -> str: ...


class SeenJob(Protocol):
    """The part of a job that the views read."""

    id: str | None
    name: str | None
    local_values: Mapping[str, Any]
    created_at: str | None

    @property
    def success(self) -> bool | None: ...

    @property
    def variables(self) -> Mapping[str, Any]: ...
    @property
    def failed_step(self) -> SeenStep | None: ...


class StepView(View):
    """``steps.<id>``."""

    __slots__ = ("_step",)
    _KEYS = ("id", "position", "action", "parameters", "result", "error", "status", "block")
    is_step = True

    def __init__(self, step: SeenStep) -> None:
        self._step = step

    @property
    def description(self) -> str:  # type: ignore[override]  # read-only is enough for a description
        return "a step"

    def __getitem__(self, key: str) -> Any:
        step = self._step
        if key == "result":
            return step.return_value if step.status is DONE else None
        if key == "status":
            return {"name": step.status.name, "value": step.status.value}
        if key == "block":
            return {"category": step.category, "name": step.block_name}
        if key in self._KEYS or key == "path":
            return getattr(step, key)
        if key == "items" and step.kind == "for_each":
            return step.run.outcomes if step.run is not None else []
        if key == "callback" and step.kind == "wait_for":
            return CallbackView(step)
        if key == "failed_step" and step.kind == "try":
            return FailedStepView(step.run.failed_step if step.run is not None else None)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._KEYS)

    def __len__(self) -> int:
        return len(self._KEYS)


class CallbackView(View):
    """``callback`` of a step that waits for an answer: the address for the answer."""

    __slots__ = ("_step",)
    _KEYS = ("url", "token")
    description = "where a step can be answered"

    def __init__(self, step: SeenStep) -> None:
        self._step = step

    def __getitem__(self, key: str) -> Any:
        if key not in self._KEYS:
            raise KeyError(key)
        answers = self._step.job.answers
        address = no_address(self._step.path) if answers is None else answers.address(self._step.path)
        return getattr(address, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._KEYS)

    def __len__(self) -> int:
        return len(self._KEYS)


class StepsView(View):
    """``steps``: every step of the job by its id.

    Attributes:
        steps_by_id: the steps themselves.
    """

    __slots__ = ("steps_by_id",)

    def __init__(self, steps_by_id: Mapping[str, SeenStep]) -> None:
        self.steps_by_id = steps_by_id

    @property
    def description(self) -> str:  # type: ignore[override]  # as above
        return f"a job of {len(self.steps_by_id)} steps"

    def __getitem__(self, key: str) -> StepView:
        return StepView(self.steps_by_id[key])

    def result_of(self, key: str) -> Any:
        """``steps.<key>.result``, without a view of the step in between."""
        step = self.steps_by_id[key]
        return step.return_value if step.status is DONE else None

    def __iter__(self) -> Iterator[str]:
        return iter(self.steps_by_id)

    def __len__(self) -> int:
        return len(self.steps_by_id)


class FailedStepView(View):
    """``failed_step`` of the job, a loop or a try: the first failure. Each field is null while nothing has failed."""

    __slots__ = ("_step",)
    _KEYS = ("id", "path", "position", "action", "status", "error")
    description = "the first failure"

    def __init__(self, step: SeenStep | None) -> None:
        self._step = step

    def __getitem__(self, key: str) -> Any:
        step = self._step
        if key not in self._KEYS:
            raise KeyError(key)
        if key == "status":
            return (
                {"name": None, "value": None}
                if step is None
                else {"name": step.status.name, "value": step.status.value}
            )
        if key == "error":
            return (None if step is None else step.error) or {"type": None, "message": None}
        return getattr(step, key, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._KEYS)

    def __len__(self) -> int:
        return len(self._KEYS)


class JobView(View):
    """``job``."""

    __slots__ = ("_job",)
    _KEYS = ("id", "name", "success", "parameters", "variables")  # the keys in a copy of the whole
    description = "a job"

    def __init__(self, job: SeenJob) -> None:
        self._job = job

    def __getitem__(self, key: str) -> Any:
        if key == "variables":
            return self._job.variables
        if key == "parameters":
            return self._job.local_values
        if key == "failed_step":
            return FailedStepView(self._job.failed_step)
        if key == "created_at":
            return self._job.created_at
        if key in self._KEYS:
            return getattr(self._job, key)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._KEYS)

    def __len__(self) -> int:
        return len(self._KEYS)


class ScopedObject(View):
    """Lets tags read the listed attributes of an object, and no others.

    For an override of `Conduit.create_contexts`::

        return super().create_contexts() | {"user": ScopedObject(user, ["name", "email"])}

    Names that start or end with ``_`` stay out of reach even when listed.
    """

    __slots__ = ("_attributes", "_object")
    description = "an object"

    def __init__(self, obj: Any, attributes: list[str] | tuple[str, ...] = ()) -> None:
        self._object = obj
        self._attributes = tuple(name for name in attributes if not (name.startswith("_") or name.endswith("_")))

    def __getitem__(self, key: str) -> Any:
        if key not in self._attributes:
            raise KeyError(key)
        return getattr(self._object, key)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name.endswith("_") or name not in self._attributes:
            raise AttributeError(name)
        return getattr(self._object, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)

    def __bool__(self) -> bool:
        return bool(self._object)
