"""The global values through which blocks reach other services, made separately for each tenant.

Errors of `infra` become the errors that blocks raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from blocks.block import BudgetExceededError, CallFailedError, CallRefusedError, Registry
from infra.errors import InfraError

if TYPE_CHECKING:  # a worker whose jobs make no calls never loads the client
    from infra.outside.aws_call import AwsCalls
    from infra.outside.http_client import HttpClient
    from infra.outside.secret import Secrets

HTTP, SIGNER, AWS = "http", "signer", "aws"
"""The global values for the blocks HTTP.*, HASH.HMAC and AWS.CALL."""

UNREADABLE = "a secret cannot be read now; nothing was sent"
"""The message that a job gets when AWS fails. The log has the details."""


class Outside:
    """The services that a deployment opens to blocks.

    Args:
        registry: the blocks; it also provides the other global values.
        http: returns the HTTP client; called when a block first needs it.
        secrets_of: returns the secrets of a tenant.
        failed: called with the error when AWS fails.
        aws: returns the client that calls AWS for jobs.
    """

    def __init__(
        self,
        registry: Registry,
        http: Callable[[], HttpClient],
        secrets_of: Callable[[str], Secrets],
        failed: Callable[[InfraError], object] = lambda _: None,
        aws: Callable[[], AwsCalls] | None = None,
    ) -> None:
        self.aws = aws
        self.registry = registry
        self.http = http
        self.secrets_of = secrets_of
        self.failed = failed

    def global_values(self, tenant: str) -> Mapping[str, Any]:
        """The global values for the blocks of this tenant's jobs."""
        return _GlobalValues(self, tenant)


class _GlobalValues(Mapping[str, Any]):
    """The deployment's global values and those of `Outside`, which come first."""

    __slots__ = ("_outside", "_tenant")

    def __init__(self, outside: Outside, tenant: str) -> None:
        self._outside = outside
        self._tenant = tenant

    def __getitem__(self, name: str) -> Any:
        outside = self._outside
        if name == HTTP:
            return Http(outside.http(), outside.secrets_of(self._tenant), outside.failed)
        if name == SIGNER:
            return Signer(outside.secrets_of(self._tenant), outside.failed)
        if name == AWS and outside.aws is not None:
            return Aws(outside.aws())
        return outside.registry.global_values()[name]

    def __iter__(self) -> Iterator[str]:
        ours = (HTTP, SIGNER, *((AWS,) if self._outside.aws is not None else ()))
        yield from ours
        yield from (name for name in self._outside.registry.global_values() if name not in ours)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@contextmanager
def as_blocks_raise(failed: Callable[[InfraError], object]) -> Iterator[None]:
    """Translate the errors of `infra` into those of blocks.

    Raises:
        CallFailedError: no complete answer arrived, or the answer asks for another try.
        CallRefusedError: the answer was unexpected, or the call is not allowed.
        BudgetExceededError: the answer is too large.
        ValueError: the call is not valid.
    """
    from infra.outside import errors  # noqa: PLC0415  # as above

    try:
        yield
    except errors.HttpFailedError as error:
        raise CallFailedError(str(error), error.retry_after, error.details) from None
    except errors.HttpRefusedError as error:
        raise CallRefusedError(str(error), error.details) from None
    except errors.HttpTooLargeError as error:
        raise BudgetExceededError(str(error)) from None
    except errors.HttpInvalidError as error:
        raise ValueError(str(error)) from None
    except InfraError as error:
        failed(error)
        raise CallFailedError(UNREADABLE) from None


class Http:
    """`blocks.http.Client`: the client with the secrets of one tenant.

    Args:
        client: makes the calls.
        secrets: the tenant's secrets.
        failed: called with the error when AWS fails.
    """

    def __init__(
        self, client: HttpClient, secrets: Secrets, failed: Callable[[InfraError], object] = lambda _: None
    ) -> None:
        self._client = client
        self._secrets = secrets
        self._failed = failed

    def send(self, **call: Any) -> dict[str, Any]:
        """Make a call; `infra.outside.http_request.make_call` has the arguments. Errors as for `as_blocks_raise`."""
        from infra.outside.http_request import make_call  # noqa: PLC0415  # as above

        with as_blocks_raise(self._failed):
            return self._client.send(make_call(**call), self._secrets)


class Signer:
    """`blocks.hash.Signer`: signs with the secrets of one tenant without revealing them.

    Args:
        secrets: the tenant's secrets.
        failed: called with the error when AWS fails.
    """

    def __init__(self, secrets: Secrets, failed: Callable[[InfraError], object] = lambda _: None) -> None:
        self._secrets = secrets
        self._failed = failed

    def hmac(self, secret: str, data: bytes, algorithm: str, seconds: float) -> bytes:
        """The HMAC of the data with the named secret. Errors as for `as_blocks_raise`."""
        import hmac  # noqa: PLC0415  # as above

        from infra.outside.secret import allowed  # noqa: PLC0415  # as above

        with as_blocks_raise(self._failed):
            key = allowed(self._secrets.get(secret, seconds), secret, "hmac", None).value
            return hmac.new(key.encode(), data, algorithm).digest()


class Aws:
    """`blocks.aws.Client`."""

    def __init__(self, calls: AwsCalls) -> None:
        self._calls = calls

    def call(self, service: str, operation: str, parameters: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Make a call. Errors as for `as_blocks_raise`."""
        with as_blocks_raise(lambda _: None):
            return self._calls.call(service, operation, parameters, seconds)
