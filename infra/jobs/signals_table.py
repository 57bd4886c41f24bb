"""The items SIGNAL#…: answers to waiting steps. An answer counts once JOB names its random part."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from infra.jobs.job_items import partition
from infra.jobs.records import JobKey, JobRecord
from infra.table.items import Items

SIGNAL: Final = "SIGNAL#"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRecord:
    """One answer.

    Attributes:
        key: the job.
        path: the path of the step.
        run: the run.
        random: distinguishes it from other answers to the same step.
        ok: whether the answer is yes.
        value: its value, as JSON.
        reason: its reason, or ``None``.
        by: the principal who answered; ``None`` if none was verified.
        at: when it was given, in seconds since the epoch.
        expires_at: like the job's.
    """

    key: JobKey
    path: str
    run: int
    random: str
    ok: bool
    value: str
    reason: str | None
    by: str | None
    at: float
    expires_at: int


class SignalsTable:
    """The SIGNAL items of all jobs. Methods raise what `infra.table.items.Items` raises.

    Args:
        items: the table.
    """

    def __init__(self, items: Items) -> None:
        self._items = items

    async def put(self, signal: SignalRecord) -> None:
        """Put an answer that does not count yet."""
        await self._items.put_all(
            [
                {
                    "pk": partition(signal.key),
                    "sk": _sort_key(signal.path, signal.run, signal.random),
                    "answer": json.dumps(
                        {"ok": signal.ok, "value": json.loads(signal.value), "reason": signal.reason},
                        ensure_ascii=False,
                        separators=(",", ":"),
                    ),
                    "by": signal.by,
                    "at": signal.at,
                    "expires_at": signal.expires_at,
                }
            ]
        )

    async def read(self, job: JobRecord, path: str) -> SignalRecord | None:
        """The answer to a step that counts, or ``None`` if there is none."""
        random = dict(job.signals).get(path)
        if random is None:
            return None
        item: Any = await self._items.get(partition(job.key), _sort_key(path, job.run, random))
        if item is None:
            return None
        answer = json.loads(item["answer"])
        return SignalRecord(
            key=job.key,
            path=path,
            run=job.run,
            random=random,
            ok=bool(answer["ok"]),
            value=json.dumps(answer["value"], ensure_ascii=False, separators=(",", ":")),
            reason=answer["reason"],
            by=item.get("by"),
            at=float(item["at"]),
            expires_at=int(item["expires_at"]),
        )


def _sort_key(path: str, run: int, random: str) -> str:
    return f"{SIGNAL}{path}#{run}#{random}"
