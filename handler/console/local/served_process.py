"""One of the two processes of `conduit serve`: the API, or the worker. Each calls the function like AWS.

Each ends with the process that started it: its standard input is a pipe from that process.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from handler.console.local.lambda_event import Identity
from handler.console.local.local_lambda import LocalLambda
from handler.console.local.local_server import LocalServer
from handler.console.local.workstation import SWEEP_SECONDS
from handler.invocation.event_loop import run_coroutine
from infra.aws.clients import Clients
from infra.local.queue_poller import QueuePoller
from infra.local.schedule_list import schedule_keys

IDLE_SECONDS: Final = 0.2
"""Seconds for which the worker waits before it polls an empty queue again. Polling may last all day, so it must be
cheap."""
FIRING_SECONDS: Final = 1.0
"""Seconds between checks of the schedules."""


# Unmeasured from here (`conduit serve` kills these processes; test_serving.py runs them)


def main() -> None:
    """Run one process. Arguments: the role, ``api`` or ``worker``, and the options as JSON."""
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    role, options = sys.argv[1], json.loads(sys.argv[2])
    clients = Clients()
    function = _function(options, clients)
    if role == "worker":
        while True:
            if not function.work():
                time.sleep(IDLE_SECONDS)
    out = sys.stdout  # `sys.stdout` is redirected while the function runs

    def log(line: str) -> None:
        out.write(line + "\n")
        out.flush()

    listener = socket.socket(fileno=options["listener"])
    LocalServer(
        function, listener, log, Timetable(function, time.monotonic, time.time, Firings(clients, os.environ))
    ).run()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _function(options: Mapping[str, Any], clients: Clients) -> LocalLambda:
    from handler.app import lambda_handler  # noqa: PLC0415  # after the thread that watches the parent process has started

    seconds = options["invocation"]
    limits = {} if seconds is None else dict.fromkeys(("http_seconds", "worker_seconds"), seconds)
    return LocalLambda(
        handler=lambda_handler,
        poller=QueuePoller(
            clients.sqs(),
            url=os.environ["QUEUE_URL"],
            arn=os.environ["SCHEDULER_QUEUE_ARN"],
            region=os.environ["AWS_REGION"],
        ),
        now=time.monotonic,
        epoch=time.time,
        identity=Identity(subject=options["subject"], tags=tuple(options["tags"])),
        **limits,
    )


# Measured again.


class Timetable:
    """Sweeps each minute and fires schedules each second, if it is called often enough.

    Args:
        function: the function whose sweep is called.
        now: seconds of a monotonic clock.
        epoch: seconds since the epoch.
        fire: called with two times; sends the messages of the schedules that fire after the first and by the second.
    """

    def __init__(
        self,
        function: LocalLambda,
        now: Callable[[], float],
        epoch: Callable[[], float],
        fire: Callable[[float, float], None],
    ) -> None:
        self._function = function
        self._now = now
        self._epoch = epoch
        self._fire = fire
        self._swept = now()
        self._fired = epoch()

    def __call__(self) -> None:
        """Sweep, and fire schedules, if they are due."""
        if self._now() - self._swept >= SWEEP_SECONDS:
            self._swept = self._now()
            self._function.sweep()
        until = self._epoch()
        if until - self._fired >= FIRING_SECONDS:
            self._fire(self._fired, until)
            self._fired = until


class Firings:
    """Sends the messages that EventBridge Scheduler would send."""

    def __init__(self, clients: Clients, environment: Mapping[str, str]) -> None:
        self._clients = clients
        self._environment = environment

    def __call__(self, since: float, until: float) -> None:
        """Send the messages of the schedules that fired after `since` and by `until`."""
        keys = schedule_keys(self._clients.scheduler(), self._environment["SCHEDULER_GROUP"])
        if not keys:
            return
        from handler.settings import Settings  # noqa: PLC0415  # few deployments have a schedule
        from handler.wiring import wire  # noqa: PLC0415
        from handler.workflows.due_firings import due_firings  # noqa: PLC0415

        ports = wire(Settings.from_environment(self._environment))
        for body in run_coroutine(due_firings(ports, keys, since, until)):
            cast("Any", self._clients.sqs()).send_message(QueueUrl=self._environment["QUEUE_URL"], MessageBody=body)


if __name__ == "__main__":  # pragma: no cover (see main)
    main()
