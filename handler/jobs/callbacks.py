"""The public addresses for answers to waiting steps. See docs/decisions/021-answers.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from handler.engine import Address
from handler.engine.answers import no_address
from handler.settings import Settings
from handler.workflows.tokens import Token, make_token, read_token
from infra.jobs.records import JobKey, JobRecord

KIND: Final = "callback"
_NAMES: Final = 4
_MAX_TENANT: Final = 250
_MAX_ID: Final = 64


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback's token. Do not trust its content before `is_genuine` has returned true.

    Attributes:
        token: the token.
        key: the job's key.
        run: the run.
        path: the path of the step.
    """

    token: Token
    key: JobKey
    run: str
    path: str

    def is_genuine(self, job: JobRecord | None) -> bool:
        """Whether the job made the token. The check takes as long for a job that does not exist."""
        return self.token.is_genuine(job.secret.encode() if job is not None and job.secret else None)


def address_of(settings: Settings, job: JobRecord, path: str) -> Address:
    """The address for answers to a step of the job's current run.

    Raises:
        ValueError: the deployment has no public addresses.
    """
    if not (settings.public_routes and settings.public_url and job.secret):
        return no_address(path)
    token = make_token(KIND, (job.key.tenant, job.key.job_id, str(job.run), path), job.secret.encode())
    return Address(f"{settings.public_url.rstrip('/')}/callbacks/{token}", token)


class Addresses:
    """The addresses of one job's steps: called with a path, like `address_of`. Each is signed once.

    Args:
        settings: the deployment's settings.
        job: the job.
    """

    __slots__ = ("_job", "_made", "_settings")

    def __init__(self, settings: Settings, job: JobRecord) -> None:
        self._settings = settings
        self._job = job
        self._made: dict[str, Address] = {}

    def __call__(self, path: str) -> Address:
        made = self._made.get(path)
        if made is None:
            made = self._made[path] = address_of(self._settings, self._job, path)
        return made


def read_callback(text: str) -> Callback | None:
    """Decode a token; ``None`` if the string is not one of our tokens."""
    token = read_token(KIND, text)
    if token is None or len(token.names) != _NAMES:
        return None
    tenant, job_id, run, path = token.names
    if len(tenant) > _MAX_TENANT or len(job_id) > _MAX_ID or "#" in job_id:
        return None
    return Callback(token, JobKey(tenant, job_id), run, path)
