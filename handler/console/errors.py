"""The error that ends a command with exit code 2."""

from __future__ import annotations


class InputError(Exception):
    """The command cannot use its input. The message is shown to the user."""
