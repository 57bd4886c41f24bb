"""What a block is handed besides its user's arguments, when it asks for it: its job and the call that it serves.

Protocols, so that blocks need nothing of the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping


class BudgetExceededError(Exception):
    """A block was about to build something larger than the job may keep. The step ends RESULT_LIMIT_EXCEED."""


class CallFailedError(Exception):
    """An outside service could not be reached, or said to try again. The step ends CALL_FAILED and may be retried.

    Args:
        message: what went wrong, for the user. Keep secrets out of it.
        retry_after: seconds that the service asked to wait; the step's next try comes no sooner.
        details: JSON object for the step's ``error.details``, such as ``{"status": 503, "body": "…"}`` or
            ``{"code": "ThrottlingException"}``. An entry of ``retry.on`` may name the status or the code.
    """

    def __init__(
        self, message: str, retry_after: float | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.details = details


class CallRefusedError(Exception):
    """An outside service gave an unexpected answer, or the call is not allowed. The step ends CALL_REFUSED.

    Args:
        message: what was refused and why, for the user. Keep secrets out of it.
        details: as for `CallFailedError`.
    """

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details


class Job(Protocol):
    """What a block sees of its job when it takes ``job__``."""

    @property
    def id(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def tags(self) -> frozenset[str]: ...
    @property
    def variables(self) -> MutableMapping[str, Any]:
        """The job's variables. Reading one gives a copy, charged to the step; changes count when the step ends DONE."""


class Call(Protocol):
    """What a block knows of the call it serves when it takes ``call__``."""

    @property
    def time_left(self) -> float:
        """Seconds until the step is stopped; infinite when nothing limits it."""

    @property
    def path(self) -> str:
        """The step's place: its id, or ``orders.3.post`` inside a loop."""

    @property
    def timeout(self) -> float | None:
        """The step's own time limit, in seconds, as the user wrote it."""

    @property
    def limit_left(self) -> float:
        """Seconds until a limit (the step's own, its block's, the job's) ends the step as a failure.

        Infinite where the invocation ends first: the step is then stopped, has not failed, and runs again.
        """

    @property
    def idempotency_key(self) -> str:
        """``<tenant>/<job>/<run>/<position>``: the same in each attempt of this step; hand it to the service called."""

    @property
    def fence(self) -> int:
        """Grows with each claim of the job: a service that remembers the highest one can refuse a late predecessor."""

    def charge(self, size: int, cost: int | None = None) -> None:
        """Announce what is about to be built.

        No charge refuses what the job could keep; whether the result itself fits is seen when it is encoded.

        Args:
            size: the least bytes that it takes as JSON: one a character, two an item of a list.
            cost: what it costs in memory, by `blocks.charges`, where that is more than its bytes: of a container, or of
                what is built on the way.

        Raises:
            BudgetExceededError: the step may not hold so much.
        """

    def isolate(self, function: Callable[[], Any]) -> Any:
        """Run a function in a forked child process that is killed at the step's limit: for what no signal stops.

        It takes some milliseconds. What it changes stays in the child; its result comes back through JSON, and what it
        raises as an error of a class of the same name.
        """
