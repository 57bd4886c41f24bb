"""The service that jobs call over HTTP: it answers, fails, and remembers with which key each call came."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random
from typing import Any

from infra.outside.errors import HttpFailedError
from infra.outside.http_request import Call


class SimulatedService:
    """What it was asked.

    Args:
        random: decides whether a call fails.

    Attributes:
        keys: the keys with which the calls of a step came, by the place that the step says it has.
        calls: how often a key came.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self.keys: defaultdict[str, set[str]] = defaultdict(set)
        self.calls: Counter[str] = Counter()

    def send(self, call: Call, _: object) -> dict[str, Any]:
        """Answer a call as `infra.outside.http_client.HttpClient` does; half of the failed ones were taken."""
        if self._random.random() < 0.05:
            raise HttpFailedError("no connection")
        key = call.headers["Idempotency-Key"]
        self.keys[dict(call.query)["place"]].add(key)
        self.calls[key] += 1
        if self._random.random() < 0.05:
            raise HttpFailedError("the connection was closed")
        return {"status": 200, "headers": {}, "body": {"number": sum(self.calls.values()), "key": key}}
