"""A block's view of the job and the call: implements the protocols of `blocks.block`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from inspect import Parameter, signature
from math import inf
from typing import Any

from blocks.block import Block, BudgetExceededError
from blocks.charges import Charges
from handler.engine.charges import Charge
from handler.engine.values import LIGHT, copy_value


class Budget:
    """The size of values that a block may still build: bytes of JSON, and their cost in memory by `blocks.charges`.

    Args:
        limit: bytes of JSON.
        what: the block, for messages.
    """

    __slots__ = ("left", "limit", "room", "what")

    def __init__(self, limit: int, what: str) -> None:
        self.left = self.limit = limit
        self.room = limit * LIGHT
        self.what = what

    def charge(self, size: int, cost: int | None = None) -> None:
        """Charge `size` bytes of JSON, whose cost in memory is `size` unless `cost` is given.

        Raises:
            BudgetExceededError: too few are left.
        """
        if size > self.left:
            raise BudgetExceededError(
                f"{self.what} would take {self.limit - self.left + size:,} bytes; the limit is {self.limit:,}"
            )
        if size > 0:
            self.left -= size
        self.hold(size if cost is None else cost)

    def hold(self, cost: int) -> None:
        """Charge the cost of a copy in memory. Raises the error of `charge`."""
        if cost > self.room:
            raise BudgetExceededError(f"{self.what} would take far more memory than {self.limit:,} bytes of JSON may")
        if cost > 0:
            self.room -= cost


class VariablesDraft(MutableMapping[str, Any]):
    """A block's draft of the job's variables. Its changes count only when the step ends DONE.

    Reading a variable returns a copy and keeps it, so that changing the copy in place changes the draft.
    """

    __slots__ = ("_base", "_charge", "deleted", "touched")

    def __init__(self, base: Mapping[str, Any], charge: Charge) -> None:
        self._base = base
        self._charge = charge
        self.touched: dict[str, Any] = {}
        self.deleted: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        if name in self.touched:
            return self.touched[name]
        if name in self.deleted:
            raise KeyError(name)
        value = copy_value(self._base[name], self._charge)
        self.touched[name] = value
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a variable's name is a string, not {name!r}")
        self.touched[name] = value
        self.deleted.discard(name)

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self.touched.pop(name, None)
        if name in self._base:
            self.deleted.add(name)

    def __contains__(self, name: object) -> bool:
        return name in self.touched or (name in self._base and name not in self.deleted)

    def __iter__(self) -> Iterator[str]:
        yield from (name for name in self._base if name not in self.deleted)
        yield from (name for name in self.touched if name not in self._base)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class JobForBlock:
    """`blocks.block.Job`."""

    __slots__ = ("id", "name", "tags", "variables")

    def __init__(
        self, id: str | None, name: str | None, tags: frozenset[str], variables: VariablesDraft
    ) -> None:  # the attribute's name
        self.id = id
        self.name = name
        self.tags = tags
        self.variables = variables


class StepCall:
    """`blocks.block.Call`."""

    __slots__ = (
        "_can_fail",
        "_ends_at",
        "_now",
        "_run_isolated",
        "charge",
        "fence",
        "idempotency_key",
        "path",
        "timeout",
    )

    def __init__(
        self,
        key: str,
        fence: int,
        ends_at: float,
        now: Callable[[], float],
        budget: Charges,
        run_isolated: Callable[[Callable[[], Any], float], Any],
        *,
        path: str,
        timeout: float | None,
        can_fail: bool,
    ) -> None:
        self.idempotency_key = key
        self.fence = fence
        self._ends_at = ends_at
        self._now = now
        self.charge = budget.charge
        self._run_isolated = run_isolated
        self._can_fail = can_fail
        self.path = path
        self.timeout = timeout

    @property
    def limit_left(self) -> float:
        """Seconds until a limit ends the step as a failure; infinite if the invocation ends first."""
        return self.time_left if self._can_fail else inf

    @property
    def time_left(self) -> float:
        """Seconds until the step is stopped, never below 0."""
        return max(0.0, self._ends_at - self._now())

    def isolate(self, function: Callable[[], Any]) -> Any:
        """Run `function` in a child process, which is killed when no time is left; return its result."""
        return self._run_isolated(function, self.time_left)


class GlobalValueError(Exception):
    """A global value of the deployment could not be made. Users see only its name."""


def global_value(
    block: Block[..., Any],
    name: str,
    values: Mapping[str, Any],
    world: Mapping[str, Any],
    report: Callable[[str, Exception], None],
) -> Any:
    """The value of a block's positional parameter: the deployment's value, else the run's, else its default.

    Args:
        block: the block.
        name: the parameter's name.
        values: the global values of the deployment or of the code that made the job.
        world: the values of each run: its clock and its source of random bytes.
        report: called with the error, which users must not see.

    Raises:
        LookupError: there is no such value and no default.
        GlobalValueError: the value exists but could not be created.
    """
    wanted = name.removesuffix("__")
    try:
        return values[wanted]
    except Exception as error:
        if not isinstance(error, KeyError) or wanted in tuple(values):  # the value exists but cannot be made
            message = f"the global value `{wanted}` could not be created"
            report(message, error)
            raise GlobalValueError(message) from error
    if wanted in world:
        return world[wanted]
    default = signature(block.function).parameters[name].default
    if default is not Parameter.empty:
        return default
    raise LookupError(f"{block.action} needs the global value `{wanted}`, which the deployment does not provide")
