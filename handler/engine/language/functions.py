"""The functions of expressions by name, with the names of their parameters.

`default`, `try`, `any` and `all` evaluate their arguments only as far as needed, so `grammar` builds their calls; this
module has only their parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from handler.engine.language import list_functions as lists
from handler.engine.language import number_functions as numbers
from handler.engine.language import object_functions as objects
from handler.engine.language import pattern_functions as patterns
from handler.engine.language import string_functions as strings


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes:
        parameters: their names, in order; empty if it takes any number.
        required: how many of them must be given.
        call: takes the meter and the arguments. Its errors have no column yet.
        most: the largest number of arguments; ``None`` for any number.
    """

    parameters: tuple[str, ...]
    required: int
    call: Callable[..., Any] | None
    most: int | None

    def signature(self, name: str) -> str:
        """Its signature: ``round(x, digits?)``."""
        if self.most is None:
            return f"{name}(list) or {name}(a, b, …)"
        shown = (p if i < self.required else f"{p}?" for i, p in enumerate(self.parameters))
        return f"{name}({', '.join(shown)})"


def _function(parameters: str, call: Callable[..., Any] | None) -> Function:
    """A function of parameters written as ``x, digits?``."""
    names = [name.strip() for name in parameters.split(",")] if parameters else []
    plain = tuple(name.rstrip("?") for name in names)
    return Function(plain, sum(not name.endswith("?") for name in names), call, len(plain))


FUNCTIONS: Final[dict[str, Function]] = {
    "abs": _function("x", numbers.absolute),
    "ceil": _function("x", numbers.ceil),
    "floor": _function("x", numbers.floor),
    "int": _function("x, default?", numbers.to_int),
    "float": _function("x, default?", numbers.to_float),
    "min": Function((), 1, lists.smallest, None),
    "max": Function((), 1, lists.largest, None),
    "sum": _function("list", lists.total),
    "round": _function("x, digits?", numbers.round_number),
    "fixed": _function("x, digits", numbers.fixed),
    "str": _function("x", strings.to_string),
    "len": _function("x", lists.length),
    "lower": _function("s", strings.lower),
    "upper": _function("s", strings.upper),
    "trim": _function("s", strings.trim),
    "split": _function("s, sep?", strings.split),
    "join": _function("list, sep?", strings.join),
    "replace": _function("s, old, new", strings.replace),
    "startswith": _function("s, part", strings.starts_with),
    "endswith": _function("s, part", strings.ends_with),
    "contains": _function("s, part", strings.contains),
    "matches": _function("s, pattern", patterns.matches),
    "find": _function("s, pattern", patterns.find),
    "find_all": _function("s, pattern", patterns.find_all),
    "sub": _function("s, pattern, new", patterns.sub),
    "first": _function("list, default?", lists.first),
    "last": _function("list, default?", lists.last),
    "sorted": _function("list, key?, reverse?", lists.sort_list),
    "unique": _function("list", lists.unique),
    "flatten": _function("list", lists.flatten),
    "range": _function("start, stop?", lists.count_up),
    "any": _function("list", lists.any_of),
    "all": _function("list", lists.all_of),
    "count": _function("list, value", lists.count),
    "group": _function("list, key", lists.group),
    "index": _function("list, key", lists.index),
    "keys": _function("x", objects.keys),
    "values": _function("x", objects.values),
    "items": _function("x", objects.items),
    "merge": _function("a, b", objects.merge),
    "get": _function("x, path, default?", objects.get),
    "default": _function("x, y", None),
    "try": _function("x, y", None),
    "type": _function("x", objects.name_type),
    "json": _function("x", strings.to_json),
    "parse_json": _function("s, default?", strings.parse_json),
    "now": _function("", objects.now),
    "epoch": _function("time", objects.epoch),
    "time": _function("epoch", objects.time_text),
}
"""Every function. `None` means that `grammar` builds the call."""
