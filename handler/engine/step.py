"""One step of a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol, TypedDict, Unpack

from blocks.block import Block
from handler.engine.language.contexts import StepView
from handler.engine.poll import Poll
from handler.engine.retry import ONCE, Retry
from handler.engine.status import ConduitStatus

_make: Final = object.__new__
_NONE: Final = ConduitStatus.NONE  # looking a member up in its enum takes eight times as long as a name


class Spec(Protocol):
    """What a step of another kind than ``block`` says; see `handler.engine.flow.written`."""

    @property
    def kind(self) -> str:
        """``for_each``, ``while``, ``choose``, ``try``, ``set``, ``end``, ``wait``, ``wait_for`` or ``output``."""


class StepOwner(Protocol):
    """What a step needs of its job."""

    def attach(self, step: ConduitStep) -> None:
        """Take the step in: give it its position, an id if it has none, and the status of a check that it fails."""


class StepOptions(TypedDict, total=False):
    """What else may be said of a step that runs a block; see `ConduitStep`."""

    timeout: float | None
    retry: Retry | None
    allow_failure: bool
    poll: Poll | None


class ConduitStep:
    """One step as it was written, and what became of it. Making one adds it to its job.

    Steps inside loops are written once and run often: each time one's turn comes, a new step is made of it.

    Attributes:
        id: unique in its scope; the position as text where none was given.
        position: the number of its record, 1 for the first; until its turn comes, its place in the job's list.
        spec: what a step of another kind than ``block`` says; ``None`` for a block.
        action: the block's full name; what the user wrote where there is no such block.
        block: the block, or ``None``.
        parameters: as the user wrote them, tags and all.
        if_condition: a string, a list of strings, a boolean, or ``None`` for always.
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
        poll: how long its block is called again, or ``None``.
        opened: of a loop or a try, what its open record must keep so that nothing of it is evaluated again.
        opened_json: the same as JSON.
        tries: tries that its ``retry`` has used up.
        run: of a loop or a try that has begun, how far it is.
    """

    if_condition: Any
    timeout: float | None
    retry: Retry | None
    return_value: Any
    result_json: str | None
    started_at: float | None
    finished_at: float | None
    # What few steps have gets its default here. The rest has no default in the class: CPython reads and
    # sets an attribute that the class has, too, several times as slowly as one that only the object has.
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
        id: str | None = None,  # the library's name, which users of it pass
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
        """Give a new step what every step has. Passing the options on as well would take as long as checking it."""
        self.job = job
        self.block = block
        self.action = action
        self.parameters: Mapping[str, Any] = parameters if parameters is not None else {}
        self.given_id: str | None
        if type(id) is str:
            self.id = self.given_id = id
        else:
            self.given_id = None if id is None else str(id)
            self.id = self.given_id or ""
        self.position = self.attempts = 0
        self.forced = self.allow_failure = False
        self.status = _NONE
        self.if_condition = self.timeout = self.retry = None
        self.return_value = self.result_json = self.started_at = self.finished_at = None

    def begin_again(self, position: int, path: str) -> ConduitStep:
        """A step like this one, whose turn has come: it shares what was written, and nothing has become of it yet."""
        step = _make(ConduitStep)
        step.job, step.block, step.action, step.parameters = self.job, self.block, self.action, self.parameters
        step.given_id = step.id = self.id
        step.position, step.attempts = position, 0
        step.forced, step.allow_failure, step.status = self.forced, self.allow_failure, self.status
        step.if_condition, step.timeout, step.retry = self.if_condition, self.timeout, self.retry
        step.return_value = step.result_json = step.started_at = step.finished_at = None
        step.inner_path = path
        if self.spec is not None:
            step.spec = self.spec
        if self.poll is not None:
            step.poll = self.poll
        return step

    def call_again(self, poll: Poll) -> None:
        """Let the block be called again until it gives what is waited for."""
        self.poll = poll
        if self.retry is None:
            self.retry = ONCE  # steps without a retry take the short way, which asks for nothing else

    def read_options(self, data: Mapping[str, Any]) -> None:
        """Take over what a dictionary says beside ``action``, ``id`` and ``parameters``.

        Raises:
            ValueError: a ``retry`` or a ``poll`` says what cannot be.
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
        """Where it is: its id at the top level, ``orders.3.post`` for step `post` in item 3 of loop `orders`."""
        return self.inner_path or self.id

    @property
    def kind(self) -> str:
        """``block``, or what its `spec` says."""
        return "block" if self.spec is None else self.spec.kind

    @property
    def number(self) -> int:
        """The number of the record written last: of a loop or a try that has ended, the one that closed it."""
        return self.closed_at or self.position

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
        return self.block is not None or self.spec is not None

    def __str__(self) -> str:
        return self.id

    def __repr__(self) -> str:
        return f"<ConduitStep {self.id!r} ({self.action}): {self.status.name}>"
