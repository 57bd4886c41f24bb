"""The job and the call that a block receives besides its user's arguments, if it declares them.

Protocols, so that blocks need nothing of the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping


class BudgetExceededError(Exception):
    """A block would build a value that is larger than the job may keep. The step ends RESULT_LIMIT_EXCEED."""


class CallFailedError(Exception):
    """An external service was unreachable or asked for a retry. The step ends CALL_FAILED and may be retried.

    Args:
        message: the reason, for the user. Keep secrets out of it.
        retry_after: seconds that the service asked to wait; the step's next try starts no earlier.
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
    """An external service gave an unexpected answer, or the call is not allowed. The step ends CALL_REFUSED.

    Args:
        message: the reason, for the user. Keep secrets out of it.
        details: like those of `CallFailedError`.
    """

    def __init__(self, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details


class Job(Protocol):
    """A block's view of its job, for the parameter ``job__``."""

    @property
    def id(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def tags(self) -> frozenset[str]: ...
    @property
    def variables(self) -> MutableMapping[str, Any]:
        """The job's variables. Reading one returns a copy, charged to the step; changes count if the step ends DONE."""


class Call(Protocol):
    """A block's view of its call, for the parameter ``call__``."""

    @property
    def time_left(self) -> float:
        """Return the seconds until the step is stopped; infinite without a limit."""

    @property
    def path(self) -> str:
        """The step's place: its id, or ``orders.3.post`` inside a loop."""

    @property
    def timeout(self) -> float | None:
        """The step's own time limit in seconds, from the user."""

    @property
    def limit_left(self) -> float:
        """Return the seconds until a limit (the step's own, its block's, the job's) ends the step as a failure.

        It is infinite if the invocation ends first: the step is then stopped without failing, and runs again.
        """

    @property
    def idempotency_key(self) -> str:
        """``<tenant>/<job>/<run>/<position>``: the same in each attempt of this step; pass it to the called service."""

    @property
    def fence(self) -> int:
        """Grows with each claim of the job: a service that keeps the highest one can refuse an outdated owner."""

    def charge(self, size: int, cost: int | None = None) -> None:
        """Charge the step for a value before building it.

        A charge never refuses a value that the job could keep. The result itself is checked when it is encoded.

        Args:
            size: the least bytes that it takes as JSON: one per character, two per item of a list.
            cost: its cost in memory, by `blocks.charges`, if that is more than its bytes: for a container, or for
                temporary values.

        Raises:
            BudgetExceededError: the step may not build that much.
        """

    def isolate(self, function: Callable[[], Any]) -> Any:
        """Run a function in a forked child process that is killed at the step's limit, for code that no signal stops.

        This takes a few milliseconds. The function's changes stay in the child; its result returns as JSON, and its
        error as an error of a class with the same name.
        """
