"""The runs of a job: the ends of earlier runs, and the state of the current one.

See docs/decisions/020-runs.md.
"""

from __future__ import annotations

import json
from typing import Any

from handler.caller import Caller
from handler.invocation.timestamps import iso_or_none
from handler.jobs.lookup import find_job
from handler.ports import Ports
from infra.jobs.run_item import RunRecord, current_run


async def list_runs(ports: Ports, caller: Caller, job_id: str) -> dict[str, Any]:
    """The runs of a job, earliest first, the current one last.

    Raises:
        NotFoundError: the job does not exist.
        UnavailableError: AWS failed.
    """
    with ports.served("runs"):
        job = await find_job(ports, caller, job_id)
        kept = await ports.table.records.read_runs(job) if job.run > 1 else []
        earlier = [run for run in kept if run.run < job.run]  # a refused redrive has stored the current run
        return {"runs": [_view(run) for run in (*earlier, current_run(job))]}


def _view(run: RunRecord) -> dict[str, Any]:
    return {
        "run": run.run,
        "status": run.status,
        "started_at": iso_or_none(run.started_at),
        "finished_at": iso_or_none(run.finished_at),
        "failed_step": json.loads(run.failed_step) if run.failed_step else None,
    }
