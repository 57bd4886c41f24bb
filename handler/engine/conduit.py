"""A job and the loop that runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from blocks.block import Block
from handler.engine.checks import Checks
from handler.engine.failure import Failure
from handler.engine.language.contexts import JobView, StepsView
from handler.engine.outcome import Decision, Execution, Outcome, Paused
from handler.engine.required_tags import Pairs, required_tags
from handler.engine.runtime import Runtime
from handler.engine.status import NO_FAILURE, ConduitStatus
from handler.engine.step import ConduitStep
from handler.engine.steps import StepList
from handler.engine.turn import Answer, StepRunner
from handler.engine.values import size_of
from handler.engine.variables import Variables

_NONE: Final = ConduitStatus.NONE  # looking a member up in its enum takes eight times as long as a name
_DONE: Final = ConduitStatus.DONE
_PROCEED: Final = Decision.PROCEED

Listener = Callable[..., Any]
"""Called with the job and a step (`on_job_finish`: the step that failed it, or ``None``). Plain or ``async``."""


class Conduit(StepList):
    """A job: steps that run one after another, and what they may see and use.

    Args:
        id: how it is known; tags can read it.
        name: a name for people; tags can read it.
        tags: rights: a block that requires tags needs all of its own among these.
        variables: values that steps can read and change. The dictionary given is copied, and never changed.
        local_values: values that steps can read only: ``job.parameters`` in tags.
        global_values: values for the positional parameters of blocks; users neither see nor set them.
        on_step_update: told the job and each step that ended, skipped ones included.
        on_job_finish: told the job and the step that failed it, or ``None``; once.
        step_limit: how many steps may run; those past it get STEP_LIMIT_EXCEED. ``None`` for any number.
        block_limit_overrides: globs over block names to limits instead of `max_uses`; first match wins, ``None`` lifts.
        blocks: further blocks that only this job has, private ones for example.
        before_step: asked before each step that would run; see `Decision`. Answering CANCELLED cancels the job.
        block_tags: globs over block names, each with a tag that jobs need for those blocks besides the blocks' own.

    Attributes:
        steps: its steps, in order.
        success: ``None`` before and during a run without failure, ``True`` after it, ``False`` once a step failed.
        failed_step: the step that failed it first, or ``None``.
        cancelled: whether the steps that have not run are to be CANCELLED.
        paused: after a run that paused, why.
        created_at: when it was accepted, as RFC 3339; tags can read it. ``None`` where nobody accepts jobs.
    """

    def __init__(
        self,
        id: str | None = None,  # the library's name, which users of it pass
        name: str | None = None,
        tags: Iterable[str] = (),
        variables: Mapping[str, Any] | None = None,
        local_values: Mapping[str, Any] | None = None,
        global_values: Mapping[str, Any] | None = None,
        on_step_update: Listener | None = None,
        on_job_finish: Listener | None = None,
        step_limit: int | None = None,
        block_limit_overrides: Mapping[str, int | None] | None = None,
        blocks: Sequence[Block[..., Any]] | None = None,
        before_step: Listener | None = None,
        block_tags: Pairs = (),
    ) -> None:
        self.id = id
        self.name = name
        self.tags = frozenset(tags)
        self.store = Variables(variables)
        self.local_values: Mapping[str, Any] = local_values if local_values is not None else {}
        self.global_values: Mapping[str, Any] = global_values if global_values is not None else {}
        self.on_step_update = on_step_update
        self.on_job_finish = on_job_finish
        self.before_step = before_step
        self.success: bool | None = None
        self.failed_step: ConduitStep | None = None
        self.cancelled = False
        self.paused: Paused | None = None
        self.created_at: str | None = None
        self._execution: Execution | None = None
        required = required_tags(block_tags)
        super().__init__(Checks(self.tags, step_limit, block_limit_overrides or {}, blocks or (), required))
        self._views = {"job": JobView(self), "steps": StepsView(self.by_id)}
        self._has_own_contexts = type(self).create_contexts is not Conduit.create_contexts
        self._tries = 0

    # ------------------------------------------------------------------ making a job

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], **options: Any) -> Conduit:
        """Make a job of a dictionary that trusted code wrote: every key of the constructor, and ``steps``.

        ``parameters`` is another name for ``local_values``. What users send goes through `handler.payload.parse` first.

        Args:
            data: the job.
            options: keys of the constructor that come on top of `data`, and win.

        Raises:
            TypeError: a key is unknown, or a step is no dictionary.
        """
        arguments = dict(data)
        steps = arguments.pop("steps", None) or ()
        if "parameters" in arguments:
            arguments.setdefault("local_values", arguments.pop("parameters"))
        job = cls(**(arguments | options if options else arguments))
        job.load_step_list(steps)
        return job

    @classmethod
    def restore(
        cls,
        payload: Mapping[str, Any],
        steps: Iterable[Mapping[str, Any]],
        variables: Mapping[str, Any],
        *,
        tries: int = 0,
        attempts: int = 0,
        **options: Any,
    ) -> Conduit:
        """Make a job that goes on where records end.

        Args:
            payload: the job as it was accepted.
            steps: what is recorded of its first steps, in order, in the shape of an answer's ``steps``.
            variables: the variables as the last recorded step left them.
            tries: tries of the next step that its ``retry`` has used up.
            attempts: how often the next step's block was begun before.
            options: keys of the constructor that come on top of `payload`, and win.
        """
        job = cls.from_dict(payload, **options)
        job.store = Variables(variables)
        for step, record in zip(job.steps, steps, strict=False):
            job._adopt(step, record)  # noqa: SLF001  # its own
        job._begin_with(tries, attempts)  # noqa: SLF001  # its own
        return job

    def _adopt(self, step: ConduitStep, record: Mapping[str, Any]) -> None:
        """Take a record for what became of the step."""
        step.status = ConduitStatus[record["status"]["name"]]
        step.return_value = record.get("result")
        step.result_json = record.get("result_json")
        step.error = record.get("error")
        step.attempts = record.get("attempts", 0)
        if step.result_json is not None:
            self.store.results_size += size_of(step.result_json)
        self._settle(step)
        self._next += 1

    def _begin_with(self, tries: int, attempts: int) -> None:
        self._tries = tries
        if self._next < len(self.steps):
            self.steps[self._next].attempts = attempts

    @property
    def execution(self) -> Execution:
        """How this execution is known to the services that blocks call; whoever runs it for real sets it."""
        if self._execution is None:
            self._execution = Execution(key=f"local/{self.id or 'job'}/1")
        return self._execution

    @execution.setter
    def execution(self, execution: Execution) -> None:
        self._execution = execution

    # ------------------------------------------------------------------ what tags see

    @property
    def variables(self) -> dict[str, Any]:
        """The variables as they stand."""
        return self.store.values

    @property
    def contexts(self) -> Mapping[str, Any]:
        """What tags see, as it is now."""
        return self.create_contexts() if self._has_own_contexts else self._views

    def create_contexts(self) -> dict[str, Any]:
        """The contexts by name. Override it to add your own; it is then asked anew for each step."""
        return dict(self._views)

    # ------------------------------------------------------------------ running

    def cancel(self) -> None:
        """Give every step that has not run CANCELLED, forced ones too."""
        self.cancelled = True

    async def run(self, runtime: Runtime | None = None) -> Outcome:
        """Run the steps that have not run, one after another.

        An error that a listener raises ends the run and is raised here; what the steps did stays, and a further run
        goes on behind them.

        Args:
            runtime: the world; the system's by default.
        """
        self.paused = None
        turns = StepRunner(
            self,
            runtime,
            self._ask if self.before_step is not None else None,
            None if self._has_own_contexts else self._views,
        )
        steps = self.steps
        while self._next < len(steps):
            step = steps[self._next]
            block, goes_on = step.block, self.success is not False or step.forced
            if block is not None and step.status is _NONE and goes_on and not self.cancelled:
                taken = turns.take(step, block, self._tries)
                if taken is not None:
                    self.paused = taken if isinstance(taken, Paused) else await taken
                    if self.paused is not None:
                        return Outcome.PAUSED
            else:
                self._pass_over(step)
            self._next += 1
            self._tries = 0
            if step.status is not _DONE:
                self._settle(step)
            if self.on_step_update is not None:
                answer = self.on_step_update(self, step)
                if answer is not None:
                    await _settled(answer)
        if not self._finished:
            self._finished = True
            self.success = self.success is not False
            if self.on_job_finish is not None:
                await _settled(self.on_job_finish(self, self.failed_step))
        return Outcome.FINISHED

    def _ask(self, step: ConduitStep) -> Answer:
        """What is said of a step before it begins; to be awaited if whoever is asked is ``async``."""
        assert self.before_step is not None  # noqa: S101  # nobody is asked where there is nobody to ask
        answer = self.before_step(self, step)
        if answer is None or answer is _PROCEED:
            return None
        return self._await_answer(answer, step) if isinstance(answer, Awaitable) else self._understand(answer, step)

    async def _await_answer(self, answer: Awaitable[Any], step: ConduitStep) -> Paused | ConduitStatus | None:
        return self._understand(await answer, step)

    def _understand(self, answer: Any, step: ConduitStep) -> Paused | ConduitStatus | None:
        if answer is None or answer == Decision.PROCEED:
            return None
        if answer == Decision.PAUSE:
            return Paused(step.position, self._tries)
        if not isinstance(answer, ConduitStatus):
            raise TypeError(f"before_step answers None, a Decision or a ConduitStatus, not {answer!r}")
        if answer is ConduitStatus.CANCELLED:
            self.cancelled = True
        return answer

    def _pass_over(self, step: ConduitStep) -> None:
        """Give a step that does not run its status; the first reason that applies wins."""
        if self.cancelled:
            step.status = ConduitStatus.CANCELLED
        elif self.success is False and not step.forced:
            step.status = ConduitStatus.SKIPPED
            return
        step.error = Failure.of_status(step.status).describe()

    def _settle(self, step: ConduitStep) -> None:
        """Draw the consequence of a step's status for the job."""
        if step.status is _DONE:
            return
        if step.status is ConduitStatus.CANCELLED:
            self.cancelled = True
        elif step.status in NO_FAILURE or step.status is ConduitStatus.SKIPPED or step.allow_failure:
            return
        self.success = False
        if self.failed_step is None:
            self.failed_step = step

    def __bool__(self) -> bool:
        return bool(self.success)

    def __str__(self) -> str:
        return self.name or "Unnamed Conduit"

    def __repr__(self) -> str:
        return f"<Conduit {self.id or self.name!r}: {len(self.steps)} steps>"


async def _settled(answer: Any) -> Any:
    """What a listener answered, which may be ``async``."""
    return await answer if isinstance(answer, Awaitable) else answer
