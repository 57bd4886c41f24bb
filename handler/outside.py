"""What blocks are given of the outside world: global values, made for one tenant at a time.

`infra` has errors of its own; here they become those that blocks raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from blocks.block import BudgetExceededError, CallFailedError, CallRefusedError, Registry
from infra.errors import InfraError

if TYPE_CHECKING:  # a worker whose jobs make no calls never loads the client
    from infra.aws_call import AwsCalls
    from infra.http_client import HttpClient
    from infra.secret import Secrets

HTTP, SIGNER, AWS = "http", "signer", "aws"
"""The global values of the blocks of HTTP, of HASH.HMAC and of AWS.CALL."""

UNREADABLE = "a secret cannot be read now; nothing was sent"
"""What a job sees when AWS fails: the log says more."""


class Outside:
    """The outside world as a deployment opens it.

    Args:
        registry: whose global values are handed on.
        http: gives the client; asked when a block first needs it.
        secrets_of: gives the secrets of a tenant.
        failed: is called with what AWS failed to do.
        aws: gives what calls AWS for jobs.
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
        """What the blocks of this tenant's jobs are given."""
        return _GlobalValues(self, tenant)


class _GlobalValues(Mapping[str, Any]):
    """The deployment's global values, and those of the outside world in front of them."""

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
    """Turn the errors of `infra` into those of blocks.

    Raises:
        CallFailedError: no complete answer arrived, or it says to try again.
        CallRefusedError: the answer was not expected, or the call is not allowed.
        BudgetExceededError: the answer is too large.
        ValueError: it is not a valid call.
    """
    from infra import http_errors as errors  # noqa: PLC0415  # as above

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
        secrets: of the tenant.
        failed: is called with what AWS failed to do.
    """

    def __init__(
        self, client: HttpClient, secrets: Secrets, failed: Callable[[InfraError], object] = lambda _: None
    ) -> None:
        self._client = client
        self._secrets = secrets
        self._failed = failed

    def send(self, **call: Any) -> dict[str, Any]:
        """Make a call; see `infra.http_request.make_call` for what it takes.

        Raises:
            CallFailedError: no complete answer arrived, or it says to try again.
            CallRefusedError: the answer was not expected, or the call is not allowed.
            BudgetExceededError: the answer is too large.
            ValueError: it is not a call.
        """
        from infra.http_request import make_call  # noqa: PLC0415  # as above

        with as_blocks_raise(self._failed):
            return self._client.send(make_call(**call), self._secrets)


class Signer:
    """`blocks.hash.Signer`: signs with the secrets of one tenant, and shows them to nobody.

    Args:
        secrets: of the tenant.
        failed: is called with what AWS failed to do.
    """

    def __init__(self, secrets: Secrets, failed: Callable[[InfraError], object] = lambda _: None) -> None:
        self._secrets = secrets
        self._failed = failed

    def hmac(self, secret: str, data: bytes, algorithm: str, seconds: float) -> bytes:
        """The HMAC of the data with the secret of that name; errors as for `as_blocks_raise`."""
        import hmac  # noqa: PLC0415  # as above

        from infra.secret import allowed  # noqa: PLC0415  # as above

        with as_blocks_raise(self._failed):
            key = allowed(self._secrets.get(secret, seconds), secret, "hmac", None).value
            return hmac.new(key.encode(), data, algorithm).digest()


class Aws:
    """`blocks.aws.Client`."""

    def __init__(self, calls: AwsCalls) -> None:
        self._calls = calls

    def call(self, service: str, operation: str, parameters: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Make a call; errors as for `as_blocks_raise`."""
        with as_blocks_raise(lambda _: None):
            return self._calls.call(service, operation, parameters, seconds)
