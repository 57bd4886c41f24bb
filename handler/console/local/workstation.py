"""A deployment on a developer's machine: the embedded AWS, the function, and the loop that delivers messages."""

from __future__ import annotations

import os
import time
import uuid
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from handler.console.local.lambda_event import HttpRequest, Identity
from handler.console.local.local_lambda import HttpResponse, LocalLambda
from handler.console.local.secret_file import read_secrets, refuse_secret
from infra.jobs.records import FINISHED
from infra.local import embedded
from infra.local.services import LocalServices

POLL_SECONDS: Final = 0.05
SWEEP_SECONDS: Final = 60.0
WATCHED_SECONDS: Final = "0.1"
"""Seconds between commits of a watched job. A commit after each of a thousand steps would take minutes."""
_ACCEPTED: Final = frozenset({200, 201, 202, 204})


@dataclass(frozen=True, kw_only=True)
class Options:
    """The developer's options.

    Attributes:
        identity: tenant and tags of callers over HTTP.
        invocation: seconds that an invocation may take; ``None`` for the deployment's own limit.
        watched: whether steps are recorded soon after their end, so that a user can watch them.
        verbose: whether the function's log lines are shown on stderr.
        secrets: secrets to store before any job runs; see `read_secrets`.
    """

    identity: Identity = field(default_factory=Identity)
    invocation: float | None = None
    watched: bool = False
    verbose: bool = False
    secrets: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, chosen: Namespace, *, watched: bool = False) -> Options:
        """The options from a command's arguments.

        Raises:
            InputError: the file of secrets cannot be used.
        """
        return cls(
            identity=Identity(subject=chosen.tenant, tags=tuple(chosen.tag)),
            invocation=chosen.invocation,
            watched=watched,
            verbose=chosen.verbose,
            secrets=read_secrets(chosen.secrets),
        )

    def environment(self) -> dict[str, str]:
        """The environment variables of the function for these options."""
        chosen = {
            "LOG_LEVEL": "INFO" if self.verbose else "WARNING",
            "POWERTOOLS_METRICS_DISABLED": "false" if self.verbose else "true",
            "QUEUE_TENANT": self.identity.subject,
            "QUEUE_TAGS": " ".join(self.identity.tags),
        }
        if self.watched:
            chosen["FLUSH_INTERVAL"] = WATCHED_SECONDS
        return chosen


class JobRefusedError(Exception):
    """The API refused a job.

    Attributes:
        problem: the answer, a problem document of RFC 9457.
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        errors = problem.get("errors") or []
        details = "; ".join(f"{error['pointer'] or 'the job'}: {error['message']}" for error in errors)
        super().__init__(details or problem.get("detail") or problem.get("title") or "refused")


class Workstation:
    """One deployment, used from one thread.

    Attributes:
        function: the function with its callers.
        services: the table, the bus and the queue, for reading them directly.
        tenant: the tenant that owns the jobs.
    """

    def __init__(self, function: LocalLambda, services: LocalServices, sleep: Callable[[float], None]) -> None:
        self.function = function
        self.services = services
        self.tenant = function.identity.subject
        self._sleep = sleep
        self._swept = function.now()

    def run(self, text: str) -> dict[str, Any]:
        """Send a job to the API and run it to its end, hand-overs included.

        Args:
            text: the job as JSON text.

        Returns:
            The job, which has ended or waits for an answer, in the form of the API.

        Raises:
            JobRefusedError: the API refused the job.
        """
        # The header becomes the job's id only if the payload has none.
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"run-{uuid.uuid4()}"}
        job: dict[str, Any] = self.ask("POST", "/jobs", text, headers)
        return job if _is_over(job) else self.see_through(job["id"])

    def put_secrets(self, secrets: Mapping[str, str]) -> None:
        """Store secrets before a job needs them.

        Args:
            secrets: see `read_secrets`.

        Raises:
            InputError: the API refused a secret.
        """
        for path, body in secrets.items():
            try:
                self.ask("PUT", path, body, {"Content-Type": "application/json"})
            except JobRefusedError as error:
                raise refuse_secret(path, str(error)) from None

    def see_through(self, job_id: str) -> dict[str, Any]:
        """Process the queue until the job ends, or waits for an answer, which cannot come here. Return the job."""
        while True:
            self.turn()
            job: dict[str, Any] = self.ask("GET", f"/jobs/{quote(job_id, safe='')}")
            if _is_over(job):
                return job

    def turn(self) -> None:
        """Process one batch of the queue; if it is empty, wait a moment."""
        if not self.work():
            self._sleep(POLL_SECONDS)

    def work(self) -> int:
        """Process one batch of the queue, and sweep if a minute has passed. Return the number of messages."""
        if self.function.now() - self._swept >= SWEEP_SECONDS:
            self._swept = self.function.now()
            self.function.sweep()
        return self.function.work()

    def ask(self, method: str, target: str, body: str | None = None, headers: dict[str, str] | None = None) -> Any:
        """Call the API and parse its answer.

        Raises:
            JobRefusedError: the answer is a problem.
        """
        response: HttpResponse = self.function.request(
            HttpRequest(method=method, target=target, headers=headers or {}, body=body)
        )
        answer: Any = response.json() if response.body else None
        if response.status not in _ACCEPTED:
            raise JobRefusedError(answer)
        return answer


def _is_over(job: Mapping[str, Any]) -> bool:
    return job["status"] in FINISHED or (job.get("waiting") or {}).get("for") == "answer"


@contextmanager
def open_workstation(
    options: Options,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
    check: Callable[[], None] = lambda: None,
) -> Iterator[Workstation]:
    """Run the embedded AWS and the function until the end of the block.

    Args:
        options: the developer's options.
        now: seconds of a monotonic clock.
        sleep: waits for a number of seconds.
        check: see `LocalLambda`.

    Raises:
        InputError: the API refused a secret.
    """
    from handler.app import lambda_handler  # noqa: PLC0415  # a third of a second that `conduit --help` does without

    with environment_of(options), embedded() as aws:
        seconds = (
            {} if options.invocation is None else dict.fromkeys(("http_seconds", "worker_seconds"), options.invocation)
        )
        function = LocalLambda(
            handler=lambda_handler,
            poller=aws,
            now=now,
            epoch=time.time,
            identity=options.identity,
            check=check,
            **seconds,
        )
        station = Workstation(function, LocalServices(aws), sleep)
        station.put_secrets(options.secrets)
        yield station


@contextmanager
def environment_of(options: Options) -> Iterator[None]:
    """Set the function's environment variables until the end of the block."""
    chosen = options.environment()
    before = {name: os.environ.get(name) for name in chosen}
    os.environ.update(chosen)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
