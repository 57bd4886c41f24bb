"""AWS: a block that calls what the deployment allows of AWS.

What may be called is the deployment's: the global value ``aws`` is its client.
"""

from __future__ import annotations

from math import inf
from typing import Annotated, Any, Final, Protocol

from pydantic import Field

from blocks.block import Call, Category

category = Category("AWS")

SECONDS: Final = 30
"""How long a call may take whose step has no `timeout`."""
MOMENT: Final = 0.25
"""Seconds before the step's limit at which a call gives up, to say so. Of a short limit it is a tenth."""


class Client(Protocol):
    """What the deployment provides."""

    def call(self, service: str, operation: str, parameters: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Make a call and give its answer as JSON.

        Raises:
            CallFailedError, CallRefusedError, BudgetExceededError, ValueError: see the docs of AWS.CALL.
        """


@category.block(name="call", effect="at_least_once")
def call_aws(
    aws__: Client,
    call__: Call,
    /,
    *,
    service: Annotated[str, Field(description="As botocore calls it, such as `sns`.")],
    operation: Annotated[str, Field(description="Such as `Publish`.")],
    parameters: Annotated[dict[str, Any] | None, Field(description="As the API of the service names them.")] = None,
) -> dict[str, Any]:
    """Call an operation of an AWS service that the deployment allows (`AWS_CALLS`). Gives its answer as JSON.

    `{"service": "sns", "operation": "Publish", "parameters": {"TopicArn": "arn:aws:sns:…", "Message": "Hello"}}`
    publishes a message, and its answer holds `MessageId`.

    Where the API takes bytes, give a string, an object or list (sent as JSON), or `{"base64": "…"}`. In the answer
    times are RFC 3339, bytes are parsed as JSON, or else a string, or else `{"base64": "…"}`. Anything that is not
    allowed, an error of the service, and an answer that reports a failure inside are CALL_REFUSED; throttling, 5xx and
    no answer in time are CALL_FAILED. The error's `details` hold AWS's `code`. A call may be made twice, after a crash.
    """
    return aws__.call(service, operation, parameters or {}, _seconds(call__))


def _seconds(call: Call) -> float:
    """How long the call may take: as long as its step, less a moment to say that it took too long."""
    if call.limit_left == inf and call.timeout is not None:
        return call.timeout  # the invocation ends first, and that fails nothing
    left = call.limit_left if call.timeout is not None else min(call.limit_left, SECONDS)
    return left - min(MOMENT, left / 10)
