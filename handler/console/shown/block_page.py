"""The blocks of a deployment as text: the list, and one block's page."""

from __future__ import annotations

import difflib
import json
import textwrap
from collections.abc import Iterable
from typing import Any

from blocks.block import Block, Registry
from handler.console.errors import InputError
from handler.console.shown.job_text import columns

INDENT = "  "
WIDTH = 100


class UnknownBlockError(InputError):
    """No block has that name. The message suggests similar names."""


def list_lines(blocks: Iterable[Block[..., Any]]) -> list[str]:
    """One line per block: its name and the first sentence of its page."""
    return columns((block.action, _first_sentence(block.description)) for block in blocks)


def select_blocks(registry: Registry, name: str | None, search: str | None) -> list[Block[..., Any]] | None:
    """The blocks to list, or ``None`` if `name` is a block: then its page is shown instead.

    Args:
        registry: all blocks.
        name: a block or a category, in upper or lower case.
        search: words that must occur in the name or the page of a block.

    Raises:
        UnknownBlockError: the search finds nothing.
    """
    found = list(registry)
    if name is not None:
        found = [block for block in found if block.category == name.upper()]
        if not found:
            return None
    if search is not None:
        words = search.lower().split()
        found = [block for block in found if _mentions(block, words)]
        if not found:
            raise UnknownBlockError(f"No block has {search!r} in its name or its page.")
    return found


def _mentions(block: Block[..., Any], words: Iterable[str]) -> bool:
    text = f"{block.action} {block.description}".lower()
    return all(word in text for word in words)


def page_lines(registry: Registry, name: str) -> list[str]:
    """The page of a block: its description, its parameters, and the tags that it needs.

    Raises:
        UnknownBlockError: there is no such block.
    """
    block = find_block(registry, name)
    lines = [block.action, "", *textwrap.indent(block.description, INDENT).splitlines(), "", "Parameters:"]
    lines += _parameter_lines(block)
    lines += ["", *(f"{label}: {value}" for label, value in _facts(block) if value)]
    return lines


def find_block(registry: Registry, name: str) -> Block[..., Any]:
    """Find a block by its name, in upper or lower case.

    Raises:
        UnknownBlockError: there is no such block.
    """
    block = registry.get(name)
    if block is not None:
        return block
    near = difflib.get_close_matches(name.upper(), [block.action for block in registry], n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; `conduit blocks` lists them"
    raise UnknownBlockError(f"There is no block {name!r}{hint}")


def _parameter_lines(block: Block[..., Any]) -> list[str]:
    schema = block.schema()
    required = set(schema.get("required", ()))
    rows = [
        (INDENT + name, _kind(property_), _default(name, property_, required), _note(block, name, property_))
        for name, property_ in schema.get("properties", {}).items()
    ]
    if schema.get("additionalProperties", True):
        rows.append((INDENT + "(any other)", "any", "", ""))
    return columns(rows) if rows else [INDENT + "none"]


def _kind(schema: dict[str, Any]) -> str:
    """A description of a JSON Schema in a word or two."""
    if "enum" in schema:
        return "one of " + ", ".join(map(json.dumps, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_kind, schema["anyOf"])))
    name = str(schema.get("type", "any"))
    items = schema.get("items")
    if items:
        name += f" of {_kind(items)}"
    bounds = [f"{sign} {schema[key]:g}" for key, sign in (("minimum", ">="), ("maximum", "<=")) if key in schema]
    return " ".join([name, *bounds])


def _default(name: str, schema: dict[str, Any], required: set[str]) -> str:
    if name in required:
        return "required"
    return f"default {json.dumps(schema['default'], ensure_ascii=False)}" if "default" in schema else "optional"


def _note(block: Block[..., Any], name: str, schema: dict[str, Any]) -> str:
    return "changed in place" if name in block.in_place else str(schema.get("description", ""))


def _facts(block: Block[..., Any]) -> Iterable[tuple[str, str]]:
    yield "Tags that a job needs", ", ".join(sorted(block.tags))
    yield "Uses in one job", "" if block.max_uses is None else f"at most {block.max_uses}"
    yield "Time limit", "" if block.timeout is None else f"{block.timeout:g} s"
    yield "Isolation", block.isolation or ""
    yield "Effect", block.effect


def _first_sentence(text: str) -> str:
    paragraph = " ".join(text.partition("\n\n")[0].split())
    sentence = paragraph.partition(". ")[0]
    return textwrap.shorten(sentence, WIDTH, placeholder=" …")
