"""What ends a command with exit code 2."""

from __future__ import annotations


class InputError(Exception):
    """What the command was given cannot be used. The message is what the user reads."""
