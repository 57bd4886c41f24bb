"""The tags that a job needs for a block: the block's own tags, and those that the deployment adds."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from blocks.block import Block

Pairs = tuple[tuple[str, str], ...]
"""Globs over the names of blocks, each with a tag that those blocks need: ``(("AWS.*", "aws"),)``."""


class RequiredTags:
    """A deployment's rules for the tags that blocks need.

    Args:
        pairs: globs and tags, from the deployment's settings.
    """

    def __init__(self, pairs: Pairs) -> None:
        self._added = [(compile_glob(glob), tag) for glob, tag in pairs]
        self._known: dict[Block[..., Any], frozenset[str]] = {}

    def of(self, block: Block[..., Any]) -> frozenset[str]:
        """Return all tags that a job needs for the block."""
        known = self._known.get(block)
        if known is None:
            added = {tag for pattern, tag in self._added if pattern.fullmatch(block.action)}
            known = self._known[block] = block.tags | added
        return known


@lru_cache(maxsize=8)
def required_tags(pairs: Pairs = ()) -> RequiredTags:
    """Return one shared object for equal pairs: a process has few deployments and thousands of jobs."""
    return RequiredTags(pairs)


def compile_glob(pattern: str) -> re.Pattern[str]:
    """Compile a glob: ``*`` is any number of characters, ``?`` is one; case does not count."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE | re.DOTALL)


NOTHING_ADDED: Final = required_tags()
