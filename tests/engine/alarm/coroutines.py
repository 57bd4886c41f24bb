"""Blocks that never end, in three ways."""

from __future__ import annotations

import asyncio


async def sleep_long() -> None:
    await asyncio.sleep(60)


async def yield_forever() -> None:
    while True:  # noqa: ASYNC110  # the block of these tests
        await asyncio.sleep(0)


async def block_the_loop() -> None:
    while True:
        pass
