"""The answer that only a run can give."""

from __future__ import annotations


class Undecided(Exception):  # noqa: N818  # no error: an answer
    """Only a run knows what a tag or an expression will find."""
