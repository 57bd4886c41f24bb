"""A job: its steps, their contexts and rights, and its runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Unpack, cast

from blocks.block import REGISTRY, Block, Registry
from handler.engine.answers import Answers
from handler.engine.asking import Asking, Listener
from handler.engine.checks import Checks
from handler.engine.flow.restore import Record, Restoring, Watch
from handler.engine.flow.run import StepLoop, settled
from handler.engine.flow.scope import Scope
from handler.engine.flow.turns import LONGEST, Waiting
from handler.engine.flow.walk import Walk
from handler.engine.language.contexts import JobView, StepsView
from handler.engine.outcome import Execution, Outcome, Paused
from handler.engine.required_tags import NOTHING_ADDED, Pairs, required_tags
from handler.engine.runtime import Runtime
from handler.engine.status import DONE
from handler.engine.step import ConduitStep, StepOptions
from handler.engine.steps import WrittenSteps
from handler.engine.turn import StepRunner
from handler.engine.variables import Variables


class Conduit:
    """A job: steps that run one after another, with their contexts and rights.

    Args:
        id: its id; tags can read it.
        name: a name for people; tags can read it.
        tags: rights: a block is allowed if all the tags that it requires are among these.
        variables: values that steps can read and change. The dictionary given is copied, and never changed.
        local_values: read-only values: ``job.parameters`` in tags.
        global_values: values for the positional parameters of blocks; users neither see nor set them.
        on_step_update: called with the job and each step that has ended, skipped ones included.
        on_job_finish: called once, with the job and the step that failed it, or ``None``.
        step_limit: how many steps may run; later ones get STEP_LIMIT_EXCEED. ``None`` for any number.
        block_limit_overrides: globs of block names, with limits for `max_uses`; first match wins, ``None`` lifts it.
        blocks: further blocks that only this job has, such as private ones.
        registry: the available blocks.
        before_step: called before each step that would run; see `Decision`. CANCELLED cancels the job.
        block_tags: globs of block names, each with a tag that jobs need for these blocks besides the blocks' own tags.
        on_step_open: called with the job and each loop or try that begins; see `ConduitStep.opened`.
        output: the job's output, with tags; evaluated as an implicit last step.
        timeout: seconds from the start of the first run, after which only forced steps run.
        created_at: when it was accepted, as RFC 3339; ``None`` without acceptance.
        answers: the answers to its steps and their addresses; ``None`` if its steps cannot be answered.

    Attributes:
        steps: its top-level steps, in order. They contain the steps of loops, choices and tries.
        paused: why the last run paused, if it did.
        timeout_at: when its `timeout` expires, once it has begun.
    """

    def __init__(
        self,
        id: str | None = None,  # the library's name for it
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
        on_step_open: Listener | None = None,
        output: Any = None,
        timeout: float | None = None,
        created_at: str | None = None,
        timeout_at: float | None = None,
        answers: Answers | None = None,
        registry: Registry = REGISTRY,
    ) -> None:
        self.id, self.name, self.tags = id, name, frozenset(tags)
        self.store = Variables(variables)
        self.local_values: Mapping[str, Any] = local_values if local_values is not None else {}
        self.global_values: Mapping[str, Any] = global_values if global_values is not None else {}
        self.on_step_update, self.on_step_open, self.before_step = on_step_update, on_step_open, before_step
        self.timeout, self.timeout_at, self.created_at, self.answers = timeout, timeout_at, created_at, answers
        self.on_job_finish, self.tries, self.attempts = on_job_finish, 0, 0
        self.paused: Paused | None = None
        self.waiting: Waiting | None = None
        needs = required_tags(block_tags) if block_tags else NOTHING_ADDED
        checks = Checks(self.tags, step_limit, block_limit_overrides, registry, blocks, needs)
        written = self.written = WrittenSteps(self, checks)
        self.steps, self.by_id = written.all, written.by_id
        self._views: dict[str, Any] = {"job": JobView(self), "steps": StepsView(self.by_id)}
        makes_own = type(self).create_contexts is not Conduit.create_contexts
        self.walk = Walk(self.steps, Scope(written.ids, self._views["steps"], None if makes_own else self._views))
        self._has_ended, self._output = False, None if output is None else written.add_output(output)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], **options: Any) -> Conduit:
        """Make a job from a dictionary of trusted code: all keys of the constructor, and ``steps``.

        ``parameters`` is another name for ``local_values``. Jobs of users must pass `handler.payload.parse` first.
        Keys in `options` override those of `data`.

        Raises:
            TypeError: a key is unknown, or a step is not a dictionary.
            ValueError: a step could not run as written.
        """
        arguments = dict(data)
        steps = arguments.pop("steps", None) or ()
        arguments.pop("$schema", None)
        if "parameters" in arguments:
            arguments.setdefault("local_values", arguments.pop("parameters"))
        job = cls(**(arguments | options if options else arguments))
        job.load_step_list(steps)
        return job

    @classmethod
    def restore(
        cls,
        payload: Mapping[str, Any],
        records: Sequence[Record],
        variables: Mapping[str, Any],
        *,
        tries: int = 0,
        attempts: int = 0,
        waiting: Waiting | None = None,
        idle: Sequence[tuple[float, float]] = (),
        watch: Watch | None = None,
        **options: Any,
    ) -> Conduit:
        """Make a job that continues where its records end. Recorded steps are not evaluated again.

        Args:
            payload: the accepted payload.
            records: its records, in order: ``path``, ``phase`` (``step``, ``open`` or ``close``), ``opened`` of an
                open one, and the rest in the shape of an answer's ``steps``.
            variables: the variables after the last record.
            tries: the tries that the next step's ``retry`` has used up.
            attempts: how often the next step's block was begun before.
            waiting: the job's wait, from `Paused.waiting`.
            idle: the periods between a run's end and its redrive, which do not count for a loop's time limit.
            watch: called with each step before its record is applied, and the record's number.
            options: keys of the constructor, which override those of `payload`.

        Raises:
            RecordsMismatchError: the records do not belong to this payload.
        """
        job = cls.from_dict(payload, **options)
        job.store = Variables(variables)
        job.tries, job.attempts, job.waiting = tries, attempts, waiting
        if records or waiting is not None:  # else the job is new
            Restoring(job, job.walk, idle, watch).adopt(records)
        return job

    @cached_property
    def execution(self) -> Execution:
        """The id of this execution for services that blocks call; set by the code that runs it."""
        return Execution(key=f"local/{self.id or 'job'}/1")

    def load_step_list(self, steps: Iterable[Mapping[str, Any]]) -> None:
        """Add steps given as dictionaries, in the form of users' jobs. Raises the errors of `from_dict`."""
        self._has_ended = False
        self.written.load(steps)

    def create_step(
        self,
        action: str,
        parameters: Mapping[str, Any] | None = None,
        id: str | None = None,  # as the constructor's
        forced: bool = False,
        if_condition: Any = None,
        **options: Unpack[StepOptions],
    ) -> ConduitStep:
        """Add a step that runs a block. A problem with it becomes its status, not an error."""
        block = self.written.find_block(action)
        return ConduitStep(self, block, parameters, if_condition, id, forced, action=str(action), **options)

    def attach(self, step: ConduitStep) -> None:
        """Add a step that was just made; `ConduitStep` calls this."""
        self.written.attach(step)
        self._has_ended = False

    def get_step(self, step: str | int, silent: bool = False) -> ConduitStep | None:
        """The step of that id (a string) or place in the list (an integer).

        Raises:
            KeyError: it does not exist, and `silent` is false.
        """
        if (found := self.written.get(step)) is None and not silent:
            raise KeyError(f"the job has no step {step!r}")
        return found

    def delete_step(self, step: str | int, silent: bool = True) -> None:
        """Remove a step. Later steps move up; ids stay, and all checks are repeated.

        Raises:
            KeyError: it does not exist, and `silent` is false.
        """
        if (found := self.get_step(step, silent=silent)) is None:
            return
        top = self.walk.top
        top.next -= self.written.delete(found) < top.next
        if top.current is found:
            top.current = None

    @property
    def success(self) -> bool | None:
        """``None`` before and during a run without failure, ``True`` after it, ``False`` after a step has failed."""
        if self.walk.failed_step is not None:
            return False
        return True if self._has_ended else None

    @property
    def failed_step(self) -> ConduitStep | None:
        """The step that failed the job; in a loop, the inner step."""
        return self.walk.failed_step

    @property
    def recorded(self) -> int:
        """The number of records of its steps."""
        return self.walk.recorded

    @property
    def cancelled(self) -> bool:
        """Whether the steps that have not run become CANCELLED."""
        return self.walk.cancelled

    @property
    def output(self) -> Any:
        """The job's output; ``None`` if it has none or did not succeed."""
        step = self._output
        return step.return_value if step is not None and step.status is DONE and self.success else None

    @property
    def variables(self) -> dict[str, Any]:
        """The current variables."""
        return self.store.values

    @property
    def contexts(self) -> Mapping[str, Any]:
        """The contexts of tags, with their current values."""
        scope = self.walk.frame.scope
        return scope.over(self.create_contexts()) if scope.contexts is None else scope.contexts

    def create_contexts(self) -> dict[str, Any]:
        """The contexts by name. Override this to add your own; it is then called for each step."""
        return dict(self._views)

    def cancel(self) -> None:
        """Give every step that has not run, including forced steps, the status CANCELLED."""
        self.walk.cancelled = True

    async def run(self, runtime: Runtime | None = None) -> Outcome:
        """Run the steps that have not run, one after another, with `runtime` (by default the system's).

        An error of a listener ends the run and is raised here. Steps that have ended keep their outcomes, and another
        run continues after them.
        """
        self.written.settle()
        turns = self.turns(runtime)
        if self.timeout is not None and self.timeout_at is None:
            self.timeout_at = turns.now() + min(self.timeout, LONGEST)
        self.paused = await StepLoop(self, self.walk, turns).run()
        if self.paused is not None:
            self.tries, self.waiting = self.paused.tries, self.paused.waiting
            return Outcome.PAUSED
        if not self._has_ended:
            self._has_ended = True
            if self.on_job_finish is not None:
                await settled(self.on_job_finish(self, self.failed_step))
        return Outcome.FINISHED

    def turns(self, runtime: Runtime | None = None) -> StepRunner:
        """The turns of its steps in one run."""
        ask = None if self.before_step is None else Asking(self, self.before_step).ask
        return StepRunner(self, runtime, ask, self.walk.frame.scope.contexts)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, key: str | int) -> ConduitStep:
        return cast("ConduitStep", self.get_step(key))

    def __delitem__(self, key: str | int) -> None:
        self.delete_step(key, silent=False)

    def __iter__(self) -> Iterator[ConduitStep]:
        return iter(self.steps)

    def __bool__(self) -> bool:
        return bool(self.success)

    def __str__(self) -> str:
        return self.name or "Unnamed Conduit"

    def __repr__(self) -> str:
        return f"<Conduit {self.id or self.name!r}: {len(self.steps)} steps>"
