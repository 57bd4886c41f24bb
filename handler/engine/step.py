"""One step of a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from blocks.block import Block
from handler.engine.contexts import StepView
from handler.engine.retry import Retry
from handler.engine.status import ConduitStatus

_USUAL: Final = frozenset({"action", "id", "parameters"})
"""What most steps have, and nothing else."""


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

    # What every step begins with stands here and is set by nobody: that is most of what making a step would cost.
    id = ""
    position = 0
    if_condition: Any = None
    given_id: str | None = None
    forced = False
    timeout: float | None = None
    retry: Retry | None = None
    allow_failure = False
    status: ConduitStatus = ConduitStatus.NONE
    return_value: Any = None
    result_json: str | None = None
    variables_json: str | None = None
    error: dict[str, Any] | None = None
    attempts = 0
    started_at: float | None = None
    finished_at: float | None = None

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
        self.job = job
        self.block = block
        self.action: str = block.action if block is not None else (action or "")
        self.parameters: Mapping[str, Any] = parameters if parameters is not None else {}
        self.if_condition = if_condition
        self.given_id = id if id is None or type(id) is str else str(id)
        self.forced = forced
        self.timeout = timeout
        self.retry = retry
        self.allow_failure = allow_failure
        job.attach(self)

    @classmethod
    def read(cls, job: StepOwner, block: Block[..., Any] | None, data: Mapping[str, Any]) -> ConduitStep:
        """Make a step of a dictionary, without adding it to its job.

        Not by way of `__init__`: passing ten values on by name takes as long as checking the step.

        Args:
            job: its job.
            block: what ``action`` names, or ``None``.
            data: ``action``, and what else `__init__` takes (the condition as ``if``).

        Raises:
            ValueError: a ``retry`` says what cannot be.
        """
        step = cls.__new__(cls)
        step.job = job
        step.block = block
        step.action = block.action if block is not None else str(data.get("action", ""))
        parameters, given = data.get("parameters"), data.get("id")
        step.parameters = parameters if parameters is not None else {}
        if given is not None:
            step.given_id = given if type(given) is str else str(given)
        if not data.keys() <= _USUAL:
            step._read_options(data)  # noqa: SLF001  # its own
        return step

    def _read_options(self, data: Mapping[str, Any]) -> None:
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
