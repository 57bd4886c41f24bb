"""The catalogue of blocks in the form of the API."""

from __future__ import annotations

from typing import Any

from blocks.block import Block, Registry
from handler.caller import Caller
from handler.engine.required_tags import RequiredTags


def describe_block(block: Block[..., Any], caller: Caller, required: RequiredTags) -> dict[str, Any]:
    """One block's entry.

    Args:
        block: the block.
        caller: the sender of the request.
        required: the tags that blocks need in this deployment.

    Returns:
        ``name`` is the block's full name; ``action``, the same string, is the `action` of a step that calls it.
        ``parameters`` is the JSON Schema of a step's parameters, before tags are replaced; ``tags`` are the tags that a
        job
        needs to use the block; ``allowed`` is whether this caller's jobs have them; ``timeout`` is in seconds.
    """
    needed = required.of(block)
    return {
        "name": block.action,
        "action": block.action,
        "category": block.category,
        "description": block.description,
        "parameters": block.schema(),
        "tags": sorted(needed),
        "allowed": needed <= caller.tags,
        "max_uses": block.max_uses,
        "timeout": block.timeout,
        "effect": block.effect,
    }


def list_blocks(registry: Registry, caller: Caller, required: RequiredTags) -> dict[str, Any]:
    """Every block, by name, including those that the caller may not use."""
    return {"blocks": [describe_block(block, caller, required) for block in registry]}
