"""What a user wrote, read before a run as the engine will read it in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from handler.engine.call import Budget
from handler.engine.language.paths import PathError, Tag, as_text
from handler.engine.language.tags import parse, whole_piece, whole_tag
from handler.engine.values import copy_value
from handler.payload.problem import MAX_PROBLEMS
from handler.validation.static_contexts import Notice, StaticContexts, Undecided


@dataclass(frozen=True, slots=True)
class Unknown:
    """Stands for a value that only a run can tell."""


class UnknownText(str):
    """Stands for a text of which only a run can tell what it says."""

    __slots__ = ()


UNKNOWN: Final = Unknown()


@dataclass(frozen=True, slots=True)
class Fault:
    """A tag that leads nowhere: where it stands below the value that was looked at, and why."""

    path: tuple[str | int, ...]
    tag: Tag
    message: str


Findings = list[tuple[tuple[str | int, ...], Notice]]


@dataclass(slots=True)
class Reading:
    """Reads what a user wrote as the engine will, as far as that can be known.

    Attributes:
        contexts: what tags see.
        budget: what may be built; a run has as much for each step.
        room: what may be built for the whole job. It is ours alone: past it, values count as unknown.
        faults: tags that lead nowhere.
        notices: what may go wrong, each with its path.
    """

    contexts: StaticContexts
    budget: Budget
    room: Budget
    faults: list[Fault]
    notices: Findings

    def charge(self, size: int) -> None:
        """Take `size` bytes.

        Raises:
            BudgetExceededError: the step may not build so much.
            Undecided: this job has cost enough.
        """
        self.budget.charge(size)
        if size > self.room.left:
            self.room.left = 0
            raise Undecided
        self.room.charge(size)

    def read(self, value: Any, path: tuple[str | int, ...] = ()) -> Any:
        """`value` with its tags replaced, `UNKNOWN` or an `UnknownText` where they cannot be yet."""
        if type(value) is str:
            return self._read_text(value, path) if "{" in value else value
        if type(value) is list:
            return [self.read(item, (*path, index)) for index, item in enumerate(value)]
        if isinstance(value, Mapping):
            return {self.read_name(key, path): self.read(item, (*path, key)) for key, item in value.items()}
        return value

    def read_name(self, name: str, path: tuple[str | int, ...] = ()) -> str:
        """A key with its tags replaced; an `UnknownText` where they cannot be."""
        read = self._read_text(name, (*path, name)) if "{" in name else name
        return UnknownText(name) if isinstance(read, Unknown) else str(read) if not isinstance(read, str) else read

    def _read_text(self, text: str, path: tuple[str | int, ...]) -> Any:
        pieces = parse(text)
        if any(not isinstance(piece, (str, Tag)) for piece in pieces):
            return UNKNOWN if whole_piece(pieces) is not None else UnknownText(text)
        tag = whole_tag(pieces)
        if tag is not None:
            return self._follow(tag, path, lambda value: copy_value(value, self.charge))
        read: list[Any] = [
            self._follow(piece, path, lambda value: as_text(value, self.charge)) if isinstance(piece, Tag) else piece
            for piece in pieces
        ]
        return "".join(read) if all(isinstance(piece, str) for piece in read) else UnknownText(text)

    def _follow(self, tag: Tag, path: tuple[str | int, ...], take: Callable[[Any], Any]) -> Any:
        try:
            value = tag.resolve(self.contexts.contexts, self.charge)
            if self.room.left == 0 or len(self.faults) > MAX_PROBLEMS:
                return UNKNOWN  # even counting what there is to copy takes time
            return take(value)
        except Undecided:
            return UNKNOWN
        except PathError as error:
            self.faults.append(Fault(path, tag, str(error)))
            return UNKNOWN
        finally:
            self.notices.extend((path, notice) for notice in self.contexts.notices)
            self.contexts.notices.clear()
