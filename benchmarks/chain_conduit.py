"""Our engine as a library: ``Conduit.from_dict`` and ``run``, without records.

With ``--forget``, no string of the job is in the process's caches, as for a worker's first job of a kind.
"""

from __future__ import annotations

import asyncio
import time

from benchmarks.chain import arguments, demand, payload, repeat_awaited, report
from handler.engine import Conduit
from handler.engine.language import tags


def forget() -> None:
    """Empty the process's cache of parsed strings: two entries that fill a generation each drop all others."""
    for text in ("first", "second"):
        tags.remembered.put(text, (text,), tags.REMEMBERED // 2)


async def main() -> None:
    given = arguments()
    source = payload(given.steps)

    async def job() -> float:
        if given.forget:
            forget()
        began = time.perf_counter()
        conduit = Conduit.from_dict(source)
        await conduit.run()
        taken = time.perf_counter() - began
        demand(conduit.steps[-1].return_value, given.steps)
        return taken

    report(await repeat_awaited(job, seconds=given.seconds), steps=given.steps)


if __name__ == "__main__":
    asyncio.run(main())
