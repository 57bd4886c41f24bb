"""The `conduit` command: jobs on a developer's machine, through the real handler on the embedded AWS."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from blocks.discovery import BlockFolderError
from handler.console.block_page import UnknownBlockError, find_block, list_lines, page_lines
from handler.console.job_printer import JsonPrinter, LivePrinter, PlainPrinter, Printer, complain, print_jobs, write
from handler.console.job_source import UnreadableError, read_jobs
from handler.console.lambda_event import Identity
from handler.console.local_server import AddressError, LocalServer
from handler.console.usage import make_parser
from handler.console.workstation import JobRefusedError, Options, Workstation, open_workstation

INTERRUPTED: Final = 130
"""The shell's code for a program that Ctrl-C ended."""
BAD_INPUT: Final = 2
FAILED: Final = 1
_UNWRITABLE: Final = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
BLOCKS: Final = "CONDUIT_BLOCKS"
"""Folders with further blocks; see `blocks.discovery`."""
DEVELOPMENT: Final = frozenset({"moto", "rich"})
"""What a deployment is built without."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: those after the program's name; the process's own by default.

    Returns:
        The exit code: 0, 1 when a job failed (or is not valid), 2 when the input is unusable, 130 after Ctrl-C.
    """
    try:
        return _run_command(arguments)
    except OSError as error:
        # The reader of a pipe has gone, as `| head` does, or the disk is full. What Python still holds of the output
        # cannot be written either, and it would complain once more at exit.
        if error.errno not in _UNWRITABLE or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            complain(f"The output cannot be written: {error.strerror}.")
        return FAILED


def _run_command(arguments: Sequence[str] | None) -> int:
    chosen = make_parser(COMMANDS).parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Users write in any script; what reads a pipe expects UTF-8, and a terminal shows what it can.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
    if getattr(chosen, "blocks", None):
        os.environ[BLOCKS] = os.pathsep.join(chosen.blocks)
    try:
        code: int = chosen.command(chosen)
        sys.stdout.flush()
    except (UnreadableError, UnknownBlockError, AddressError, BlockFolderError) as error:
        complain(str(error))
        return BAD_INPUT
    except ModuleNotFoundError as error:
        if error.name not in DEVELOPMENT:
            raise
        complain(f"{error.name} is not installed: this command needs what requirements-dev.txt adds")
        return BAD_INPUT
    except KeyboardInterrupt:
        complain("Interrupted.")
        return INTERRUPTED
    return code


def _options(chosen: Namespace, *, watched: bool = False) -> Options:
    return Options(
        identity=Identity(subject=chosen.tenant, tags=tuple(chosen.tag)),
        invocation=chosen.invocation,
        watched=watched,
        verbose=chosen.verbose,
    )


def _run(chosen: Namespace) -> int:
    jobs = read_jobs(chosen.files)
    live = not chosen.json and sys.stdout.isatty()
    with _interruptible() as check, open_workstation(_options(chosen, watched=live), check=check) as station:
        if live or (chosen.records and not chosen.json):
            station.services.follow_bus()
        else:
            station.services.mute_bus()
        printer = JsonPrinter() if chosen.json else _printer(station, live=live)
        return print_jobs(jobs, station, printer, records=chosen.records and not chosen.json)


def _demo(chosen: Namespace) -> int:
    from handler.console.demo import show_demo  # noqa: PLC0415  # only this command needs it

    live = sys.stdout.isatty()
    with _interruptible() as check, open_workstation(_options(chosen, watched=live), check=check) as station:
        station.services.follow_bus()
        return show_demo(station, _printer(station, live=live))


def _printer(station: Workstation, *, live: bool) -> Printer:
    return LivePrinter(station.services) if live else PlainPrinter(station.services)


def _serve(chosen: Namespace) -> int:
    with _interruptible() as check, open_workstation(_options(chosen), check=check) as station:
        station.services.follow_bus()
        server = LocalServer(station, chosen.host, chosen.port, lambda line: write([line]))
        write([f"Conduit on {server.address}  (its description: {server.address}/docs; Ctrl-C ends it)"])
        try:
            server.run()
        except KeyboardInterrupt:
            write(["Conduit has ended; what it held is gone."])
    return 0


def _validate(chosen: Namespace) -> int:
    code = 0
    jobs = read_jobs(chosen.files)
    with _interruptible() as check, open_workstation(_options(chosen), check=check) as station:
        for job in jobs:
            try:
                answer = station.ask("POST", "/jobs/validate", job.text, {"Content-Type": "application/json"})
            except JobRefusedError as error:
                complain(f"{job.name}: {error}")
                code = BAD_INPUT
                continue
            if not answer["valid"]:
                code = code or FAILED
            write([json.dumps(answer, ensure_ascii=False)] if chosen.json else _findings(job.name, answer))
    return code


def _findings(name: str, answer: dict[str, Any]) -> list[str]:
    found = [
        f"{name}: {problem['severity']}: {problem['pointer'] or '(the job)'}: {problem['code']}: {problem['message']}"
        for problem in answer["problems"]
    ]
    return [*found, f"{name}: {'valid' if answer['valid'] else 'not valid'}"]


def _blocks(chosen: Namespace) -> int:
    from blocks.block import REGISTRY  # noqa: PLC0415  # `conduit --help` needs no blocks

    if not chosen.json:
        write(page_lines(REGISTRY, chosen.name) if chosen.name else list_lines(REGISTRY))
        return 0
    for block in [find_block(REGISTRY, chosen.name)] if chosen.name else REGISTRY:
        page = {"name": block.action, "description": block.description, "parameters": block.schema()}
        write([json.dumps(page, ensure_ascii=False)])
    return 0


def _jobs(chosen: Namespace) -> int:
    from handler.console.remote_jobs import run_action  # noqa: PLC0415  # only this command calls an API

    return run_action(chosen)


def _new(chosen: Namespace) -> int:
    from handler.console.new_project import ProjectError, make_project  # noqa: PLC0415  # rare

    folder = Path(chosen.folder)
    try:
        files = make_project(folder, Path(__file__).resolve().parents[1])
    except ProjectError as error:
        complain(str(error))
        return BAD_INPUT
    write([*map(str, files), "", f"Go on with: cd {folder} && make test run"])
    return 0


COMMANDS: Final = {
    "run": _run,
    "serve": _serve,
    "validate": _validate,
    "blocks": _blocks,
    "jobs": _jobs,
    "new": _new,
    "demo": _demo,
}


@contextmanager
def _interruptible() -> Iterator[Callable[[], None]]:
    """Make Ctrl-C (and SIGTERM) end the command even when it comes while a block runs.

    The engine takes a KeyboardInterrupt inside a block for the block's own; so it is remembered, and the function that
    this gives raises it again once the invocation is over.
    """
    came: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        del frame
        came.append(number)
        raise KeyboardInterrupt

    def check() -> None:
        if came:
            raise KeyboardInterrupt

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield check
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
