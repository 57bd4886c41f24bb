"""The exception for values that only a run knows."""

from __future__ import annotations


class Undecided(Exception):  # noqa: N818  # not an error: an answer
    """Only a run knows the value of a tag or an expression."""
