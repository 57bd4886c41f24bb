"""The AWS clients: built on first use, then kept.

They are botocore's low-level clients: `boto3` adds 10 ms to a cold start and `boto3.resource` 50; a second client of
the same session costs a twentieth of the first. The methods that we call are typed here: botocore ships no types.

See docs/decisions/006-clients.md.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

if TYPE_CHECKING:
    from botocore.session import Session

CONNECT_TIMEOUT: Final = 1.0
"""Seconds. In the same region, connecting takes a few milliseconds; a slower attempt is retried."""
READ_TIMEOUT: Final = 3.0
"""Seconds. Botocore's 60 would outlast the reserve that an invocation keeps for writing."""
TRIES: Final = 3
"""Tries of each call, the first included, with botocore's standard backoff."""

Answer = dict[str, Any]


class DynamoClient(Protocol):
    """The methods of a DynamoDB client that we call."""

    def get_item(self, **request: Any) -> Answer: ...
    def query(self, **request: Any) -> Answer: ...
    def put_item(self, **request: Any) -> Answer: ...
    def update_item(self, **request: Any) -> Answer: ...
    def delete_item(self, **request: Any) -> Answer: ...
    def batch_get_item(self, **request: Any) -> Answer: ...
    def batch_write_item(self, **request: Any) -> Answer: ...
    def transact_write_items(self, **request: Any) -> Answer: ...


class EventsClient(Protocol):
    """The methods of an EventBridge client that we call."""

    def put_events(self, **request: Any) -> Answer: ...


class QueueClient(Protocol):
    """The methods of an SQS client that we call."""

    def send_message(self, **request: Any) -> Answer: ...
    def change_message_visibility(self, **request: Any) -> Answer: ...


class SchedulerClient(Protocol):
    """The methods of an EventBridge Scheduler client that we call."""

    def create_schedule(self, **request: Any) -> Answer: ...
    def update_schedule(self, **request: Any) -> Answer: ...
    def delete_schedule(self, **request: Any) -> Answer: ...


class KeyClient(Protocol):
    """The methods of a KMS client that we call."""

    def encrypt(self, **request: Any) -> Answer: ...
    def decrypt(self, **request: Any) -> Answer: ...


class Clients:
    """One session and its clients.

    Args:
        region: the region; without it, botocore reads the environment.
        endpoint: an emulator's address; without it, botocore uses AWS's.
    """

    def __init__(self, *, region: str | None = None, endpoint: str | None = None) -> None:
        self._region = region
        self._endpoint = endpoint
        self._session: Session | None = None
        self._made: dict[str, object] = {}
        self._making = threading.Lock()

    def dynamodb(self) -> DynamoClient:
        return cast("DynamoClient", self.client("dynamodb"))

    def events(self) -> EventsClient:
        return cast("EventsClient", self.client("events"))

    def sqs(self) -> QueueClient:
        return cast("QueueClient", self.client("sqs"))

    def scheduler(self) -> SchedulerClient:
        return cast("SchedulerClient", self.client("scheduler"))

    def kms(self) -> KeyClient:
        return cast("KeyClient", self.client("kms"))

    def client(self, service: str) -> object:
        """The client of any service, by botocore's name for it."""
        if service not in self._made:
            with self._making:  # several threads publish events; they share a client once it is made
                if service not in self._made:
                    self._made[service] = self._make(service)
        return self._made[service]

    def _make(self, service: str) -> object:
        from botocore.config import Config  # noqa: PLC0415 (135 ms, only for processes that use a client)
        from botocore.session import Session  # noqa: PLC0415 (as above)

        from infra.aws.service_models import loader  # noqa: PLC0415 (as above)

        if self._session is None:
            self._session = Session()
            self._session.register_component("data_loader", loader())
        config = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            parameter_validation=False,  # our requests are valid; checking them costs a tenth of a call
            user_agent=f"conduit {self._session.user_agent()}",  # otherwise it is built twice per call
            retries={"mode": "standard", "total_max_attempts": TRIES},
        )
        client = self._session.create_client(
            service, region_name=self._region, endpoint_url=self._endpoint, config=config
        )
        _lighten(client, self._session.get_config_variable("ca_bundle"))
        if service in {"dynamodb", "events"}:
            _remember_endpoints(client)
        return client


def _remember_endpoints(client: Any) -> None:
    """Resolve the address of each operation once.

    The endpoint rules of DynamoDB and EventBridge depend only on the region, the account, the settings, and the table
    or bus, which are the same for all calls of a deployment. Evaluating them again takes a tenth of a call's CPU.
    """
    resolver = getattr(client, "_ruleset_resolver", None)  # it has no public name
    if resolver is None:
        return
    resolve = resolver.construct_endpoint
    known: dict[str, Any] = {}

    def construct_endpoint(operation_model: Any, call_args: Any, request_context: Any) -> Any:
        name = operation_model.name
        if name not in known:
            known[name] = resolve(operation_model, call_args, request_context)
        return known[name]

    resolver.construct_endpoint = construct_endpoint


def _lighten(client: Any, ca_bundle: str | None) -> None:
    """Give a client our transport, unless its calls go through a proxy, which only botocore's own session supports.

    Args:
        client: a client of botocore.
        ca_bundle: the certificates from the environment.
    """
    from botocore.utils import get_environ_proxies  # noqa: PLC0415 (as above)

    from infra.aws.transport import AwsTransport  # noqa: PLC0415 (as above)

    endpoint = getattr(client, "_endpoint", None)  # it has no public name
    usual = getattr(endpoint, "http_session", None)
    if endpoint is None or usual is None or get_environ_proxies(client.meta.endpoint_url):
        return
    endpoint.http_session = AwsTransport(
        usual,
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        ca_bundle=ca_bundle or os.environ.get("REQUESTS_CA_BUNDLE"),
    )
