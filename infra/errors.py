"""What can go wrong with AWS, ordered by what the caller does next.

    InfraError
    ├── TryLaterError          the same call may work in a while: keep the message, answer 503
    └── GiveUpError            it will not work before someone changes something
        ├── MisconfiguredError     access denied, no such table, bus or queue: the deployment is wrong
        └── TooLargeError          AWS would refuse the size: the caller keeps less or sends less

A refused condition is no error: conditional writes return it (see `infra.jobs_table`).
"""

from __future__ import annotations


class InfraError(Exception):
    """AWS did not do what was asked."""


class TryLaterError(InfraError):
    """Throttled, down, or out of reach: nothing is known to be wrong with the request."""


class GiveUpError(InfraError):
    """Trying again changes nothing."""


class MisconfiguredError(GiveUpError):
    """Access is denied, or the table, bus or queue does not exist."""


class TooLargeError(GiveUpError):
    """More bytes than AWS takes in one item, entry or message."""
