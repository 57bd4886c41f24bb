"""Checks the known arguments of a step against its block's signature before a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from blocks.block import Block
from handler.payload.problem import quote
from handler.payload.suggestion import Suggestions
from handler.validation.static_values import Unknown, UnknownText

_NEVER_A_TEXT: Final = frozenset(
    {"list_type", "dict_type", "tuple_type", "set_type", "frozen_set_type", "mapping_type"}
)
"""pydantic error types that no string can satisfy."""
_NEVER_A_CONTAINER: Final = _NEVER_A_TEXT | {
    "string_type",
    "int_type",
    "float_type",
    "bool_type",
    "bytes_type",
    "decimal_type",
    "none_required",
}
"""pydantic error types that no list or dictionary can satisfy, with any content."""


@dataclass(frozen=True, slots=True)
class ArgumentProblem:
    """One argument that does not fit: its place in the parameters, and the reason."""

    path: tuple[str | int, ...]
    message: str


def find_argument_problems(
    block: Block[..., Any], arguments: Mapping[str, Any], suggestions: Suggestions
) -> Iterator[ArgumentProblem]:
    """Find the arguments that a run would refuse whatever the values of the unknown parts are.

    Args:
        block: the block to call.
        arguments: the results of `handler.validation.static_values.Reading` by name: unknown parts have stand-ins.
        suggestions: suggests known names instead of unknown ones.
    """
    known = {name: value for name, value in arguments.items() if not isinstance(name, UnknownText)}
    try:
        block.validate(known)
    except ValidationError as error:
        open_ended = len(known) < len(arguments)
        for entry in error.errors(include_url=False, include_context=False, include_input=False):
            loc, kind = entry["loc"], entry["type"]
            if kind == "missing" and len(loc) == 1 and open_ended:
                continue  # a name that only a run knows may be this parameter
            path, node, exact = _locate(loc, arguments)
            if kind not in {"missing", "extra_forbidden"} and not _certain(node, kind, exact=exact):
                continue
            yield ArgumentProblem(path, _say(block, entry, suggestions))
    except Exception:  # noqa: BLE001 # raised by a block's own validator, which got a stand-in
        return


def _locate(loc: tuple[str | int, ...], arguments: Any) -> tuple[tuple[str | int, ...], Any, bool]:
    """Follow `loc` into the data: return the path, the value at its end, and whether all of `loc` was followed.

    pydantic inserts names of union members between keys and indexes; the path ends at the first part that the data
    lacks.
    """
    node, depth = arguments, 0
    for part in loc:
        inside = part in node if isinstance(node, dict) else isinstance(node, list) and _is_index(part, node)
        if not inside:
            break
        node = node[part]
        depth += 1
    return loc[:depth], node, depth == len(loc)


def _is_index(part: str | int, node: list[Any]) -> bool:
    return isinstance(part, int) and 0 <= part < len(node)


def _certain(node: Any, kind: str, *, exact: bool) -> bool:
    """Whether the value is refused whatever the values of its unknown parts are."""
    if not _has_unknown(node):
        return True
    if not exact or isinstance(node, Unknown):
        return False
    return kind in (_NEVER_A_TEXT if isinstance(node, UnknownText) else _NEVER_A_CONTAINER)


def _has_unknown(node: Any) -> bool:
    if isinstance(node, dict):
        return any(isinstance(key, UnknownText) or _has_unknown(value) for key, value in node.items())
    if isinstance(node, list):
        return any(_has_unknown(item) for item in node)
    return isinstance(node, (Unknown, UnknownText))


@lru_cache(maxsize=1024)
def _names(block: Block[..., Any]) -> tuple[str, ...]:
    """The names of the block's parameters. Cached, since making a schema takes half a millisecond."""
    return tuple(block.schema()["properties"])


def _say(block: Block[..., Any], entry: ErrorDetails, suggestions: Suggestions) -> str:
    loc, kind = entry["loc"], entry["type"]
    name = quote(str(loc[0])) if loc else "its parameters"
    if kind == "missing" and len(loc) == 1:
        return f"{block.action} needs the parameter {name}."
    if kind == "extra_forbidden" and len(loc) == 1:
        names = _names(block)
        has = f"it has {', '.join(names)}" if names else "it has none"
        return f"{block.action} has no parameter {name}; {has}.{suggestions.suggest(str(loc[0]), names)}"
    return f"{name} does not fit {block.action}: {entry['msg']}."
