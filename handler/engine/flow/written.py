"""Steps of other kinds than ``block``, parsed once from their written form.

`handler.payload` refuses jobs of users with an invalid shape. The checks here are for code that makes jobs itself: they
refuse steps that could not run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from handler.engine.step import ConduitStep

ACTIONS: Final = {
    "for_each": "FOR_EACH",
    "while": "WHILE",
    "choose": "CHOOSE",
    "try": "TRY",
    "set": "SET",
    "end": "END",
    "wait": "WAIT",
    "wait_for": "WAIT_FOR",
    "output": "OUTPUT",
}
"""The `action` of each kind of step except ``block``, by the key that identifies the kind."""
_KEYS: Final = ACTIONS.keys() - {"output"}
MOST_STEPS: Final = 50
"""The largest number of steps in one `do`."""
DEEPEST: Final = 4
"""The largest number of nested loops and choices."""
MOST_ROUNDS: Final = 1_000
DEFAULT_NAME: Final = "item"

Steps = list[ConduitStep]
MakeSteps = Callable[[Sequence[Mapping[str, Any]], int], Steps]
"""Makes the steps of an inner list at a depth of loops and choices."""


@dataclass(slots=True)
class ForEach:
    """A loop over the items of a list.

    Attributes:
        items: the list, as the user wrote it.
        name: the name of an item inside the loop.
        tolerate: how many items may fail: ``{"count": n}`` or ``{"percent": p}``.
        do: the steps that run for each item.
        short: whether one block runs for each item, under the loop's own id.
        by_id: the written steps that can be read inside, by their ids.
    """

    items: Any
    name: str
    tolerate: Mapping[str, Any]
    do: Steps
    short: bool
    by_id: dict[str, ConduitStep] = field(default_factory=dict)
    kind = "for_each"
    is_loop = True

    def lists(self) -> tuple[Steps, ...]:
        return (self.do,)

    def may_fail(self, failed: int, count: int) -> bool:
        """Whether this many failures are tolerated."""
        if "percent" in self.tolerate:
            return bool(failed * 100 <= self.tolerate["percent"] * count)
        return bool(failed <= self.tolerate.get("count", 0))


@dataclass(slots=True)
class While:
    """A loop for as long as a condition holds.

    Attributes:
        condition: as the user wrote it.
        most: the largest number of rounds.
        do: the steps of a round.
        by_id: see `ForEach`.
    """

    condition: Any
    most: int
    do: Steps
    by_id: dict[str, ConduitStep] = field(default_factory=dict)
    kind = "while"
    is_loop = True

    def lists(self) -> tuple[Steps, ...]:
        return (self.do,)


@dataclass(slots=True)
class Choose:
    """The first branch whose condition holds.

    Attributes:
        branches: conditions as the user wrote them, each with its steps.
        otherwise: the steps that run if no condition holds.
    """

    branches: tuple[tuple[Any, Steps], ...]
    otherwise: Steps
    kind = "choose"
    is_loop = False

    def lists(self) -> tuple[Steps, ...]:
        return (*(steps for _, steps in self.branches), self.otherwise)

    def branch(self, name: int | str | None) -> Steps:
        """The steps of a branch, by its name in the step's result."""
        if isinstance(name, int):
            return self.branches[name][1]
        return self.otherwise if name == "else" else []


@dataclass(slots=True)
class Try:
    """Steps whose failure is caught."""

    attempt: Steps
    catch: Steps
    kind = "try"
    is_loop = False

    def lists(self) -> tuple[Steps, ...]:
        return self.attempt, self.catch


@dataclass(slots=True)
class SetVariables:
    """Variables and their new values, in order, as the user wrote them."""

    values: Mapping[str, Any]
    kind = "set"


@dataclass(slots=True)
class End:
    """Ends an item, a loop or the job early.

    Attributes:
        what: ``item``, ``loop`` or ``job``.
        message: the step's result.
    """

    what: str
    message: Any
    kind = "end"


@dataclass(slots=True)
class Wait:
    """Waits for a time.

    Attributes:
        seconds: how long, as the user wrote it; ``None`` where `until` is given.
        until: a time, as the user wrote it.
    """

    seconds: Any
    until: Any
    kind = "wait"


@dataclass(slots=True)
class WaitFor:
    """Waits for a person's answer: ``timeout``, ``message``, ``tags``, ``not_sender`` and ``form``."""

    fields: Mapping[str, Any]
    kind = "wait_for"


@dataclass(slots=True)
class Output:
    """The job's output, as the user wrote it."""

    value: Any
    kind = "output"


def kind_of(data: Mapping[str, Any]) -> str | None:
    """The kind of a written step; ``None`` for a block.

    Raises:
        ValueError: it has several kinds.
    """
    if _KEYS.isdisjoint(data):
        return None
    kinds = [key for key in data if key in _KEYS and (data[key] is not None or key == "for_each")]
    if len(kinds) > 1 or (kinds and "action" in data and kinds != ["for_each"]):
        raise ValueError(f"a step is one of action, {', '.join(ACTIONS)}; this one has {', '.join(kinds)}")
    return kinds[0] if kinds else None


def read(data: Mapping[str, Any], kind: str, depth: int, make: MakeSteps) -> Any:
    """Parse a step of a kind.

    Args:
        data: the step.
        kind: its kind, from `kind_of`.
        depth: how many loops and choices are around it.
        make: makes its inner steps.

    Raises:
        ValueError: the step could not run.
    """
    inner = depth + (kind in {"for_each", "while", "choose"})
    if inner > DEEPEST:
        raise ValueError(f"loops and choices nest at most {DEEPEST} deep")

    def steps(of: Mapping[str, Any], key: str) -> Steps:
        written = of.get(key) or ()
        if key == "do" and not 1 <= len(written) <= MOST_STEPS:
            raise ValueError(f"`do` has 1 to {MOST_STEPS} steps; this one has {len(written)}")
        return make(written, inner)

    value = data[kind]
    match kind:
        case "for_each":
            return _read_for_each(data, inner, make, steps)
        case "while":
            most = data.get("max")
            if type(most) is not int or not 1 <= most <= MOST_ROUNDS:
                raise ValueError(f"`while` needs `max`, a whole number from 1 to {MOST_ROUNDS:,}")
            return While(value, most, steps(data, "do"))
        case "choose":
            return Choose(tuple((branch["if"], steps(branch, "do")) for branch in value), steps(data, "else"))
        case "try":
            return Try(steps(data, "try"), steps(data, "catch"))
        case "set":
            return SetVariables(value)
        case "end":
            if value not in {"job", "loop", "item"}:
                raise ValueError("`end` is `job`, `loop` or `item`")
            return End(value, data.get("message"))
        case "wait":
            return _read_wait(value)
    return WaitFor(value)


def _read_for_each(
    data: Mapping[str, Any], depth: int, make: MakeSteps, steps: Callable[[Mapping[str, Any], str], Steps]
) -> ForEach:
    short = "do" not in data
    if short:
        own = ("action", "parameters", "retry", "timeout", "poll")
        do = make([{"id": data.get("id") or DEFAULT_NAME} | {key: data[key] for key in own if key in data}], depth)
    else:
        do = steps(data, "do")
    return ForEach(data["for_each"], data.get("as") or DEFAULT_NAME, data.get("tolerate") or {}, do, short)


def _read_wait(value: Any) -> Wait:
    if not isinstance(value, Mapping) or len(value) != 1 or not value.keys() <= {"seconds", "until"}:
        raise ValueError("`wait` has `seconds` or `until`")
    return Wait(value.get("seconds"), value.get("until"))


def lists_of(step: ConduitStep) -> tuple[Steps, ...]:
    """The lists of inner steps of a step, in order."""
    spec: Any = step.spec
    return spec.lists() if spec is not None and hasattr(spec, "lists") else ()
