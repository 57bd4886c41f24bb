"""`conduit blocks`: list the blocks that steps can call."""

from __future__ import annotations

import json
from argparse import Namespace

from blocks.block import REGISTRY
from handler.console.shown.block_page import find_block, list_lines, page_lines, select_blocks
from handler.console.shown.output import write


def execute(chosen: Namespace) -> int:
    """List all blocks, one category or the hits of a search; or explain one block."""
    name = chosen.name
    selected = select_blocks(REGISTRY, name, chosen.search)
    if chosen.json:
        for block in [find_block(REGISTRY, name)] if selected is None else selected:
            page = {"name": block.action, "description": block.description, "parameters": block.schema()}
            write([json.dumps(page, ensure_ascii=False)])
    else:
        write(page_lines(REGISTRY, name) if selected is None else list_lines(selected))
    return 0
