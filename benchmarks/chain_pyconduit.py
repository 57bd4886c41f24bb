"""The library that this project follows, pyconduit 1.0.4: load and run. It encodes, stores and limits nothing."""

from __future__ import annotations

import asyncio
import time
import warnings

from benchmarks.chain import arguments, demand, payload, repeat_awaited, report

warnings.simplefilter("ignore")  # it uses names that pydantic 2 deprecates, and the import would warn each time

import pyconduit  # noqa: E402  # after the filter for this import
from pyconduit.categories import Math  # noqa: E402, F401  # importing the category registers its blocks


async def main() -> None:
    given = arguments()
    source = payload(given.steps)

    async def job() -> float:
        began = time.perf_counter()
        conduit = pyconduit.Conduit.from_dict(source)
        await conduit.run()
        taken = time.perf_counter() - began
        demand(conduit.steps[-1].return_value, given.steps)
        return taken

    report(await repeat_awaited(job, seconds=given.seconds), steps=given.steps)


if __name__ == "__main__":
    asyncio.run(main())
