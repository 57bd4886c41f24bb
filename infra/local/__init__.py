"""AWS on a developer's machine: the embedded AWS in this process, its queue poller, and its data folder."""

from infra.local.embedded_aws import (
    ACCOUNT,
    DEAD_LETTER_QUEUE,
    MAX_RECEIVES,
    QUEUE,
    REGION,
    TABLE,
    TTL_ATTRIBUTE,
    EmbeddedAws,
    embedded,
)

__all__ = [
    "ACCOUNT",
    "DEAD_LETTER_QUEUE",
    "MAX_RECEIVES",
    "QUEUE",
    "REGION",
    "TABLE",
    "TTL_ATTRIBUTE",
    "EmbeddedAws",
    "embedded",
]
