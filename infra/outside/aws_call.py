"""Makes AWS calls for jobs: only those that the deployment allows, with a separate role.

The boundary is that role: it has none of the stack's permissions, and the stack's own resources are denied to it. The
list of allowed operations is checked first.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

from infra.aside import Aside, StuckError, TimeIsUpError
from infra.errors import code_of
from infra.outside.aws_values import sendable, shown
from infra.outside.errors import HttpFailedError, HttpInvalidError, HttpRefusedError, HttpTooLargeError

CONNECT_SECONDS: Final = 5.0
READ_SECONDS: Final = 60.0
"""How many seconds a thread may continue after its step was stopped."""
SESSION_SECONDS: Final = 3_600
"""The lifetime of the role's credentials: the maximum when one role assumes another."""
RENEWED: Final = 300.0
"""Credentials are not used in the last seconds of their lifetime."""
SHOWN: Final = 1_000
"""Characters of a response that an error shows."""
_SERVER_ERROR: Final = 500
_AGAIN: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Codes of throttling and of transient failures, as in botocore's retries."""
_TOO_MANY: Final = 429
_DENIED: Final = ("AccessDenied", "AuthorizationError", "UnauthorizedOperation")
"""Codes whose messages name accounts and roles."""
_FAILURES: Final = (
    "FunctionError",
    "FailedEntryCount",
    "FailedRecordCount",
    "FailedPutCount",
    "UnprocessedItems",
    "UnprocessedKeys",
    "Failed",
)
"""Fields of a response that report a failure unless they are empty."""


class AwsCalls:
    """Makes AWS calls for jobs.

    Args:
        allowed: the operations, each as ``service:Operation``.
        role: ARN of the role; without one, no call is made.
        own: names and addresses of the stack's own resources, which no parameter may contain. The role denies them,
            too, but a developer's machine has no IAM.
        limit: bytes of a response as JSON.
        now: the clock.
    """

    def __init__(
        self, allowed: tuple[str, ...], role: str, own: frozenset[str], limit: int, now: Callable[[], float]
    ) -> None:
        self._allowed = frozenset(allowed)
        self._role = role
        self._own = own
        self._limit = limit
        self._now = now
        self._aside = Aside("aws")
        self._clients: dict[str, Any] = {}
        self._making = threading.Lock()
        self._session: Any = None
        self._expires_at = 0.0

    def call(self, service: str, operation: str, parameters: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Make a call and return its response as JSON.

        Raises:
            HttpRefusedError: it is not allowed, the service refuses it, or its response reports a failure.
            HttpFailedError: throttled, the service failed, or no response came in time.
            HttpTooLargeError: the response is over the limit.
            HttpInvalidError: the parameters do not fit the operation.
        """
        name = f"{service}:{operation}"
        if name not in self._allowed:
            raise HttpRefusedError(f"this deployment does not allow {name[:100]}; nothing was sent")
        if not self._role:
            raise HttpRefusedError("this deployment has no role for calls of AWS; nothing was sent")
        if any(self._is_own(text) for text in _strings(parameters)):
            raise HttpRefusedError("a parameter names a resource of this deployment's own; nothing was sent")
        try:
            return self._aside.run(lambda: self._ask(service, operation, parameters), seconds)
        except TimeIsUpError:
            raise HttpFailedError(f"{name} did not answer within {seconds:.1f} s") from None
        except StuckError:
            raise HttpFailedError(f"{name} was not called: too many calls are stuck") from None

    def _is_own(self, text: str) -> bool:
        if text in self._own:
            return True
        named = text.startswith(("arn:", "https://", "http://"))
        return named and not self._own.isdisjoint(text.replace("/", ":").split(":"))

    def _ask(self, service: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        name = f"{service}:{operation}"
        with self._making:
            client = self._client(service, name)
        model = client.meta.service_model
        if operation not in model.operation_names or model.operation_model(operation).has_event_stream_output:
            raise HttpRefusedError(f"{name} cannot be called: AWS has no such operation that answers at once")
        shape = model.operation_model(operation).input_shape
        method = next(key for key, value in client.meta.method_to_api_mapping.items() if value == operation)
        given = sendable(dict(parameters), shape)
        try:
            answer = getattr(client, method)(**given)
            answer.pop("ResponseMetadata", None)
            result: dict[str, Any] = shown(answer, self._read)
        except (HttpTooLargeError, HttpRefusedError):
            raise
        except Exception as error:  # noqa: BLE001  # botocore raises many kinds; `_explain` maps them
            _explain(name, error)
        text = json.dumps(result, default=str)
        if len(text.encode()) > self._limit:
            raise HttpTooLargeError(f"the answer of {name} is larger than {self._limit:,} bytes")
        _check_inside(name, result, text)
        return result

    def _read(self, stream: Any) -> bytes:
        data: bytes = stream.read(self._limit + 1)
        stream.close()
        if len(data) > self._limit:
            raise HttpTooLargeError(f"the answer is larger than {self._limit:,} bytes")
        return data

    def _client(self, service: str, name: str) -> Any:
        """The client of a service with the role's credentials, cached as long as they last."""
        from botocore.config import Config  # noqa: PLC0415  # few jobs call AWS
        from botocore.exceptions import UnknownServiceError  # noqa: PLC0415  # as above

        try:
            if self._now() > self._expires_at - RENEWED:
                self._clients.clear()
                self._session = self._assume()
            if service not in self._clients:
                config = Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": 1},  # the step's `retry` decides how often
                )
                client = self._session.create_client(service, config=config)
                client.meta.events.register("before-send", _guard(client))
                self._clients[service] = client
        except UnknownServiceError:
            raise HttpRefusedError(
                f"{name} cannot be called: this build knows no such service; name it in SERVICES when building"
            ) from None
        except Exception as error:  # noqa: BLE001  # as above
            _explain("assuming the role for calls of AWS", error)
        return self._clients[service]

    def _assume(self) -> Any:
        """A session with the role's credentials."""
        from botocore.config import Config  # noqa: PLC0415  # as above
        from botocore.session import Session  # noqa: PLC0415  # as above

        from infra.aws.service_models import loader  # noqa: PLC0415  # as above

        config = Config(connect_timeout=CONNECT_SECONDS, read_timeout=CONNECT_SECONDS)
        session = Session()
        session.register_component("data_loader", loader())
        answer = session.create_client("sts", config=config).assume_role(
            RoleArn=self._role, RoleSessionName="conduit-jobs", DurationSeconds=SESSION_SECONDS
        )
        credentials = answer["Credentials"]
        expires: datetime = credentials["Expiration"]
        self._expires_at = min(expires.timestamp(), self._now() + SESSION_SECONDS)
        taken = Session()
        taken.register_component("data_loader", loader())
        taken.set_credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
        return taken


def _guard(client: Any) -> Callable[..., None]:
    """Refuse requests that a parameter would send to hosts outside the service."""
    endpoint = urlsplit(client.meta.endpoint_url).hostname or ""
    domain = ".".join(endpoint.split(".")[-3 if endpoint.endswith(".com.cn") else -2 :])

    def before_send(request: Any, **_: Any) -> None:
        host = urlsplit(request.url).hostname or ""
        if host != endpoint and not host.endswith(f".{domain}"):
            raise HttpRefusedError("a parameter would send the request outside AWS; nothing was sent")

    return before_send


def _strings(value: Any) -> Iterator[str]:
    """Every string in a JSON value, keys included: a batch names its tables in them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _explain(name: str, error: Exception) -> NoReturn:
    """Translate an error of botocore into one of ours."""
    from botocore import exceptions  # noqa: PLC0415  # as above

    if isinstance(error, exceptions.ParamValidationError):
        raise HttpInvalidError(f"the parameters of {name} are not valid: {str(error)[:SHOWN]}") from None
    code = code_of(error)
    if not code:
        kind = type(error).__name__
        if isinstance(error, (exceptions.HTTPClientError, exceptions.ConnectionError, OSError)):
            raise HttpFailedError(f"{name}: no complete answer ({kind})", {"code": kind}) from None
        if isinstance(error, exceptions.BotoCoreError):
            raise HttpRefusedError(f"{name} cannot be called ({kind})", {"code": kind}) from None
        raise error
    response: dict[str, Any] = getattr(error, "response", {})
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    words = "" if code.startswith(_DENIED) else f": {str(response['Error'].get('Message', ''))[:SHOWN]}"
    again = status >= _SERVER_ERROR or status == _TOO_MANY or code in _AGAIN
    kind_of = HttpFailedError if again else HttpRefusedError
    raise kind_of(f"{name} was refused by AWS with {code}{words}", {"code": code, "status": status}) from None


def _check_inside(name: str, result: Mapping[str, Any], text: str) -> None:
    for field in _FAILURES:
        if result.get(field):
            reason = result[field] if isinstance(result[field], str) else field
            raise HttpRefusedError(f"the answer of {name} reports {field}", {"code": reason, "body": text[:SHOWN]})
