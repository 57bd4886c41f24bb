"""The service that jobs call over HTTP: it answers, fails, and remembers the key of each call."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random
from typing import Any

from infra.outside.errors import HttpFailedError
from infra.outside.http_request import Call


class SimulatedService:
    """The service and the calls that it received.

    Args:
        random: decides whether a call fails.

    Attributes:
        keys: the keys of a step's calls, by the path that the step sends.
        calls: the number of calls with each key.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self.keys: defaultdict[str, set[str]] = defaultdict(set)
        self.calls: Counter[str] = Counter()

    def send(self, call: Call, _: object) -> dict[str, Any]:
        """Answer a call as `infra.outside.http_client.HttpClient` does; half of the failed calls had their effect."""
        if self._random.random() < 0.05:
            raise HttpFailedError("no connection")
        key = call.headers["Idempotency-Key"]
        self.keys[dict(call.query)["place"]].add(key)
        self.calls[key] += 1
        if self._random.random() < 0.05:
            raise HttpFailedError("the connection was closed")
        return {"status": 200, "headers": {}, "body": {"number": sum(self.calls.values()), "key": key}}
