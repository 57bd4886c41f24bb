"""A shell in a terminal of 80 columns, and the content of its screen."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from pathlib import Path
from typing import Final, Self

COLUMNS: Final = 80
ROWS: Final = 60
_PROMPT: Final = "@ready@"
_CODE: Final = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\x1b[=>]")


class Shell:
    """An interactive shell. Use it as a context manager; its exit kills everything that the shell started.

    Args:
        folder: its working directory.
        environment: its variables.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = {**environment, "PS1": _PROMPT, "PS2": "", "TERM": "xterm-256color", "HISTFILE": ""}

    def __enter__(self) -> Self:
        self._process, self._terminal = pty.fork()
        if not self._process:
            os.chdir(self._folder)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"], self._environment)  # noqa: S606, S607  # a child's own end
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        settings = termios.tcgetattr(self._terminal)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(self._terminal, termios.TCSANOW, settings)
        self._read()
        return self

    def run(self, line: str, patience: float = 90.0) -> list[str]:
        """The lines that a command line leaves on an empty screen.

        Args:
            line: the command line.
            patience: seconds until the prompt must appear again.
        """
        os.write(self._terminal, line.encode() + b"\n")
        return screen_of(self._read(patience))

    def _read(self, patience: float = 30.0) -> str:
        """The output until the next prompt."""
        text, end, decode = "", time.monotonic() + patience, codecs.getincrementaldecoder("utf-8")().decode
        while not text.endswith(_PROMPT):
            assert time.monotonic() < end, text
            if select.select([self._terminal], [], [], 0.2)[0]:
                text += decode(os.read(self._terminal, 65536))
        return text.removesuffix(_PROMPT)

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, AssertionError):
            self.run("kill -9 $(jobs -p)", patience=10)
        os.close(self._terminal)
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)


def screen_of(text: str) -> list[str]:
    """The lines of a screen, without trailing spaces, after this text was written to it."""
    lines, row, column, at = [""], 0, 0, 0
    while at < len(text):
        code = _CODE.match(text, at)
        if code:
            at = code.end()
            count = int(code[1]) if (code[1] or "").isdecimal() else 1
            if code[2] == "A":
                row = max(0, row - count)
            elif code[2] == "K":
                lines[row] = "" if code[1] == "2" else lines[row][:column]
            continue
        character, at = text[at], at + 1
        if character == "\r":
            column = 0
        elif character == "\n":
            row, column = row + 1, 0
            if row == len(lines):
                lines.append("")
        else:
            if column == COLUMNS:
                row, column = row + 1, 0
                if row == len(lines):
                    lines.append("")
            lines[row] = lines[row][:column].ljust(column) + character + lines[row][column + 1 :]
            column += 1
    return "\n".join(line.rstrip() for line in lines).strip("\n").split("\n")
