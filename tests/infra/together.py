"""A call that several jobs share, and several jobs driven in turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Together:
    """Does all parts in one call, once a given number of jobs have asked."""

    count: int
    parts: list[Any] = field(default_factory=list)
    results: Sequence[Any] | None = None

    async def join(self, what: str, part: Any, work: Callable[[Sequence[Any]], Awaitable[Sequence[Any]]]) -> Any:
        assert what in {"put", "publish", "read"}
        number = len(self.parts)
        self.parts.append(part)
        while len(self.parts) < self.count:
            await _Wait()
        if self.results is None:
            self.results = await work(self.parts)
            if number:
                await _Wait()  # so that they continue in their order
        if isinstance(self.results[number], Exception):
            raise self.results[number]
        return self.results[number]


class _Wait:
    def __await__(self) -> Any:
        yield


def run(*jobs: Coroutine[Any, Any, Any]) -> list[Any]:
    """Drive jobs in turns; returns the result or the exception of each."""
    results: dict[int, Any] = {}
    while len(results) < len(jobs):
        for number, job in enumerate(jobs):
            if number in results:
                continue
            try:
                job.send(None)
            except StopIteration as stop:
                results[number] = stop.value
            except Exception as error:  # noqa: BLE001 (the job's outcome)
                results[number] = error
    return [results[number] for number in range(len(jobs))]
