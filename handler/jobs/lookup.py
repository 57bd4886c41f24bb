"""Finds a job of the caller's tenant and its accepted payload."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from handler.caller import Caller
from handler.errors import NotFoundError
from handler.ports import Ports
from infra.jobs.records import JobKey, JobRecord


async def find_job(ports: Ports, caller: Caller, job_id: str) -> JobRecord:
    """Find the caller's job with that id.

    Raises:
        NotFoundError: the job does not exist for this caller.
        InfraError: AWS failed.
    """
    job = await ports.table.read(JobKey(caller.tenant, job_id), ports.now())
    if job is None:
        raise NotFoundError(f"There is no job {job_id!r}.")
    return job


async def read_written(ports: Ports, job: JobRecord) -> Mapping[str, Any]:
    """The accepted payload of the job; empty if it no longer exists.

    Raises:
        InfraError: AWS failed.
    """
    payload = await ports.table.records.read_payload(job)
    written: Mapping[str, Any] = json.loads(payload.payload) if payload is not None else {}
    return written
