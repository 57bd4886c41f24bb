"""What blocks are given of the outside world: global values, made for one tenant at a time.

`infra` has errors of its own; here they become those that blocks raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from blocks.block import BudgetExceededError, CallFailedError, CallRefusedError, Registry
from infra.errors import InfraError

if TYPE_CHECKING:  # a worker whose jobs call nobody does without the client
    from infra.http_client import HttpClient
    from infra.secret import Secrets

HTTP = "http"
"""The global value of the blocks of HTTP."""


UNREADABLE = "a secret cannot be read now; nothing was sent"
"""What a job is told when AWS fails: the log says more."""


class Outside:
    """The outside world as a deployment opens it.

    Args:
        registry: whose global values are handed on.
        http: gives the client; asked when a block first needs it.
        secrets_of: gives the secrets of a tenant.
        failed: is called with what AWS failed to do.
    """

    def __init__(
        self,
        registry: Registry,
        http: Callable[[], HttpClient],
        secrets_of: Callable[[str], Secrets],
        failed: Callable[[InfraError], object] = lambda _: None,
    ) -> None:
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
        if name == HTTP:
            return Http(self._outside.http(), self._outside.secrets_of(self._tenant), self._outside.failed)
        return self._outside.registry.global_values()[name]

    def __iter__(self) -> Iterator[str]:
        yield HTTP
        yield from (name for name in self._outside.registry.global_values() if name != HTTP)

    def __len__(self) -> int:
        return sum(1 for _ in self)


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
            CallFailedError: there is no complete answer, or it says to try again.
            CallRefusedError: the answer was not expected, or the call is not allowed.
            BudgetExceededError: the answer is too large.
            ValueError: it is no call.
        """
        from infra import http_errors as errors  # noqa: PLC0415  # as above
        from infra.http_request import make_call  # noqa: PLC0415  # as above

        try:
            return self._client.send(make_call(**call), self._secrets)
        except errors.HttpFailedError as error:
            raise CallFailedError(str(error), error.retry_after, error.details) from None
        except errors.HttpRefusedError as error:
            raise CallRefusedError(str(error), error.details) from None
        except errors.HttpTooLargeError as error:
            raise BudgetExceededError(str(error)) from None
        except errors.HttpInvalidError as error:
            raise ValueError(str(error)) from None
        except InfraError as error:
            self._failed(error)
            raise CallFailedError(UNREADABLE) from None
