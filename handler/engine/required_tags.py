"""Tags that a job needs to use a block: the block's own, and those that the deployment adds."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from blocks.block import Block

Pairs = tuple[tuple[str, str], ...]
"""Globs over the names of blocks, each with a tag that those blocks need: ``(("AWS.*", "aws"),)``."""


class RequiredTags:
    """What a deployment says about who may use which blocks.

    Args:
        pairs: as the deployment wrote them.
    """

    def __init__(self, pairs: Pairs) -> None:
        self._added = [(compile_glob(glob), tag) for glob, tag in pairs]
        self._known: dict[Block[..., Any], frozenset[str]] = {}

    def of(self, block: Block[..., Any]) -> frozenset[str]:
        """Every tag that a job must have to use the block."""
        known = self._known.get(block)
        if known is None:
            added = {tag for pattern, tag in self._added if pattern.fullmatch(block.action)}
            known = self._known[block] = block.tags | added
        return known


@lru_cache(maxsize=8)
def required_tags(pairs: Pairs = ()) -> RequiredTags:
    """The same object for the same pairs: a process has few deployments, and jobs by the thousand."""
    return RequiredTags(pairs)


def compile_glob(pattern: str) -> re.Pattern[str]:
    """``*`` for any number of characters, ``?`` for one; everything else is itself, in any case of letters."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE | re.DOTALL)


NOTHING_ADDED: Final = required_tags()
