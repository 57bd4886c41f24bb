"""Restores the engine's job from its records. Recorded steps are not evaluated again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from handler.caller import Rights
from handler.engine import Answers, Conduit, Execution
from handler.invocation.timestamps import iso
from handler.jobs.as_recorded import as_steps
from handler.jobs.callbacks import Addresses
from handler.jobs.view import variables_after
from handler.ports import Ports
from handler.recording.ownership import cut_tries
from handler.recording.run import Run
from infra.errors import GiveUpError
from infra.jobs.records import JobRecord

NOTHING_GIVEN: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})


async def read_answers(ports: Ports, job: JobRecord) -> dict[str, dict[str, Any]]:
    """The answers that count, by the paths of their steps."""
    given = {}
    for path, _ in job.signals:
        signal = await ports.table.signals.read(job, path)
        if signal is None:
            raise GiveUpError(f"The answer to {path} of {job.key} is missing.")
        value = json.loads(signal.value)
        given[path] = {"ok": signal.ok, "value": value, "reason": signal.reason, "by": signal.by, "at": iso(signal.at)}
    return given


def restored(run: Run, ports: Ports, given: Mapping[str, Mapping[str, Any]] = NOTHING_GIVEN) -> Conduit:
    """The engine's job, ready to continue where its records end.

    Args:
        run: the run.
        ports: the use cases' ports.
        given: the answers that count, from `read_answers`.

    Raises:
        RecordsMismatchError: the records do not belong to this job.
    """
    job, rights = run.job, Rights.decode(run.payload.rights)
    died = max(0, job.attempts - 1) if run.accepted else 0
    cut = cut_tries(job) if run.accepted else 0
    conduit = Conduit.restore(
        run.written,
        as_steps(run.steps),
        variables_after(run.written, run.steps),
        tries=job.tries + cut,
        attempts=died + job.tries,
        waiting=_waiting(job),
        idle=job.idle,
        timeout_at=job.timeout_at,
        answers=Answers(given, Addresses(ports.settings, job)),
        id=job.key.job_id,
        tags=rights.tags,
        step_limit=rights.step_limit,
        block_tags=ports.settings.block_tags,
        global_values=ports.global_values(job.key.tenant),
        registry=ports.registry,
    )
    conduit.created_at = iso(job.created_at)
    conduit.execution = Execution(key=f"{job.key.tenant}/{job.key.job_id}/{job.run}", fence=job.fence)
    if job.cancel:
        conduit.cancel()
    return conduit


def _waiting(job: JobRecord) -> Mapping[str, Any] | None:
    """The wait of the step at the cursor, and the outcome of its last try."""
    if job.waiting is None:
        return None
    waiting: dict[str, Any] = json.loads(job.waiting)
    last: dict[str, Any] = json.loads(job.last_error or "{}")
    return {**waiting, **last}
