"""One step of a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from blocks.block import Block
from handler.engine.language.contexts import StepView
from handler.engine.retry import Retry
from handler.engine.status import ConduitStatus

_NONE: Final = ConduitStatus.NONE  # looking a member up in its enum takes eight times as long as a name


class StepOwner(Protocol):
    """What a step needs of its job."""

    def attach(self, step: ConduitStep) -> None:
        """Take the step in: give it its position, an id if it has none, and the status of a check that it fails."""


class ConduitStep:
    """A call of a block, and what became of it. Making one adds it to its job.

    Attributes:
        id: unique in the job; the position as text where none was given.
        position: 1 for the first step.
        action: the block's full name; what the user wrote where there is no such block.
        block: the block, or ``None``.
        parameters: as the user wrote them, tags and all.
        if_condition: a text, a list of texts, a boolean, or ``None`` for always.
        forced: whether it runs after a failure, too.
        timeout: seconds that one try may take, or ``None``.
        retry: when to try again, or ``None``.
        allow_failure: whether its failure leaves the job alone.
        status: what became of it.
        return_value: the result when DONE; the exception that the block raised, if it raised one.
        result_json: the result as canonical JSON when DONE.
        variables_json: ``{"set": {name: value}, "deleted": [name]}`` as JSON, if the step changed variables.
        error: ``{"type", "message"}``, with ``"details"`` for INVALID_TYPE; ``None`` when nothing went wrong.
        attempts: how often its block was begun.
        started_at: when it was first begun, in seconds since the epoch; ``None`` if it never was.
        finished_at: when it ended.
    """

    if_condition: Any
    timeout: float | None
    retry: Retry | None
    return_value: Any
    result_json: str | None
    started_at: float | None
    finished_at: float | None
    # What few steps ever have stands here and is set by nobody. The rest has no default in the class: CPython reads and
    # sets an attribute that the class has, too, several times as slowly as one that only the object has.
    variables_json: str | None = None
    error: dict[str, Any] | None = None

    def __init__(
        self,
        job: StepOwner,
        block: Block[..., Any] | None,
        parameters: Mapping[str, Any] | None = None,
        if_condition: Any = None,
        id: str | None = None,  # the library's name, which users of it pass
        forced: bool = False,
        *,
        action: str | None = None,
        timeout: float | None = None,
        retry: Retry | None = None,
        allow_failure: bool = False,
    ) -> None:
        self.begin(job, block, block.action if block is not None else (action or ""), parameters, id)
        self.if_condition = if_condition
        self.forced = forced
        self.timeout = timeout
        self.retry = retry
        self.allow_failure = allow_failure
        job.attach(self)

    def begin(
        self, job: StepOwner, block: Block[..., Any] | None, action: str, parameters: Mapping[str, Any] | None, id: Any
    ) -> None:
        """Give a new step what every step has. Passing the options on as well would take as long as checking it."""
        self.job = job
        self.block = block
        self.action = action
        self.parameters: Mapping[str, Any] = parameters if parameters is not None else {}
        self.given_id: str | None = id if id is None or type(id) is str else str(id)
        self.id = self.given_id or ""
        self.position = self.attempts = 0
        self.forced = self.allow_failure = False
        self.status = _NONE
        self.if_condition = self.timeout = self.retry = None
        self.return_value = self.result_json = self.started_at = self.finished_at = None

    def read_options(self, data: Mapping[str, Any]) -> None:
        """Take over what a dictionary says beside ``action``, ``id`` and ``parameters``.

        Raises:
            ValueError: a ``retry`` says what cannot be.
        """
        retry = data.get("retry")
        self.if_condition = data.get("if")
        self.forced = bool(data.get("forced"))
        self.timeout = data.get("timeout")
        self.retry = None if retry is None else Retry.from_dict(retry)
        self.allow_failure = bool(data.get("allow_failure"))

    @property
    def view(self) -> StepView:
        """What tags see of it."""
        return StepView(self)

    @property
    def duration_ms(self) -> float | None:
        """Milliseconds from its first start to its end, waits between tries included."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, round((self.finished_at - self.started_at) * 1000, 3))

    @property
    def category(self) -> str | None:
        """The block's category; of an unknown block, what the action says."""
        if self.block is not None:
            return self.block.category
        category, dot, _ = self.action.partition(".")
        return category if dot else None

    @property
    def block_name(self) -> str:
        """The block's name without its category."""
        return self.block.name if self.block is not None else self.action.rpartition(".")[2]

    def __bool__(self) -> bool:
        return self.block is not None

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<ConduitStep {self.id!r} ({self.action}): {self.status.name}>"
