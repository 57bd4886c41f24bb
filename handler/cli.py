"""The `conduit` command: runs jobs on a developer's machine and controls the jobs of a stack."""

from __future__ import annotations

import errno
import gc
import importlib
import io
import os
import sys
from collections.abc import Sequence
from typing import Any, Final

from blocks.discovery import BlockFolderError
from handler.console.errors import InputError
from handler.console.usage import make_parser

INTERRUPTED: Final = 130
"""The shell's exit code for a program that Ctrl-C ended."""
BAD_INPUT: Final = 2
FAILED: Final = 1
_UNWRITABLE: Final = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
BLOCKS: Final = "CONDUIT_BLOCKS"
"""The variable with the folders of further blocks; see `blocks.discovery`."""
DEVELOPMENT: Final = frozenset({"moto", "rich"})
"""Packages that a deployment is built without."""
COMMANDS: Final = {
    name: f"handler.console.commands.{name}"
    for name in ("run", "serve", "validate", "blocks", "schema", "jobs", "new", "completion", "demo")
}
"""The module of each command, imported when the command is called: help needs none of them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the arguments after the program's name; by default those of the process.

    Returns:
        The exit code: 0, 1 when a job failed (or is not valid), 2 when the input is unusable, 130 after Ctrl-C.
    """
    try:
        return _run_command(arguments)
    except OSError as error:
        # The reader of the pipe has ended, as with `| head`, or the disk is full. Python cannot write the rest of its
        # buffer either, and would report that again at exit.
        if error.errno not in _UNWRITABLE or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno != errno.EPIPE:
            _complain(f"The output cannot be written: {error.strerror}.")
        return FAILED


def _run_command(arguments: Sequence[str] | None) -> int:
    chosen = make_parser(COMMANDS).parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Users write in any script. Programs at the other end of a pipe expect UTF-8; a terminal may support less.
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
    if getattr(chosen, "blocks", None):
        os.environ[BLOCKS] = os.pathsep.join(chosen.blocks)
    try:
        code: int = _load(COMMANDS[chosen.command]).execute(chosen)
        sys.stdout.flush()
    except (InputError, BlockFolderError) as error:
        _complain(str(error))
        return BAD_INPUT
    except ModuleNotFoundError as error:
        if error.name not in DEVELOPMENT:
            raise
        _complain(f"{error.name} is not installed. This command needs it: pip install '/path/to/conduit[local]'")
        return BAD_INPUT
    except KeyboardInterrupt:
        _complain("Interrupted.")
        return INTERRUPTED
    return code


def _load(name: str) -> Any:
    """Import a command's module with the garbage collector paused: imports leave no garbage."""
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.enable()


def _complain(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
