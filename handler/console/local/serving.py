"""`conduit serve`: this process holds the embedded AWS; two child processes, the API and the worker, use it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from handler.console.errors import InputError
from handler.console.local.block_files import block_folders, file_stamps
from handler.console.local.local_server import address_of
from handler.console.local.secret_file import refuse_secret
from handler.console.local.workstation import JobRefusedError, Options, environment_of
from handler.console.shown.job_text import log_lines
from infra.local import EmbeddedAws, embedded
from infra.local.data import DataFolderError, LocalData, release
from infra.local.door import LocalDoor
from infra.local.services import LocalServices
from infra.remote.api import RemoteApi, UnreachableApiError

NO_CONTENT: Final = 204
TURN_SECONDS: Final = 0.2
LOOK_SECONDS: Final = 1.0
"""Seconds between checks of the files of blocks."""
SHORT_LIFE: Final = 3.0
"""Seconds. A process that ends sooner failed to start; it is started again when a file of blocks changes."""


@dataclass(frozen=True, kw_only=True)
class _Child:
    process: subprocess.Popen[bytes]
    started: float


class Processes:
    """The API and the worker, started, restarted and ended together.

    Args:
        options: the developer's options.
        listener: the socket of the API.
        environment: environment variables of both, with the address of the embedded AWS.
        log: called with each line of the log.
    """

    def __init__(
        self, options: Options, listener: socket.socket, environment: dict[str, str], log: Callable[[str], None]
    ) -> None:
        self._environment = environment
        self._listener = listener
        self._log = log
        self._options = json.dumps(
            {
                "subject": options.identity.subject,
                "tags": list(options.identity.tags),
                "invocation": options.invocation,
                "listener": listener.fileno(),
            }
        )
        self._children: dict[str, _Child] = {}

    def start(self) -> None:
        """Start both."""
        for role in ("api", "worker"):
            self._start(role)

    def _start(self, role: str) -> None:
        # Its own session: Ctrl-C in the terminal reaches only this process, which then ends the children.
        process = subprocess.Popen(  # noqa: S603  # our own program
            [sys.executable, "-m", "handler.console.local.served_process", role, self._options],
            stdin=subprocess.PIPE,
            env=self._environment,
            pass_fds=(self._listener.fileno(),),
            start_new_session=True,
        )
        self._children[role] = _Child(process=process, started=time.monotonic())

    def revive(self) -> bool:
        """Restart a process that has ended by itself; return whether one was restarted."""
        revived = False
        for role, child in list(self._children.items()):
            code = child.process.poll()
            if code is None:
                continue
            if time.monotonic() - child.started < SHORT_LIFE:
                del self._children[role]
                self._log(f"  the {role} could not start; it starts again when a file of blocks changes")
                continue
            self._log(f"  the {role} ended with code {code}; it starts again")
            self._start(role)
            revived = True
        return revived

    def end(self) -> None:
        """Kill both, like AWS does with a sandbox. Their jobs are in the table."""
        for child in self._children.values():
            child.process.kill()
        for child in self._children.values():
            child.process.wait()
            if child.process.stdin is not None:
                child.process.stdin.close()
        self._children.clear()


class Serving:
    """Keeps the two processes running and logs the events on the bus."""

    def __init__(self, aws: EmbeddedAws, door: LocalDoor, processes: Processes, log: Callable[[str], None]) -> None:
        self._aws = aws
        self._door = door
        self._processes = processes
        self._log = log
        self._services = LocalServices(aws)
        self._services.follow_bus()
        self._folders = block_folders()
        self._stamps = file_stamps(self._folders)
        self._looked = time.monotonic()

    def run(self) -> None:
        """Run until an exception, such as Ctrl-C."""
        try:
            while True:
                self.turn()
                time.sleep(TURN_SECONDS)
        finally:
            self._log_events()

    def _log_events(self) -> None:
        with self._door.lock:
            events = self._services.take_events()
        for line in log_lines(events):
            self._log(f"  bus  {line}")

    def turn(self) -> None:
        """Log new events; restart processes that have ended, and both if a file of blocks has changed."""
        self._log_events()
        if self._processes.revive():
            self._release()
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._look()

    def _look(self) -> None:
        self._looked = time.monotonic()
        stamps = file_stamps(self._folders)
        if stamps == self._stamps:
            return
        self._stamps = stamps
        self._log("  a file of blocks has changed: restarting the API and the worker")
        self._processes.end()
        self._release()
        self._processes.start()

    def _release(self) -> None:
        with self._door.lock:
            release(self._aws)


@contextmanager
def open_serving(
    options: Options, listener: socket.socket, folder: Path | None, log: Callable[[str], None]
) -> Iterator[Serving]:
    """Run the embedded AWS and the two processes until the end of the block.

    URLs of hooks and callbacks name this API unless the environment sets `PUBLIC_ROUTES` or `PUBLIC_URL`.

    Args:
        options: the developer's options.
        listener: the socket of the API.
        folder: keeps tables and queues; ``None`` to keep nothing.
        log: called with each line of the log.

    Raises:
        InputError: the folder cannot be used.
    """
    with ExitStack() as stack:
        stack.enter_context(environment_of(options))
        aws = stack.enter_context(embedded())
        data = None
        if folder is not None:
            try:
                data = LocalData(folder)
            except DataFolderError as error:
                raise InputError(str(error)) from None
            stack.callback(data.close)
            data.restore(aws)
            os.environ.update(aws.environment)  # with the folder's own key for secrets
        door = LocalDoor(None if data is None else data.seen)
        stack.callback(door.close)
        public = {"PUBLIC_ROUTES": "true", "PUBLIC_URL": address_of(listener)}
        processes = Processes(options, listener, {**public, **os.environ, "AWS_ENDPOINT_URL": door.address}, log)
        stack.callback(processes.end)
        serving = Serving(aws, door, processes, log)
        processes.start()
        yield serving


def put_secrets(options: Options, address: str) -> None:
    """Store the secrets before a job needs them.

    Args:
        options: the developer's options.
        address: the URL of the API.

    Raises:
        InputError: the API refused a secret.
    """
    api = RemoteApi(address)
    for path, body in options.secrets.items():
        try:
            answer = api.call("PUT", path, body.encode())
        except UnreachableApiError as error:
            raise refuse_secret(path, str(error)) from None
        if answer.status != NO_CONTENT:
            raise refuse_secret(path, str(JobRefusedError(answer.body)))
