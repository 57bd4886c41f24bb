"""Replays a job's records, without running anything, to compute the parameters of steps.

The parameters of a step are never stored; they are computed again from the payload and the records before the step.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NoReturn

from handler.caller import Rights
from handler.engine import Conduit, ConduitStatus, ConduitStep
from handler.engine.arguments import evaluate
from handler.engine.call import Budget
from handler.engine.failure import Failure
from handler.engine.flow.restore import RecordsMismatchError
from handler.engine.language.meter import ExpressionError
from handler.engine.step_world import OutOfInvocation, StepWorld
from handler.invocation.timestamps import iso
from handler.jobs.as_recorded import as_steps
from handler.payload import json_text
from handler.ports import Ports
from infra.jobs.records import JobRecord, PayloadRecord, StepRecord

SHOWN: Final = 4096
"""The largest part of a step's parameters that is shown, in bytes."""
ROOM: Final = 1_000_000
"""The largest size of all steps' parameters in one reply, in bytes."""
EXPANSION: Final = 10_000_000
"""The most bytes that tags may expand to for one reply."""
SECONDS: Final = 2.0
"""The longest duration of the replay for one reply, in seconds."""
_TRIED: Final = frozenset({ConduitStatus.INVALID_TYPE.name})
"""Statuses of steps that have parameters although their block did not run."""


class Retrace:
    """A replay of a job's records.

    Args:
        ports: the use cases' ports.
        records: the records that count, in order.
        wanted: the steps whose parameters are computed.

    Attributes:
        loops: the loops that have begun, by path, in the engine's state at the end of the replay.
        parameters: by the index of the record, the JSON value to show: the object, or the beginning of its JSON if that
            has more than 4 KB. Parameters that cannot be computed are absent.
    """

    def __init__(self, ports: Ports, records: Sequence[StepRecord], wanted: Callable[[StepRecord], bool]) -> None:
        self.loops: dict[str, ConduitStep] = {}
        self.parameters: dict[int, Any] = {}
        self._ports = ports
        self._records = records
        self._wanted = wanted
        self._room = ROOM
        self._charge = Budget(EXPANSION, "what the tags of the job expand to").charge
        self._world = _Past(StepWorld(ports.runtime.alarm, ports.runtime.now, ports.now() + SECONDS, "patterns"))

    def walk(self, job: JobRecord, payload: PayloadRecord) -> None:
        """Replay the records as far as possible."""
        written: dict[str, Any] = json.loads(payload.payload)
        rights = Rights.decode(payload.rights)
        try:
            Conduit.restore(
                written,
                as_steps(self._records),
                written.get("variables") or {},
                watch=self._watch,
                idle=job.idle,
                id=job.key.job_id,
                tags=rights.tags,
                step_limit=rights.step_limit,
                block_tags=self._ports.settings.block_tags,
                registry=self._ports.registry,
                created_at=iso(job.created_at),
            )
        except RecordsMismatchError:
            return

    def _watch(self, step: ConduitStep, number: int) -> None:
        record, job = self._records[number - 1], step.job
        assert isinstance(job, Conduit)  # noqa: S101  # steps of `restore` belong to one
        if record.phase == "open":
            self.loops[record.path] = step
        elif step.block is not None and (record.attempts or record.status in _TRIED) and self._wanted(record):
            self._compute(job, step, record.index)
        if record.variables:
            changed = json.loads(record.variables)
            for name in changed["deleted"]:
                job.store.values.pop(name, None)
            job.store.values.update(changed["set"])

    def _compute(self, job: Conduit, step: ConduitStep, index: int) -> None:
        try:
            value = evaluate(step.parameters, job.contexts, self._charge, self._world)
            text = json_text.encode(value)
        except (Failure, OutOfInvocation, ValueError, TypeError):
            return
        shown = text.encode()[:SHOWN].decode(errors="ignore")
        if len(shown) <= self._room:
            self._room -= len(shown)
            self.parameters[index] = value if shown == text else shown


class _Past:
    """The world of replayed expressions. It has no clock, since the current time is not that of the step's run."""

    def __init__(self, world: StepWorld) -> None:
        self.spent = 0
        self.texts = world.texts
        self._world = world

    @property
    def now(self) -> Callable[[], float]:
        return _no_time

    def check(self) -> None:
        self._world.spent, self.spent = self.spent, 0
        self._world.check()

    def limit(self, function: Callable[[], Any]) -> Any:
        return self._world.limit(function)

    def isolate(self, function: Callable[[], Any]) -> Any:
        return self._world.isolate(function)


def _no_time() -> NoReturn:
    raise ExpressionError("`now()` was another time when the step ran")


def with_parameters(steps: Sequence[Mapping[str, Any]], parameters: Mapping[int, Any]) -> list[dict[str, Any]]:
    """The steps of an answer with their parameters; ``null`` for steps without any."""
    shown = []
    for step in steps:
        ran = step["status"]["name"] != ConduitStatus.NONE.name
        value = parameters.get(step["position"] - 1) if ran else None
        cut = {"parameters_cut": True} if isinstance(value, str) else {}
        shown.append({**step, "parameters": value, **cut})
    return shown
