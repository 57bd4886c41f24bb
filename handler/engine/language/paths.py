"""Follows paths through the contexts of a job."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, final

from blocks.charges import cost_of_list, cost_of_text
from handler.engine.charges import Charge
from handler.engine.values import copy_value

_INDEX: Final = re.compile(r"-?[0-9]{1,9}")
_SLICE: Final = re.compile(r"(-?[0-9]{1,9})?:(-?[0-9]{1,9})?(?::(-?[0-9]{1,9})?)?")


class View(Mapping[str, Any]):
    """A mapping that tags read without building it; `description` names it in messages."""

    description: str
    is_step: bool = False
    """Whether it shows a step: each field of its error is null while there is no error."""


ERROR_FIELDS: Final = frozenset({"type", "message", "path", "details"})
"""The fields of a step's error; null if the step has no error."""


def lacks_error(start: Any, keys: Sequence[Any], depth: int) -> bool:
    """Whether the key at `depth`, which does not exist, is a field of the error of a step without an error.

    Args:
        start: where the keys begin.
        keys: all keys.
        depth: the index of the first key that does not exist.
    """
    value = start
    for position, key in enumerate(keys[:depth]):
        if key == "error" and isinstance(value, View) and value.is_step and value["error"] is None:
            return keys[position + 1] in ERROR_FIELDS
        value = value[key]
    return False


class PathError(ValueError):
    """A path does not exist. The message names the path, where it ended, and the value there."""


Key = str | tuple["str | Tag", ...]
"""One key of a path: a literal, or pieces of which some are tags."""


@final
@dataclass(slots=True)  # not frozen: freezing would double the time to make one, the largest part of parsing a string
class Tag:
    """One parsed tag. It never changes.

    Attributes:
        sigil: ``%``, ``:``, ``#`` or ``<``.
        keys: the whole path from the contexts, with the keys that a shortcut adds.
        path: the path as the user wrote it.
        fixed: whether no key holds a further tag.
        step: the id of a step, if the tag is its whole result, as most tags are; else ``None``.
        is_direct: whether each key may be looked up as it is: all are fixed, and none can be private.
    """

    sigil: str
    keys: tuple[Key, ...]
    path: str
    fixed: bool
    step: str | None
    is_direct: bool

    @property
    def variable(self) -> Key | None:
        """Return the variable's name, if the tag is a whole variable; else ``None``."""
        if len(self.keys) == 3 and self.keys[:2] == ("job", "variables"):  # noqa: PLR2004  # job, variables, name
            return self.keys[2]
        return None

    def resolve(self, contexts: Mapping[str, Any], charge: Charge) -> Any:
        """Return the value that the tag points to: the object itself, not a copy.

        Raises:
            PathError: the path does not exist.
        """
        keys: tuple[Any, ...] = self.keys
        if self.is_direct:  # most tags; the walk below would cost a loop that reads its item 4 %
            value: Any = contexts
            try:
                for key in keys:
                    value = value[key]
            except (KeyError, TypeError, IndexError):
                pass  # the walk below reads lists and strings, and finds out what is missing
            else:
                return value
        if not self.fixed:
            keys = tuple(resolve_key(key, contexts, charge) for key in keys)
        if "_" in self.path or not self.fixed:
            self._refuse_private(keys)
        value = contexts
        begin = 0
        if self.sigil == ":":
            try:  # noqa: SIM105  # `suppress` takes longer than this walk saves
                value, begin = contexts["steps"].result_of(keys[1]), 3
            except (AttributeError, KeyError):
                pass  # other contexts, or no such step: the loop below finds out
        for depth in range(begin, len(keys)):
            key = keys[depth]
            kind = type(value)
            if kind is not list and kind is not str:
                try:
                    value = value[key]
                except (KeyError, TypeError, IndexError):
                    if value is None and lacks_error(contexts, keys, depth):
                        return None
                    raise _nowhere(self, keys, depth, value) from None
            else:
                value = _read_sequence(self, keys, depth, value, charge)
        return value

    def _refuse_private(self, keys: Sequence[str]) -> None:
        for key in keys:
            if key.startswith("_") or key.endswith("_"):
                raise PathError(f"`{self.path}`: `{key}` is out of reach: keys that start or end with `_` are private")

    def walked(self, keys: Sequence[str], depth: int) -> str:
        """Return the first `depth` keys, without those that a shortcut adds."""
        if self.sigil == "%":
            return ".".join(keys[:depth])
        if self.sigil == ":":
            return ".".join([*keys[1 : min(depth, 2)], *keys[3:depth]])
        return ".".join(keys[2:depth])


def _read_sequence(tag: Tag, keys: Sequence[str], depth: int, value: Sequence[Any], charge: Charge) -> Any:
    key = keys[depth]
    if _INDEX.fullmatch(key):
        try:
            return value[int(key)]
        except IndexError:
            raise _nowhere(tag, keys, depth, value) from None
    parts = _SLICE.fullmatch(key)
    if parts is None:
        raise _nowhere(tag, keys, depth, value)
    start, stop, step = (int(part) if part else None for part in parts.groups())
    if step == 0:
        raise PathError(f"`{tag.path}`: the slice `{key}` has the step 0, which never ends")
    part = value[start:stop:step]  # at most one copy of an existing value, however often it is sliced
    charge(cost_of_text(part) if isinstance(part, str) else cost_of_list(part))
    return part


def _nowhere(tag: Tag, keys: Sequence[str], depth: int, value: Any) -> PathError:
    walked = tag.walked(keys, depth)
    place = f" at `{walked}`" if walked else ""
    return PathError(f"`{tag.path}`: {describe(value)}{place} has no `{keys[depth]}`")


def describe(value: Any) -> str:
    """Describe a value: its shape and its keys, but not its content."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, str):
        return f"a string of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, View):
        return value.description
    if isinstance(value, Mapping):
        keys = [str(key) for key, _ in zip(value, range(6), strict=False)]
        shown = ", ".join(f"`{key[:40]}`" for key in keys[:5]) + (", …" if len(keys) > 5 else "")  # noqa: PLR2004  # as zip took one more
        return f"a dictionary of {len(value)} ({shown})" if keys else "an empty dictionary"
    return "a value"


def resolve_key(key: Key, contexts: Mapping[str, Any], charge: Charge) -> str:
    """Return one key as a string; the values of tags in it are inserted with ``str()``."""
    if isinstance(key, str):
        return key
    return join_pieces(key, contexts, charge)


def join_pieces(pieces: Sequence[str | Tag], contexts: Mapping[str, Any], charge: Charge) -> str:
    """Return strings and the values of tags as one string."""
    return "".join(
        piece if isinstance(piece, str) else as_text(piece.resolve(contexts, charge), charge) for piece in pieces
    )


def as_text(value: Any, charge: Charge) -> str:
    """Return a value as it appears inside a longer string: ``str()`` of plain data."""
    if type(value) is not str:
        value = str(copy_value(value, charge) if isinstance(value, (list, Mapping)) else value)
    charge(len(value) if value.isascii() else cost_of_text(value))
    return value  # type: ignore[no-any-return]  # here it is a str
