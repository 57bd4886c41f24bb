"""AWS: a block that calls the services of AWS that the deployment allows.

The deployment decides which calls are allowed: the global value ``aws`` is its client.
"""

from __future__ import annotations

from math import inf
from typing import Annotated, Any, Final, Protocol

from pydantic import Field

from blocks.block import Call, Category

category = Category("AWS")

SECONDS: Final = 30
"""Seconds that a call may take if its step has no `timeout`."""
MOMENT: Final = 0.25
"""Seconds before the step's limit at which a call ends, to leave time for its error; a tenth of a short limit."""


class Client(Protocol):
    """The deployment's client."""

    def call(self, service: str, operation: str, parameters: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Make a call and return its answer as JSON.

        Raises:
            CallFailedError, CallRefusedError, BudgetExceededError, ValueError: see the docs of AWS.CALL.
        """


@category.block(name="call", effect="at_least_once")
def call_aws(
    aws__: Client,
    call__: Call,
    /,
    *,
    service: Annotated[str, Field(description="Its name in botocore, such as `sns`.")],
    operation: Annotated[str, Field(description="Such as `Publish`.")],
    parameters: Annotated[dict[str, Any] | None, Field(description="With the names of the service's API.")] = None,
) -> dict[str, Any]:
    """Call an operation of an AWS service that the deployment allows (`AWS_CALLS`). Returns its answer as JSON.

    `{"service": "sns", "operation": "Publish", "parameters": {"TopicArn": "arn:aws:sns:…", "Message": "Hello"}}`
    publishes a message; its answer has a `MessageId`.

    If the API takes bytes, give a string, an object or list (sent as JSON), or `{"base64": "…"}`. In the answer, times
    are RFC 3339; bytes are parsed as JSON, else they are a string, else `{"base64": "…"}`. A call that is not allowed,
    an error of the service, and an answer that reports a failure are CALL_REFUSED; throttling, 5xx and no answer in
    time are CALL_FAILED. The error's `details` have AWS's `code`. After a crash, a call may be made twice.
    """
    return aws__.call(service, operation, parameters or {}, _seconds(call__))


def _seconds(call: Call) -> float:
    """Return the seconds that the call may take: those of its step, less a moment to report a timeout."""
    if call.limit_left == inf and call.timeout is not None:
        return call.timeout  # the invocation ends first, and the step does not fail
    left = call.limit_left if call.timeout is not None else min(call.limit_left, SECONDS)
    return left - min(MOMENT, left / 10)
