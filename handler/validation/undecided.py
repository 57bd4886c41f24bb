"""The exception for values that only a run knows."""

from __future__ import annotations


class Undecided(Exception):  # noqa: N818  # a result, not an error
    """Only a run knows the value of a tag or an expression."""
