"""What a block is: a Python function that a deployment allows jobs to call, and the registry that knows them all.

A block is written as a plain function and announced by its category::

    text = Category("TEXT")

    @text.block
    def join(*, text1: str, text2: str, join_with: str = " ") -> str: ...

Keyword-only parameters (and ``**kwargs``) are the user's. Positional ones are the deployment's: users can neither set nor
see them. Two positional names are reserved: ``job__`` receives a `Job` and ``call__`` a `Call`; every other one receives
the global value of its name, less a trailing ``__``.

This file is the only one that others in ``blocks`` import, and it imports nothing of theirs.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import threading
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from functools import cached_property, update_wrapper
from importlib.metadata import entry_points
from typing import (
    Annotated,
    Any,
    Final,
    Generic,
    Literal,
    NotRequired,
    ParamSpec,
    Protocol,
    Required,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

from pydantic import ConfigDict, TypeAdapter
from typing_extensions import TypedDict

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")

Effect = Literal["none", "at_least_once", "at_most_once"]
"""What running a block again does: nothing (``none``), the effect once more (``at_least_once``), or it is never run again."""

Isolation = Literal["process"]
"""``process``: the block runs in a forked child with a memory limit, and is killed at its time limit."""

JOB: Final = "job__"
CALL: Final = "call__"
ENTRY_POINT_GROUP: Final = "conduit.blocks"


class DuplicateBlockError(Exception):
    """Two blocks have one name. Raised at import, so that a deployment never starts with half of its blocks hidden."""


class UnusableBlockError(Exception):
    """A block's options or signature contradict each other. Raised at import; the message says what to change."""


class BudgetExceededError(Exception):
    """A block was about to build something larger than the job may keep. The step ends RESULT_LIMIT_EXCEED."""


class Job(Protocol):
    """What a block sees of its job when it takes ``job__``."""

    @property
    def id(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def tags(self) -> frozenset[str]: ...
    @property
    def variables(self) -> MutableMapping[str, Any]:
        """The job's variables. What is changed here counts only when the step ends DONE."""


class Call(Protocol):
    """What a block knows of the call it serves when it takes ``call__``."""

    @property
    def time_left(self) -> float:
        """Seconds until the step is stopped; infinite when nothing limits it."""

    @property
    def idempotency_key(self) -> str:
        """``<tenant>/<job>/<run>/<position>``: the same in each attempt of this step; hand it to the service called."""

    @property
    def fence(self) -> int:
        """Grows with each claim of the job: a service that remembers the highest one can refuse a late predecessor."""

    def charge(self, size: int) -> None:
        """Announce `size` bytes before building them.

        Raises:
            BudgetExceededError: the step may not hold so much.
        """


class InPlace:
    """Marks a parameter that its block changes in place; see `Changes`."""


Changes = Annotated[T, InPlace()]
"""``Changes[list[Any]]``: the block changes this argument in place. A variable handed to it keeps the change."""


class Block(Generic[P, R]):
    """One function that jobs may call, with what the deployment says about it. Calling it calls the function.

    Attributes:
        name: its name in upper case, without the category.
        category: the category's name in upper case, or ``None``.
        tags: tags that a job must all have to use it.
        max_uses: how many steps of one job may use it; ``None`` for any number.
        private: left out of the registry; only a job that is given it (``Conduit(blocks=[...])``) has it.
        timeout: seconds that one run of it may take; ``None`` leaves this to step, job and invocation.
        isolation: ``"process"`` runs it in a child process.
        effect: what running it again would do.
    """

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        category: str | None = None,
        tags: tuple[str, ...] | list[str] = (),
        max_uses: int | None = None,
        private: bool = False,
        timeout: float | None = None,
        isolation: Isolation | None = None,
        effect: Effect = "at_least_once",
    ) -> None:
        self.function = function
        self.name = (name or function.__name__).upper()
        self.category = category.upper() if category else None
        self.tags = frozenset(tags)
        self.max_uses = max_uses
        self.private = private or self.name.startswith("_")
        self.timeout = timeout
        self.isolation = isolation
        self.effect = effect
        self.action = f"{self.category}.{self.name}" if self.category else self.name
        self.is_coroutine = inspect.iscoroutinefunction(function)
        self.signature = inspect.signature(function)
        kinds = inspect.Parameter
        self.positional = tuple(
            parameter.name
            for parameter in self.signature.parameters.values()
            if parameter.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
        )
        self.takes_any = any(p.kind is kinds.VAR_KEYWORD for p in self.signature.parameters.values())
        update_wrapper(self, function)
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        if "." in self.name or (self.category and "." in self.category):
            raise UnusableBlockError(f"{self.action}: neither the name nor the category of a block may contain a dot")
        if self.effect not in get_args(Effect):
            raise UnusableBlockError(f"{self.action}: effect is one of {get_args(Effect)}, not {self.effect!r}")
        if self.isolation is not None and self.isolation not in get_args(Isolation):
            raise UnusableBlockError(f"{self.action}: isolation is 'process' or None, not {self.isolation!r}")
        if self.isolation and self.positional:
            raise UnusableBlockError(
                f"{self.action}: an isolated block lives in another process and gets its JSON arguments only; "
                f"it cannot take {', '.join(self.positional)}"
            )
        if self.timeout is not None and not self.timeout > 0:
            raise UnusableBlockError(f"{self.action}: timeout is seconds above 0, not {self.timeout!r}")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.function(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<Block {self.action}>"

    @property
    def description(self) -> str:
        """The function's docstring: the block's page in the catalogue."""
        return inspect.getdoc(self.function) or ""

    @cached_property
    def annotations(self) -> Mapping[str, Any]:
        """The types of the user's parameters, by name."""
        hints = get_type_hints(self.function, include_extras=True)
        return {
            parameter.name: hints.get(parameter.name, Any)
            for parameter in self.signature.parameters.values()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }

    @cached_property
    def in_place(self) -> frozenset[str]:
        """Names of the parameters that the block changes in place."""
        return frozenset(
            name
            for name, annotation in self.annotations.items()
            if get_origin(annotation) is Annotated and any(isinstance(mark, InPlace) for mark in annotation.__metadata__)
        )

    @cached_property
    def arguments(self) -> TypeAdapter[dict[str, Any]]:
        """The validator of the user's arguments, built once, at the first use."""
        defaults = self.signature.parameters
        fields: dict[str, Any] = {
            name: Required[hint] if defaults[name].default is inspect.Parameter.empty else NotRequired[hint]
            for name, hint in self.annotations.items()
        }
        shape: Any = TypedDict(f"{self.action} parameters", fields)  # type: ignore[operator]  # made at run time
        extra: Literal["allow", "forbid"] = "allow" if self.takes_any else "forbid"
        shape.__pydantic_config__ = ConfigDict(extra=extra, arbitrary_types_allowed=True)
        return TypeAdapter(shape)

    @cached_property
    def validate(self) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """Takes the user's arguments, gives them as the function wants them (pydantic's lax mode), in a new dictionary.

        Raises:
            pydantic.ValidationError: they do not fit the signature: wrong type, missing, unknown, out of bounds.
        """
        return self.arguments.validator.validate_python

    def schema(self) -> dict[str, Any]:
        """JSON Schema (2020-12) of the user's parameters, defaults included where they are JSON."""
        schema = self.arguments.json_schema()
        schema["title"] = self.action
        for name, property_ in schema.get("properties", {}).items():
            parameter = self.signature.parameters.get(name)
            if parameter and isinstance(parameter.default, (str, int, float, bool, type(None))):
                property_["default"] = parameter.default
        return schema


class Registry:
    """Every public block by its name, and the global values that the deployment provides for them.

    Args:
        discover: called once, before the first look-up; expected to import what announces blocks.
    """

    def __init__(self, discover: Callable[[], None] | None = None) -> None:
        self._discover = discover
        self._blocks: dict[str, Block[..., Any]] = {}
        self._providers: dict[str, Callable[[], Any]] = {}
        self._lock = threading.RLock()

    def add(self, block: Block[..., Any]) -> None:
        """Make `block` known, unless it is private.

        Raises:
            DuplicateBlockError: another block has its name.
        """
        if block.private:
            return
        known = self._blocks.get(block.action)
        if known is not None:
            raise DuplicateBlockError(
                f"{block.action} is announced twice: by {known.function.__module__}.{known.function.__qualname__} "
                f"and by {block.function.__module__}.{block.function.__qualname__}; give one of them another name"
            )
        self._blocks[block.action] = block

    def provide(self, name: str, factory: Callable[[], Any]) -> None:
        """Let `factory` make the global value `name`, when a block first asks for it.

        Raises:
            DuplicateBlockError: the name is provided already.
        """
        if name in self._providers:
            raise DuplicateBlockError(f"the global value {name!r} is provided twice")
        self._providers[name] = factory

    def get(self, action: str) -> Block[..., Any] | None:
        """The block of that name, in any case of letters, or ``None``."""
        self.load()
        return self._blocks.get(action) or self._blocks.get(action.upper())

    def load(self) -> None:
        """Import what announces blocks. Only the first call does anything."""
        if self._discover is None:
            return
        with self._lock:  # `conduit serve` answers from several threads
            discover, self._discover = self._discover, None
            if discover is not None:
                try:
                    discover()
                except BaseException:
                    self._discover = discover  # a broken file is named at every look-up, not only at the first
                    raise

    def global_values(self) -> Mapping[str, Any]:
        """What the deployment provides; each value is made at its first use and kept."""
        self.load()
        return _Provided(self._providers)

    def __iter__(self) -> Iterator[Block[..., Any]]:
        self.load()
        return iter(sorted(self._blocks.values(), key=lambda block: block.action))

    def __len__(self) -> int:
        self.load()
        return len(self._blocks)


class _Provided(Mapping[str, Any]):
    def __init__(self, providers: Mapping[str, Callable[[], Any]]) -> None:
        self._providers = providers
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = self._providers[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._providers)

    def __len__(self) -> int:
        return len(self._providers)


def _load_installed() -> None:
    """Import every file of the folder ``blocks``, then every installed package that announces itself."""
    package = importlib.import_module(__package__ or "blocks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        entry_point.load()


REGISTRY: Final = Registry(_load_installed)
"""The registry that jobs look blocks up in."""


class Category:
    """A named group of blocks: ``TEXT`` in ``TEXT.JOIN``.

    Args:
        name: its name; upper-cased.
        effect: what running one of its blocks again does, unless the block says otherwise.
        registry: where its blocks become known; the deployment's by default.
    """

    def __init__(self, name: str, *, effect: Effect = "at_least_once", registry: Registry | None = None) -> None:
        self.name = name.upper()
        self.effect: Effect = effect
        self._registry = registry if registry is not None else REGISTRY

    @overload
    def block(self, function: Callable[P, R], /) -> Block[P, R]: ...
    @overload
    def block(
        self,
        *,
        name: str | None = ...,
        tags: tuple[str, ...] | list[str] = ...,
        max_uses: int | None = ...,
        private: bool = ...,
        timeout: float | None = ...,
        isolation: Isolation | None = ...,
        effect: Effect | None = ...,
    ) -> Callable[[Callable[P, R]], Block[P, R]]: ...
    def block(
        self, function: Callable[P, R] | None = None, /, *, effect: Effect | None = None, **options: Any
    ) -> Block[P, R] | Callable[[Callable[P, R]], Block[P, R]]:
        """Announce a function as a block of this category. Options are those of `Block`."""

        def announce(function: Callable[P, R]) -> Block[P, R]:
            made = Block(function, category=self.name or None, effect=effect or self.effect, **options)
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
