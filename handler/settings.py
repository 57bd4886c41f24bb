"""The deployment's settings: the environment as one frozen model, read once.

Each field is the environment variable of its name in upper case. `template.yaml` sets them; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from handler.engine.limits import PAYLOAD, STEPS, Limits
from handler.invocation.event_kind import Kind

_LIMITS: Final = Limits()


class SettingsError(Exception):
    """The environment variables are not valid. The message names each one."""


def _words(value: Any) -> Any:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


def _narrow(globs: tuple[str, ...]) -> tuple[str, ...]:
    for glob in globs:
        if not glob.strip("*?."):
            raise ValueError(f"{glob} would open every private address; name the hosts")
    return globs


Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


def _pairs(value: Any) -> Any:
    """Split ``a=b`` into pairs. ``none`` means no pairs, because an empty variable counts as not set."""
    if not isinstance(value, str):
        return value
    return tuple(tuple(word.split("=", 1)) for word in _words(value) if word != "none")


Name = Annotated[str, Field(min_length=1)]
BlockTags = Annotated[tuple[tuple[Name, Name], ...], BeforeValidator(_pairs)]
Ports = Annotated[tuple[Annotated[int, Field(ge=1, le=65_535)], ...], BeforeValidator(_words)]
Globs = Annotated[tuple[Annotated[str, Field(pattern=r"^[^\s/@\\]+$")], ...], BeforeValidator(_words)]
PrivateGlobs = Annotated[Globs, AfterValidator(_narrow)]
ALL_DOORS: Final[tuple[Kind, ...]] = get_args(Kind)
AwsOperations = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[a-z0-9-]+:[A-Za-z0-9]+$")], ...], BeforeValidator(_words)
]
DoorNames = Annotated[tuple[Kind, ...], BeforeValidator(_words)]
Seconds = Annotated[float, Field(ge=0)]


class Settings(BaseModel):
    """The settings of a deployment. Sizes are in bytes, times in seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    # Resources.
    table_name: str
    """The table of jobs."""
    bus_name: str
    """The bus that events are published on; a name or an ARN."""
    queue_url: str
    """The queue of jobs."""
    dead_letter_queue_url: str
    """The queue for messages that can never succeed."""
    queue_arns: Words = ()
    """Queues whose messages are accepted; empty accepts any (the embedded AWS has its own names)."""
    scheduler_group: str = "default"
    """The group of EventBridge Scheduler that holds users' schedules."""
    scheduler_role_arn: str = ""
    """ARN of the role that EventBridge Scheduler assumes to send to the queue."""
    scheduler_queue_arn: str = ""
    """ARN of the queue that schedules send to."""

    # Public addresses.
    public_routes: bool = False
    """Whether hooks and callbacks have public addresses."""
    public_url: str = ""
    """The API's public address, for the URLs of hooks and callbacks; if empty, they have no host."""

    api_ids: Words = ()
    """Ids of the APIs whose requests are accepted; empty accepts any (the API's function cannot know its id)."""
    doors: DoorNames = ALL_DOORS
    """The kinds of event that this function accepts. The template sets them for each function."""

    secrets_key: str = ""
    """Id or ARN of the KMS key that encrypts secrets; without one, no secret can be stored."""
    stack: str = "conduit"
    """The deployment's name. Secrets are encrypted for it: another stack cannot decrypt a copy of the table."""

    # Callers.
    tenant_claim: str = "sub"
    principal_claim: str = "sub"
    tags_claim: str = "scope"
    queue_tenant: str = ":queue"
    """The tenant of jobs that come from the queue or by direct invocation. No claim can encode to the default: a colon
    in a claim is percent-encoded."""
    queue_tags: Words = ()

    cors_origins: Words = ()
    """Origins whose pages may read the API in a browser; ``*`` for any; empty for none."""

    block_tags: BlockTags = (("AWS.*", "aws"),)
    """Globs of block names, each with the tag that a job needs for these blocks: ``HTTP.*=http, AWS.*=aws``."""

    # Limits.
    payload_limit: int = Field(default=PAYLOAD, ge=1, le=380_000)
    step_limit: int = Field(default=STEPS, ge=0)
    nesting_limit: int = Field(default=_LIMITS.nesting, ge=1)
    record_limit: int = Field(default=_LIMITS.record, ge=1, le=380_000)
    results_limit: int = Field(default=_LIMITS.results, ge=1)
    variables_limit: int = Field(default=_LIMITS.variables, ge=1)
    items_limit: int = Field(default=_LIMITS.items, ge=0)
    """Items of one `for_each`."""
    records_limit: int = Field(default=_LIMITS.loop_records, ge=0)
    """Records inside all loops of one job."""
    max_workflows: int = Field(default=1000, ge=1)
    """Stored workflows of one tenant."""
    max_schedules: int = Field(default=1000, ge=1)
    """Schedules of one tenant."""
    max_hooks: int = Field(default=100, ge=1)
    """Hooks of one tenant."""
    max_secrets: int = Field(default=100, ge=1)
    """Secrets of one tenant."""
    max_running_jobs: int | None = Field(default=None, ge=1)
    """Unfinished jobs of one tenant at once; above this, the answer is 429. `None` for any number."""

    # Time.
    reserve: Seconds = 2.0
    """The time that an invocation reserves for writing records and events."""
    http_seconds: Seconds = 29.0
    """How long a caller over HTTP waits before the job is handed over to the queue."""
    job_seconds: Seconds = 86_400.0
    """How long a job may take in total, from its acceptance."""
    lease_margin: Seconds = 5.0
    """How long a lease outlasts its invocation, since clocks differ."""
    flush_interval: Seconds = 1.0
    retention_days: int = Field(default=30, ge=2)
    """The days after which records expire. At least 2, since a redrive is refused within 25 h of expiry."""
    max_attempts: int = Field(default=3, ge=1)
    max_hand_overs: int = Field(default=100, ge=1)
    max_receives: int = Field(default=20, ge=6)
    """The queue's `maxReceiveCount`: the number of receives after which a message becomes a dead letter."""

    # HTTP calls.
    http_plain: bool = False
    """Whether ``http`` is allowed besides ``https``."""
    http_ports: Ports = ()
    """Ports that are allowed besides 80, 443 and 8443."""
    http_hosts: Globs = ("*",)
    """Globs of the hosts that may be called at all."""
    http_private_hosts: PrivateGlobs = ()
    """Globs of the hosts that may have private addresses: services inside the VPC."""
    http_limit: int = Field(default=200 * 1024, ge=1, le=10 * 1024 * 1024)
    """Bytes of an answer's body, decompressed."""

    # AWS calls.
    aws_calls: AwsOperations = ()
    """The allowed operations, each ``service:Operation``, such as ``sns:Publish``; empty for none."""
    aws_call_role: str = ""
    """ARN of the role that the calls assume; without one, no call is made."""

    # Events, log and metrics.
    step_events: Literal["all", "grouped", "failures", "none"] = "all"
    event_limit: int = Field(default=240 * 1024, ge=1024)
    """Bytes of one event entry. EventBridge accepts 256 KB per call; the rest is for the envelope."""
    log_level: Literal["DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """The lowest level that is logged. Metrics are not log lines and are written at every level."""
    log_payloads: bool = False
    block_metrics: bool = False
    """Whether the metrics of steps distinguish blocks."""
    page: bool = False
    """Whether `GET /` answers with the page of runs. It contains no data, so it needs no credentials."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; an empty variable counts as not set.

        Each invocation reads them, so that a process sees changes. Unchanged variables are not checked again.

        Raises:
            SettingsError: a variable is missing or invalid; the message names all of them.
        """
        return _checked(cls, tuple(environment.get(name.upper(), "") for name in cls.model_fields))


@lru_cache(maxsize=4)
def _checked(kind: type[Settings], texts: tuple[str, ...]) -> Settings:
    """The settings from these values of the variables, in the order of the fields."""
    try:
        return kind.model_validate({name: text for name, text in zip(kind.model_fields, texts, strict=True) if text})
    except ValidationError as error:
        lines = [
            f"{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_url=False, include_input=False)
        ]
        raise SettingsError("The environment cannot be used:\n  " + "\n  ".join(lines)) from None
