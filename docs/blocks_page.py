"""Writes ``docs/blocks.md``, the catalogue of the shipped blocks, from their docstrings and signatures.

It also writes their number into the README.

Run it with ``make blocks-page`` when a block has changed; a test fails if the page is outdated.
"""  # noqa: INP001  # a script in the folder of the page that it writes

from __future__ import annotations

import itertools
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks.block import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blocks.block import Block

PAGE = Path(__file__).with_name("blocks.md")

INTRODUCTION = """\
# Blocks

A step calls a block by its name in `action`, in upper or lower case, and passes it `parameters`:

```json
{"action": "TEXT.JOIN", "parameters": {"text1": "Hello", "text2": "World"}}
```

A parameter without a default is required. Arguments are converted if possible: `"12"` can be a number. If an argument
has the wrong type, is missing or is unknown, the step ends INVALID_TYPE. A parameter marked *in place* takes a whole
variable (`{# name #}`) and changes it.

Before a block builds a value that may be larger than its arguments, it charges the step: the least bytes that the value
takes as JSON (one a character, two an item, five a pair), and what it costs in memory. A charge never refuses a result
that could be stored. If the charges exceed the limit of a step's record, the step ends RESULT_LIMIT_EXCEED and nothing
is built.

None of these blocks has an effect outside its job unless its entry says so: each may run again any number of times.

This page is written from the docstrings by `make blocks-page`."""


README = PAGE.parents[1] / "README.md"
COUNT = re.compile(r"(?<=\*\*)\d+(?= blocks\*\*)")


def listed() -> frozenset[str]:
    """The categories on the page: the built-in ones, without those that a deployment adds to `blocks/`."""
    return frozenset(re.findall(r"^## ([A-Z_]+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


def readme(categories: frozenset[str] | None = None) -> str:
    """The README with the number of blocks, of these categories or of all."""
    return COUNT.sub(str(len(_shipped(categories))), README.read_text(encoding="utf-8"), count=1)


def page(categories: frozenset[str] | None = None) -> str:
    """The page as it should be: Markdown, of these categories or of all."""
    return "\n\n".join(_parts(categories)) + "\n"


def _parts(categories: frozenset[str] | None) -> Iterator[str]:
    shipped = _shipped(categories)
    yield INTRODUCTION.strip()
    yield from _contents(shipped)
    for category, blocks in itertools.groupby(shipped, key=lambda block: block.category):
        yield f"## {category}"
        members = list(blocks)
        about = sys.modules[members[0].function.__module__].__doc__ or ""
        yield _sentence(about.strip().partition(": ")[2])
        for block in members:
            yield f"### {block.action}"
            yield block.description.strip()
            yield from _parameters(block)


def _shipped(categories: frozenset[str] | None) -> list[Block[..., Any]]:
    blocks = [block for block in REGISTRY if block.function.__module__.startswith("blocks.")]
    return [block for block in blocks if categories is None or str(block.category) in categories]


def _contents(shipped: list[Block[..., Any]]) -> Iterator[str]:
    yield f"## The {len(shipped)} blocks"
    lines = []
    for category, blocks in itertools.groupby(shipped, key=lambda block: block.category):
        links = (f"[{block.name}](#{block.action.lower().replace('.', '')})" for block in blocks)
        lines.append(f"- [{category}](#{str(category).lower()}): {' · '.join(links)}")
    yield "\n".join(lines)


def _parameters(block: Block[..., Any]) -> Iterator[str]:
    schema = block.schema()
    rows = [
        f"| `{name}`{', *in place*' if name in block.in_place else ''} | {_type(property_, schema)} "
        f"| {_default(name, property_, schema)} |"
        for name, property_ in schema["properties"].items()
    ]
    if schema.get("additionalProperties") is not False:
        rows.append("| any other name | any value | |")
    if rows:
        yield "\n".join(["| Parameter | Type | Default |", "|---|---|---|", *rows])


def _type(property_: dict[str, Any], schema: dict[str, Any]) -> str:
    if "$ref" in property_:
        property_ = schema["$defs"][property_["$ref"].rpartition("/")[2]]
    if "anyOf" in property_:
        return " or ".join(_type(choice, schema) for choice in property_["anyOf"])
    if "enum" in property_:
        return ", ".join(f"`{value}`" for value in property_["enum"])
    if property_.get("items"):
        return f"list of {_type(property_['items'], schema)}s"
    if "prefixItems" in property_:
        return "[" + ", ".join(_type(item, schema) for item in property_["prefixItems"]) + "] pair"
    names = {"string": "string", "integer": "whole number", "array": "list", "object": "dictionary", "null": "null"}
    name = names.get(property_.get("type", ""), str(property_.get("type", "any value")))
    return f"{name}, at most {property_['maximum']:g}" if "maximum" in property_ else name


def _default(name: str, property_: dict[str, Any], schema: dict[str, Any]) -> str:
    if property_.get("deprecated"):
        return str(property_["description"]).rstrip(".")
    if name in schema.get("required", ()):
        return ""
    return f"`{json.dumps(property_['default'])}`" if "default" in property_ else "(absent)"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")
