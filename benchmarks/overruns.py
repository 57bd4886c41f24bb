"""Things that a block may do for too long. Each is prepared first, so that only the overrun itself is measured."""

from __future__ import annotations

import asyncio
import bz2
import hashlib
import json
import os
import queue
import random
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Overrun:
    """One thing to do.

    Attributes:
        what: a description, for the table.
        prepare: prepares its data and returns the block.
        quick: whether it is part of the short run.
    """

    what: str
    prepare: Callable[[], Callable[[], Any]]
    quick: bool = True


def loop() -> None:
    while True:
        pass


def wait_at_a_socket() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.recv(1)


def accept_a_connection() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.accept()


def wait_for_a_lock() -> None:
    lock = threading.Lock()
    with lock:
        lock.acquire()


def wait_for_a_thread() -> None:
    thread = threading.Thread(target=time.sleep, args=(30,), daemon=True)
    thread.start()
    thread.join()


def catch_everything() -> None:
    while True:
        try:  # noqa: SIM105  # as a bad block does
            time.sleep(60)
        except BaseException:  # noqa: BLE001  # as a bad block does
            pass


def catch_everything_in_layers() -> None:
    while True:
        try:  # noqa: SIM105  # as a bad block does
            catch_everything()
        except BaseException:  # noqa: BLE001  # as a bad block does
            pass


def clean_up_forever() -> None:
    try:
        loop()
    finally:
        loop()


async def yield_forever() -> None:
    while True:  # noqa: ASYNC110  # as a bad block does
        await asyncio.sleep(0)


async def block_the_event_loop() -> None:
    time.sleep(60)  # noqa: ASYNC251  # as a bad block does


async def swallow_cancellation() -> None:
    while True:
        try:  # noqa: SIM105  # as a bad block does
            await asyncio.sleep(60)
        except BaseException:  # noqa: BLE001  # as a bad block does
            pass


def read_json() -> Callable[[], int]:
    text = "[" + ",".join(["[0.12345, 67890]"] * (100 * MEGABYTE // 17)) + "]"
    return lambda: len(json.loads(text))


def replace_text() -> Callable[[], int]:
    text = "a" * (20 * MEGABYTE)
    return lambda: len(text.replace("a", "b" * 100))


def sort_floats() -> Callable[[], int]:
    chance = random.Random(1)
    numbers = [chance.random() for _ in range(5_000_000)]
    return lambda: len(sorted(numbers))


def compress(function: Callable[[bytes], bytes], megabytes: int) -> Callable[[], Callable[[], int]]:
    def prepare() -> Callable[[], int]:
        data = os.urandom(MEGABYTE) * megabytes
        return lambda: len(function(data))

    return prepare


def query_sqlite() -> Callable[[], int]:
    connection = sqlite3.connect(":memory:", check_same_thread=False)
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000000) SELECT count(*) FROM n"
    return lambda: int(connection.execute(query).fetchone()[0])


def ready(block: Callable[[], Any]) -> Callable[[], Callable[[], Any]]:
    """`Overrun.prepare` of a block that needs no preparation."""
    return lambda: block


OVERRUNS: dict[str, Overrun] = {
    "loop": Overrun("an endless loop", ready(loop)),
    "sleep": Overrun("`time.sleep`", ready(lambda: time.sleep(60))),
    "socket": Overrun("reading from a silent socket", ready(wait_at_a_socket)),
    "accept": Overrun("accepting a connection that never comes", ready(accept_a_connection)),
    "lock": Overrun("a lock that is never released", ready(wait_for_a_lock)),
    "queue": Overrun("an empty queue", ready(lambda: queue.Queue[int]().get())),
    "thread": Overrun("joining a thread", ready(wait_for_a_thread)),
    "program": Overrun("waiting for a program", ready(lambda: subprocess.run(["/bin/sleep", "60"], check=False))),
    "regex": Overrun("a regular expression that explodes", ready(lambda: re.match(r"(a+)+$", "a" * 50 + "b"))),
    "power": Overrun("`7 ** 50_000_000`", ready(lambda: pow(7, 50_000_000) > 0)),
    "key-sort": Overrun("sorting with a key in Python", ready(lambda: len(sorted(range(10**7), key=lambda n: -n)))),
    "catch": Overrun("catching everything, forever", ready(catch_everything)),
    "layers": Overrun("the same, in two layers", ready(catch_everything_in_layers)),
    "finally": Overrun("an endless clean-up", ready(clean_up_forever)),
    "yield": Overrun("a coroutine that yields forever", ready(yield_forever)),
    "blocking": Overrun("a coroutine that blocks its event loop", ready(block_the_event_loop)),
    "swallow": Overrun("a coroutine that swallows cancellations", ready(swallow_cancellation)),
    "json": Overrun("`json.loads` of 100 MB", read_json, quick=False),
    "replace": Overrun("`str.replace` to 2 GB", replace_text, quick=False),
    "sum": Overrun("`sum(range(10**9))`", ready(lambda: sum(range(10**9)))),
    "sort": Overrun("`sorted` of 5 million floats", sort_floats, quick=False),
    "number": Overrun("`int` of a million digits", ready(lambda: int("9" * 1_000_000).bit_length()), quick=False),
    "deflate": Overrun("`zlib.compress` of 128 MB", compress(zlib.compress, 128), quick=False),
    "bzip": Overrun("`bz2.compress` of 64 MB", compress(bz2.compress, 64), quick=False),
    "hash": Overrun(
        "`hashlib.pbkdf2_hmac`, 10 million rounds",
        ready(lambda: hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 10_000_000).hex()),
        quick=False,
    ),
    "sqlite": Overrun("a query of SQLite over 50 million rows", query_sqlite, quick=False),
}

sys.set_int_max_str_digits(0)  # `number` measures the time, so Python must not refuse it
