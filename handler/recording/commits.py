"""The writes of one run: each commit takes two calls (the records, then JOB), or one transaction if calls are scarce.

See docs/decisions/005-one-write-commits.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from handler.engine import Conduit
from handler.ports import Ports
from handler.recording.call_budget import CLEAR, END, CallBudget, commit_calls
from handler.recording.ownership import Attempt, Commit, End, TimeOut, parks, unanswered_of
from infra.jobs.jobs_table import Answer, Written
from infra.jobs.records import JobRecord, PayloadRecord, StepRecord
from infra.jobs.records_table import fits_at_once, record_items


class Commits:
    """Writes the commits of a job's owner. Methods raise the errors of `infra.table.items.Items`.

    Args:
        ports: the use cases' ports.
        began: when the run began.
        limited: whether calls are limited. A run after a crash has no limit: it commits before every step.
        put: the number of records that are in the table already.
    """

    def __init__(self, ports: Ports, began: float, *, limited: bool, put: int) -> None:
        self._ports = ports
        self._limited = limited
        self._put = put
        self._budget = CallBudget(began, ports.settings.flush_interval)
        self._effects = False
        self.made = 0
        """The number of commits that were written."""

    async def put(self, job: Conduit, payload: PayloadRecord | None, steps: Sequence[StepRecord], kind: Commit) -> bool:
        """Put the records of the next commit, unless the commit is one transaction.

        An item is never put again with other records, even if its commit was refused: a late copy of the first write
        could overwrite the second.

        Args:
            job: the job.
            payload: the payload, if the commit accepts the job; ``None`` for an accepted job.
            steps: the new records.
            kind: the kind of commit.

        Returns:
            Whether `write` must put the records, in one transaction with JOB.
        """
        effect = isinstance(kind, Attempt) and kind.effect
        if effect:
            self._budget.begin_effect()
            self._effects = True
        left = self._left(steps)
        if isinstance(kind, TimeOut) and payload is None and fits_at_once(None, left):
            self._budget.spend(1)  # if it is refused, other records replace these, so these must not be put
            return True
        keep = CLEAR if isinstance(kind, End) else END + effect
        items = record_items(payload, left)
        if not self._has_calls(len(items), keep) and self._fits_at_once(job, payload, left):
            return True
        await self._ports.table.records.put_items(items)
        self._put += len(left)
        return False

    def _left(self, steps: Sequence[StepRecord]) -> Sequence[StepRecord]:
        return [step for step in steps if step.index >= self._put]

    def _has_calls(self, items: int, keep: int) -> bool:
        """Whether the budget allows an ordinary commit of `items` new items; if so, spend its calls."""
        calls = commit_calls(items)
        if calls == 1 or not self._limited or self._budget.allows(calls, self._ports.now(), keep=keep):
            self._budget.spend(calls)
            return True
        self._budget.spend(1)  # any further calls are due to DynamoDB's quotas and do not count against later commits
        return False

    def _fits_at_once(self, job: Conduit, payload: PayloadRecord | None, steps: Sequence[StepRecord]) -> bool:
        return (self._effects or has_effects(job)) and fits_at_once(payload, steps)

    async def write(
        self,
        held: JobRecord,
        after: JobRecord,
        payload: PayloadRecord | None,
        steps: Sequence[StepRecord],
        kind: Commit,
        *,
        at_once: bool,
    ) -> Answer:
        """Make the conditional write of JOB, together with the records if `put` returned true."""
        table, now = self._ports.table, self._ports.now()
        is_parked = parks(kind)
        path = unanswered_of(kind)
        left = self._left(steps) if at_once else ()
        if payload is not None:
            answer = await (table.accept_at_once(after, payload, left, now) if at_once else table.accept(after, now))
        elif at_once:
            answer = await table.commit_at_once(held, after, left, parks=is_parked or path is not None, unanswered=path)
        else:
            answer = await table.commit(held, after, parks=is_parked, unanswered=path)
        if isinstance(answer, Written):
            self._put = max(self._put, after.cursor)
            self.made += 1
        return answer


def has_effects(job: Conduit) -> bool:
    """Whether any step of the job has an effect. A pure job never makes a transaction."""
    return any(step.block is not None and step.block.effect != "none" for step in job.steps)
