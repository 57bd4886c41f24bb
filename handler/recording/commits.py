"""The commits of one run: each in two calls, the records and then JOB, or in one where the run has none to spare.

See docs/decisions/005-one-write-commits.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from handler.engine import Conduit
from handler.ports import Ports
from handler.recording.call_budget import CLEAR, END, CallBudget, commit_calls
from infra.jobs_table import Answer, fits_at_once
from infra.records import JobRecord, PayloadRecord, StepRecord


class Commits:
    """Writes what the owner of a job has come to. Methods raise what `infra.items.Items` raises.

    Args:
        ports: the world.
        began: when the run began.
        limited: whether the budget is kept. A run after a crash does not: it commits before every step.
    """

    def __init__(self, ports: Ports, began: float, *, limited: bool) -> None:
        self._ports = ports
        self._limited = limited
        self._budget = CallBudget(began, ports.settings.flush_interval)

    async def put(
        self, job: Conduit, payload: PayloadRecord | None, steps: Sequence[StepRecord], *, effect: bool, end: bool
    ) -> bool:
        """Put the records of the commit that follows, unless it shall be one transaction.

        Args:
            job: whose.
            payload: what the commit accepts the job with; ``None`` for one that is accepted.
            steps: the new records.
            effect: whether a step with an effect begins after the commit.
            end: whether the commit is the job's last.

        Returns:
            Whether `write` shall put them, and all of it be done at once.
        """
        if effect:
            self._budget.begin_effect()
        keep = CLEAR if end else END + effect
        if self._is_at_once(job, payload, steps, keep):
            return True
        await self._ports.table.put(payload, steps)
        return False

    def _is_at_once(self, job: Conduit, payload: PayloadRecord | None, steps: Sequence[StepRecord], keep: int) -> bool:
        calls = commit_calls(len(steps) + (payload is not None))
        if calls == 1 or not self._limited or self._budget.allows(calls, self._ports.now(), keep=keep):
            self._budget.spend(calls)
            return False
        self._budget.spend(1)  # more than that is due to the quotas, and no debt of the commits that follow
        return _has_effects(job) and fits_at_once(payload, steps)

    async def write(
        self,
        held: JobRecord,
        after: JobRecord,
        payload: PayloadRecord | None,
        steps: Sequence[StepRecord],
        *,
        at_once: bool,
    ) -> Answer:
        """The one conditional write of JOB; with the records, if `put` said so."""
        table, now = self._ports.table, self._ports.now()
        if payload is None:
            return await (table.commit_at_once(held, after, steps) if at_once else table.commit(held, after))
        return await (table.accept_at_once(after, payload, steps, now) if at_once else table.accept(after, now))


def _has_effects(job: Conduit) -> bool:
    """Whether any step of the job has an effect: a pure job never pays a transaction's double write units."""
    return any(step.block is not None and step.block.effect != "none" for step in job.steps)
