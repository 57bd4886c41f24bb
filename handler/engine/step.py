"""One step of a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol, TypedDict, Unpack

from blocks.block import Block
from handler.engine.language.contexts import StepView
from handler.engine.poll import Poll
from handler.engine.retry import ONCE, Retry
from handler.engine.status import NONE

_make: Final = object.__new__


class Spec(Protocol):
    """The content of a step of another kind than ``block``; see `handler.engine.flow.written`."""

    @property
    def kind(self) -> str:
        """``for_each``, ``while``, ``choose``, ``try``, ``set``, ``end``, ``wait``, ``wait_for`` or ``output``."""


class StepOwner(Protocol):
    """A step's view of its job."""

    def attach(self, step: ConduitStep) -> None:
        """Add the step: set its position, an id if it has none, and the status of a failed check."""


class StepOptions(TypedDict, total=False):
    """Further options of a step that runs a block; see `ConduitStep`."""

    timeout: float | None
    retry: Retry | None
    allow_failure: bool
    poll: Poll | None


class ConduitStep:
    """One step: its definition and its outcome. Making one adds it to its job.

    A step inside a loop is written once and runs often: each time, a new step is made from it.

    Attributes:
        id: unique in its scope; the position as a string if no id was given.
        has_given_id: whether an id was given.
        position: the number of its record, from 1; before its turn, its place in the job's list.
        spec: the content of a step of another kind than ``block``; ``None`` for a block.
        action: the block's full name, or the user's string if there is no such block.
        block: the block, or ``None``.
        parameters: as the user wrote them, with their tags.
        if_condition: a string, a list of strings, a boolean, or ``None`` for always.
        forced: whether it also runs after a failure.
        timeout: seconds that one try may take, or ``None``.
        retry: when to try again, or ``None``.
        allow_failure: whether the job continues after its failure.
        status: its outcome.
        return_value: the result if DONE; the block's exception, if it raised one.
        result_json: the result as canonical JSON if DONE.
        variables_json: ``{"set": {name: value}, "deleted": [name]}`` as JSON, if the step changed variables.
        error: ``{"type", "message"}``, with ``"details"`` for INVALID_TYPE; ``None`` without an error.
        attempts: how often its block has started.
        started_at: when it first started, in seconds since the epoch; ``None`` if it never started.
        finished_at: when it ended.
        poll: how long its block is called again, or ``None``.
        opened: for a loop or a try, the values that its open record keeps, so that they are not evaluated again.
        opened_json: the same as JSON.
        tries: tries that its ``retry`` has used up.
        run: for a loop or a try that has started, its progress.
    """

    id: str
    if_condition: Any
    timeout: float | None
    retry: Retry | None
    return_value: Any
    result_json: str | None
    started_at: float | None
    finished_at: float | None
    # Rare attributes have their default here. The others have no default in the class: CPython reads and sets an
    # attribute that the class has too several times as slowly as one that only the object has.
    forced: bool = False
    allow_failure: bool = False
    has_given_id: bool = True
    variables_json: str | None = None
    error: dict[str, Any] | None = None
    spec: Spec | None = None
    poll: Poll | None = None
    opened: dict[str, Any] | None = None
    opened_json: str | None = None
    tries: int = 0
    run: Any = None
    inner_path: str | None = None
    closed_at: int = 0

    def __init__(
        self,
        job: StepOwner,
        block: Block[..., Any] | None,
        parameters: Mapping[str, Any] | None = None,
        if_condition: Any = None,
        id: str | None = None,  # the library's name for it, which its users pass
        forced: bool = False,
        *,
        action: str | None = None,
        **options: Unpack[StepOptions],
    ) -> None:
        self.begin(job, block, block.action if block is not None else (action or ""), parameters, id)
        self.if_condition = if_condition
        self.forced = forced
        self.timeout = options.get("timeout")
        self.retry = options.get("retry")
        self.allow_failure = options.get("allow_failure", False)
        poll = options.get("poll")
        if poll is not None:
            self.call_again(poll)
        job.attach(self)

    def begin(
        self, job: StepOwner, block: Block[..., Any] | None, action: str, parameters: Mapping[str, Any] | None, id: Any
    ) -> None:
        """Set the attributes of every step. Passing on the options, too, would cost as much as checking the step."""
        self.job = job
        self.block = block
        self.action = action
        self.parameters: Mapping[str, Any] = parameters if parameters is not None else {}
        if type(id) is str:
            self.id = id
        else:
            self.id = "" if id is None else str(id)
            self.has_given_id = id is not None
        self.position = self.attempts = 0
        self.status = NONE
        self.if_condition = self.timeout = self.retry = None
        self.return_value = self.result_json = self.started_at = self.finished_at = None

    def number_as(self, position: int) -> None:
        """Set the step's position, which is also its id if none was given."""
        self.position = position
        if not self.id and not self.has_given_id:
            self.id = str(position)

    def begin_again(self, position: int, path: str) -> ConduitStep:
        """Return a new step for a further turn: it shares the definition and has no outcome yet."""
        step = _make(ConduitStep)
        step.job, step.block, step.action, step.parameters = self.job, self.block, self.action, self.parameters
        step.id, step.status = self.id, self.status
        step.position, step.attempts = position, 0
        step.if_condition, step.timeout, step.retry = self.if_condition, self.timeout, self.retry
        step.return_value = step.result_json = step.started_at = step.finished_at = None
        step.inner_path = path
        if not self.is_bare:
            step.spec, step.poll = self.spec, self.poll
            step.forced, step.allow_failure = self.forced, self.allow_failure
        return step

    def note_rare(self) -> None:
        """Note whether the step has rare attributes, for its further turns: it is written in another step."""
        self.is_bare = self.spec is None and self.poll is None and not (self.forced or self.allow_failure)

    def call_again(self, poll: Poll) -> None:
        """Set the poll, by which the block is called again until its result meets the condition."""
        self.poll = poll
        if self.retry is None:
            self.retry = ONCE  # steps without a retry take the fast path, which checks nothing else

    def read_options(self, data: Mapping[str, Any]) -> None:
        """Read the keys of a dictionary besides ``action``, ``id`` and ``parameters``.

        Raises:
            ValueError: a ``retry`` or a ``poll`` is not valid.
        """
        retry = data.get("retry")
        self.if_condition = data.get("if")
        self.forced = bool(data.get("forced"))
        self.timeout = data.get("timeout")
        self.retry = None if retry is None else Retry.from_dict(retry)
        self.allow_failure = bool(data.get("allow_failure"))
        poll = data.get("poll")
        if poll is not None:
            self.call_again(Poll.from_dict(poll))

    @property
    def path(self) -> str:
        """Its place: its id at the top level, ``orders.3.post`` for step `post` in item 3 of loop `orders`."""
        return self.inner_path or self.id

    @property
    def kind(self) -> str:
        """``block``, or the kind of its `spec`."""
        return "block" if self.spec is None else self.spec.kind

    @property
    def number(self) -> int:
        """The number of its last record; for a loop or a try that has ended, the record that closed it."""
        return self.closed_at or self.position

    @property
    def view(self) -> StepView:
        """The view of the step for tags."""
        return StepView(self)

    @property
    def duration_ms(self) -> float | None:
        """Milliseconds from its first start to its end, waits between tries included."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, round((self.finished_at - self.started_at) * 1000, 3))

    @property
    def category(self) -> str | None:
        """The block's category; for an unknown block, the category in the action."""
        if self.block is not None:
            return self.block.category
        category, dot, _ = self.action.partition(".")
        return category if dot else None

    @property
    def block_name(self) -> str:
        """The block's name without its category."""
        return self.block.name if self.block is not None else self.action.rpartition(".")[2]

    def __bool__(self) -> bool:
        return self.block is not None or self.spec is not None

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<ConduitStep {self.id!r} ({self.action}): {self.status.name}>"
