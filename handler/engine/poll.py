"""The polls of steps: a block is called again until its result meets a condition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """The rules for calling a step's block again after it has returned.

    Attributes:
        until: a condition; in it, ``result`` is the block's result.
        every: seconds between a return and the next call.
        most: the most calls that may return without meeting the condition.
    """

    until: Any
    every: float
    most: int

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Poll:
        """Parse the JSON form of a poll.

        Raises:
            ValueError: a key is unknown or missing, or a value is not valid.
        """
        if set(data) != {"until", "every", "max"}:
            raise ValueError("poll has `until`, `every` and `max`, and nothing else")
        every, most = data["every"], data["max"]
        if isinstance(every, bool) or not isinstance(every, (int, float)) or not 0 <= every < float("inf"):
            raise ValueError("poll.every is a number of seconds, 0 or more")
        if type(most) is not int or most < 1:
            raise ValueError("poll.max is a whole number of at least 1")
        return cls(until=data["until"], every=float(every), most=most)
