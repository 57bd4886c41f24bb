"""Blocks: Python functions that a deployment allows jobs to call, and their registry.

A block is written as a plain function and announced by its category::

    text = Category("TEXT")

    @text.block
    def join(*, text1: str, text2: str, join_with: str = " ") -> str: ...

Keyword-only parameters (and ``**kwargs``) are the user's. Positional ones are the deployment's: users can neither set
nor see them. Two positional names are reserved: ``job__`` receives a `Job` and ``call__`` a `Call`; every other one
receives the global value of its name, less a trailing ``__``.
"""

from __future__ import annotations

import importlib
import inspect
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, update_wrapper
from typing import Any, Final, Generic, Literal, ParamSpec, TypeVar, get_args, overload

from typing_extensions import TypedDict, Unpack

from blocks.arguments import ABSENT, Arguments, Changes, InPlace
from blocks.call import BudgetExceededError, Call, CallFailedError, CallRefusedError, Job
from blocks.discovery import LATER, load_installed
from blocks.reserved import ACTIONS, CALL, JOB

__all__ = ["ABSENT", "CALL", "JOB", "REGISTRY", "Block", "BudgetExceededError", "Call", "CallFailedError"]
__all__ += ["CallRefusedError", "Category", "Changes", "DuplicateBlockError", "Effect", "InPlace", "Isolation", "Job"]
__all__ += ["Registry", "UnusableBlockError", "block", "provide"]

P = ParamSpec("P")
R = TypeVar("R")
Effect = Literal["none", "at_least_once", "at_most_once"]
"""The effect of running a block again: none, or a second effect; an ``at_most_once`` block never runs again."""
Isolation = Literal["process"]
"""``process``: the block runs in a forked child with a memory limit, and is killed at its time limit."""


class DuplicateBlockError(Exception):
    """Two blocks have one name. Raised at import, so that no deployment starts with a hidden block."""


class UnusableBlockError(Exception):
    """A block's options or signature contradict each other. Raised at import; the message names the change to make."""


class Block(Generic[P, R]):
    """A function that jobs may call, with its options. Calling the block calls the function.

    Attributes:
        name: its name in upper case, without the category.
        category: the category's name in upper case, or ``None``.
        tags: the tags that a job needs to use it.
        max_uses: how many steps of one job may use it; ``None`` for any number.
        private: whether only a job created with it (``Conduit(blocks=[...])``) has it, as if its name began with ``_``.
        timeout: seconds that one run of it may take; ``None`` if only the step, the job and the invocation limit it.
        isolation: ``"process"`` runs it in a child process.
        effect: the effect of running it again.
        action: its name in steps: ``TEXT.JOIN``, or the name alone if it has no category.
        arguments: the user's parameters.
        positional: names of the deployment's parameters, in order.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        category: str | None = None,
        tags: str | Iterable[str] = (),
        max_uses: int | None = None,
        private: bool = False,
        timeout: float | None = None,
        isolation: Isolation | None = None,
        effect: Effect = "at_least_once",
    ) -> None:
        update_wrapper(self, function)
        self.function = function
        self.name = (name or function.__name__).upper()
        self.category = category.upper() if category else None
        self.tags = frozenset([tags] if isinstance(tags, str) else tags)
        self.max_uses = max_uses
        self.private = private or self.name.startswith("_")
        self.timeout = timeout
        self.isolation = isolation
        self.effect = effect
        self.action = f"{self.category}.{self.name}" if self.category else self.name
        self.is_coroutine = inspect.iscoroutinefunction(function)
        self.signature = inspect.signature(function)
        self.arguments = Arguments(function, self.action, self.signature)
        self.positional = self.arguments.positional
        for problem in self._contradictions():
            raise UnusableBlockError(f"{self.action}: {problem}")

    def _contradictions(self) -> Iterator[str]:
        if "." in self.name or (self.category and "." in self.category):
            yield "neither the name nor the category of a block may contain a dot"
        if self.action in ACTIONS:
            yield "steps without a block have this name; give the block another, or a category"
        if self.effect not in get_args(Effect):
            yield f"effect is one of {get_args(Effect)}, not {self.effect!r}"
        if self.isolation is not None and self.isolation not in get_args(Isolation):
            yield f"isolation is 'process' or None, not {self.isolation!r}"
        if self.isolation and self.positional:
            yield f"an isolated block gets its JSON arguments only; it cannot take {', '.join(self.positional)}"
        if self.timeout is not None and not self.timeout > 0:
            yield f"timeout is seconds above 0, not {self.timeout!r}"
        if self.max_uses is not None and self.max_uses < 0:
            yield f"max_uses is 0 or more, or None for any number, not {self.max_uses!r}"

    def __call__(self, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Block {self.action}>"

    @property
    def place(self) -> str:
        """The file and line of its function."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def description(self) -> str:
        """The function's docstring: the block's page in the catalogue."""
        return inspect.getdoc(self.function) or ""

    @cached_property
    def validate(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """`Arguments.validate`: converts the user's arguments to those of the function, or raises a ValidationError."""
        return self.arguments.validate

    @cached_property
    def in_place(self) -> frozenset[str]:
        """Names of the parameters that the block changes in place."""
        return self.arguments.in_place

    @cached_property
    def is_plain(self) -> bool:
        """Whether it is a plain function of the user's parameters, which are its own."""
        return not (self.is_coroutine or self.isolation or self.positional or self.in_place)

    def schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the user's parameters."""
        return self.arguments.schema()


class Registry:
    """Every public block by its name, and the global values that the deployment provides for them.

    Args:
        discover: called once, before the first look-up; it should import the modules that announce blocks.
        later: the modules to import at the first use of one of their blocks, by its action.
    """

    def __init__(self, discover: Callable[[], None] = lambda: None, later: Mapping[str, str] | None = None) -> None:
        self._discover = discover
        self._later = later or {}
        self._state: Literal["new", "loading", "loaded"] = "new"
        self._failure: Exception | None = None
        self._blocks: dict[str, Block[..., Any]] = {}
        self._globals = _Provided()
        self._lock = threading.RLock()

    def add(self, block: Block[..., Any]) -> None:
        """Register `block`, unless it is private. Raises `DuplicateBlockError` if another block has its name."""
        if block.private:
            return
        known = self._blocks.setdefault(block.action, block)
        waiting = self._later.get(block.action, block.function.__module__)
        if known is not block or waiting != block.function.__module__:
            both = f"{waiting if known is block else known.place} and by {block.place}"
            raise DuplicateBlockError(f"{block.action} is announced twice: by {both}; give one of them another name")

    def provide(self, name: str, factory: Callable[[], Any]) -> None:
        """Let `factory` make the global value `name` at its first use; each name has one factory."""
        if name in self._globals.factories:
            raise DuplicateBlockError(f"the global value {name!r} is provided twice; give one of them another name")
        self._globals.factories[name] = factory

    def get(self, action: str) -> Block[..., Any] | None:
        """Return the block of that name, or ``None``. Case does not count."""
        self.load()
        found = self._blocks.get(action)
        if found is None and action.isascii():  # ASCII only: `upper` would turn "ß" into "SS"
            action = action.upper()
            if action in self._later:
                importlib.import_module(self._later[action])
            found = self._blocks.get(action)
        return found

    def load(self) -> None:
        """Import the modules that announce blocks, at the first call. If that fails, each later call fails too."""
        if self._state == "loaded":
            return
        with self._lock:  # `conduit serve` has several threads
            if self._failure:
                raise self._failure  # another try would find the blocks that were announced before the failure
            if self._state != "new":
                return  # loaded by another thread, or a block's file looks up a block during its import
            self._state = "loading"
            try:
                self._discover()
            except Exception as failure:
                self._state, self._failure = "new", failure
                raise
            self._state = "loaded"

    def global_values(self) -> Mapping[str, Any]:
        """The deployment's values; each is made at its first use and kept."""
        self.load()
        return self._globals

    def __iter__(self) -> Iterator[Block[..., Any]]:
        self.load()
        for module in dict.fromkeys(self._later.values()):
            importlib.import_module(module)
        return iter(sorted(self._blocks.values(), key=lambda block: block.action))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Provided(Mapping[str, Any]):
    def __init__(self) -> None:
        self.factories: dict[str, Callable[[], Any]] = {}
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self.factories[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.factories)

    def __len__(self) -> int:
        return len(self.factories)


REGISTRY: Final = Registry(load_installed, LATER)
"""The registry that jobs look blocks up in."""


class Options(TypedDict, total=False):
    """The options of a block when it is announced; see `Block`."""

    name: str | None
    tags: str | Iterable[str]
    max_uses: int | None
    private: bool
    timeout: float | None
    isolation: Isolation | None
    effect: Effect


class Category:
    """A named group of blocks: ``TEXT`` in ``TEXT.JOIN``.

    Args:
        name: its name; upper-cased.
        effect: the effect of running its blocks again; a block may have its own.
        registry: the registry of its blocks; by default the deployment's.
    """

    def __init__(self, name: str, *, effect: Effect = "at_least_once", registry: Registry | None = None) -> None:
        self.name = name.upper()
        self.effect: Effect = effect
        self._registry = registry if registry is not None else REGISTRY

    @overload
    def block(self, function: Callable[P, R], /) -> Block[P, R]: ...
    @overload
    def block(self, /, **options: Unpack[Options]) -> Callable[[Callable[P, R]], Block[P, R]]: ...
    def block(self, function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
        """Announce a function as a block of this category, with the options of `Block`."""

        def announce(function: Callable[..., Any]) -> Block[..., Any]:
            made = Block(function, **({"category": self.name, "effect": self.effect} | options))
            self._registry.add(made)
            return made

        return announce if function is None else announce(function)


block = Category("").block
"""The decorator for a block without a category: its action is its name alone."""


def provide(name: str) -> Callable[[Callable[[], R]], Callable[[], R]]:
    """Announce a function that makes the global value `name`: a client, a connection, a setting that blocks need."""

    def announce(factory: Callable[[], R]) -> Callable[[], R]:
        REGISTRY.provide(name, factory)
        return factory

    return announce
