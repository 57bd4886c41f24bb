"""The job's variables and results, within their budgets."""

from __future__ import annotations

from collections.abc import Mapping
from sys import getsizeof
from typing import Any, Final

from blocks.charges import weigh
from handler.engine.call import VariablesDraft
from handler.engine.limits import Limits
from handler.engine.step import ConduitStep
from handler.engine.values import UnstorableValueError, check_weight, encode_text, json_of, keep, size_of, size_of_error

_LEFT: Final = 100
"""Characters of an error's message that remain if the job may keep no more."""
WEIGHT_OF_STEP: Final = 6
"""The cost of a container that counts as one evaluation step: it is weighed, encoded, decoded and checked."""
_SHARE: Final = 4
"""Bytes of memory for each charged byte."""


Changed = tuple[str, int, dict[str, tuple[Any, str]], list[str]]
"""The changes as JSON, the bytes of all variables after them, the new values with their texts, the deleted names."""
Kept = tuple[Any, str, int, Changed | None, int]
"""The kept data of a step: its result, the result as JSON, the bytes of both result and changes, the changes of
variables, and the cost of a result that is a container."""
_SCALARS: Final = frozenset({str, int, float, bool, type(None)})


class Variables:
    """The job's variables, and the bytes of its results.

    Attributes:
        values: the variables; blocks never get this dictionary or its values.
        results_size: bytes of all results, errors and changes of variables so far.
        held: the cost of results that are containers, and of texts beyond ASCII.
        work: evaluation steps of keeping and refusing containers that the run has not counted yet.
    """

    __slots__ = ("_size", "_texts", "held", "results_size", "values", "work")

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.values: dict[str, Any] = dict(values) if values else {}
        self._texts: dict[str, str] = {}
        self._size: int | None = None  # counted at its first use: most jobs never change a variable
        self.results_size = self.held = self.work = 0

    def prepare(self, result: Any, changes: dict[str, Any], draft: VariablesDraft | None, limits: Limits) -> Kept:
        """Return the kept data of a step: its result and the variables that it changed. Nothing is changed yet.

        Args:
            result: the block's result.
            changes: the variables that an in-place block received, as it left them.
            draft: the block's changes through ``job__``.
            limits: the budgets.

        Raises:
            UnstorableValueError: a value is not JSON, or exceeds a budget.
        """
        weight, changed = 0, None
        if type(result) is int:  # like `keep`, without the call
            try:
                text = repr(result)
            except ValueError:
                _, text = keep(result, limits.nesting)  # refuses an integer of thousands of digits
            size = len(text)
        else:
            if type(result) not in _SCALARS:
                weight = self._weigh(result, limits)
            result, text = keep(result, limits.nesting, None, weight)
            if text.isascii():
                size = len(text)
            else:
                size = size_of(text)
                weight += self._weigh_texts(result, text, limits)
        if changes or draft is not None:
            changed, size = self._prepare_changes(size, changes, draft, limits)
        elif size > limits.record:
            raise _too_large("the result takes", size, limits.record)
        results = self.results_size + size
        if results > limits.results:
            raise _too_large("all results of the job take", results, limits.results)
        return result, text, size, changed, weight

    def _weigh(self, result: Any, limits: Limits) -> int:
        weight = check_weight(result, limits.record, limits.nesting)
        self.work += weight // WEIGHT_OF_STEP
        self._check_held(weight, limits)
        return weight

    def _weigh_texts(self, result: Any, text: str, limits: Limits) -> int:
        """Return the cost of a string and a JSON text beyond ASCII: Python keeps up to four bytes for a character."""
        weight = _cost_of_texts(result, text)
        self._check_held(weight, limits)
        return weight

    def _check_held(self, weight: int, limits: Limits) -> None:
        if self.held + weight > limits.held:
            raise _too_large("all results of the job take, in memory,", self.held + weight, limits.held)

    def take(self, step: ConduitStep, kept: Kept) -> None:
        """Set the step's prepared result, and change the variables."""
        step.return_value, step.result_json, size, changes, weight = kept
        self.results_size += size
        self.take_more(step, changes, weight)

    def take_more(self, step: ConduitStep, changes: Changed | None, weight: int) -> None:
        """Handle the rare parts of a result: changes of variables, and the cost of a container."""
        self.held += weight
        if changes is not None:
            step.variables_json, self._size, values, deleted = changes
            self._apply(values, deleted)

    def restore(self, step: ConduitStep) -> None:
        """Count the data of an earlier record."""
        for text in (step.result_json, step.variables_json):
            if text is not None:
                self.results_size += size_of(text)
        self.restore_error(step.error)
        if type(step.return_value) not in _SCALARS:
            self.held += weigh(step.return_value)
        if step.result_json is not None and not step.result_json.isascii():
            self.held += _cost_of_texts(step.return_value, step.result_json)

    def restore_opened(self, step: ConduitStep) -> None:
        """Count the data of an earlier open record of a loop or a try."""
        if step.opened_json is not None:
            self.results_size += size_of(step.opened_json)
        if step.opened is not None and "list" in step.opened:
            self.held += weigh(step.opened["list"])

    def restore_error(self, error: Mapping[str, Any] | None) -> None:
        """Count the error of an earlier record."""
        if error:
            self.results_size += size_of_error(error)

    def charge_error(self, error: dict[str, Any], limits: Limits) -> dict[str, Any]:
        """Count a step's error. If it does not fit, its type and the beginning of its message remain."""
        size = size_of_error(error)
        if self.results_size + size > limits.results:
            left = {"type": error["type"], "message": error["message"][:_LEFT]}
            error = left | {"path": error["path"]} if "path" in error else left
            size = size_of_error(error)
        self.results_size += size
        return error

    def weigh_list(self, items: Any, limits: Limits) -> int:
        """Return the cost of the list of an open record; 0 without a list.

        Raises:
            UnstorableValueError: it exceeds a budget, or is nested too deep.
        """
        return 0 if items is None else self._weigh(items, limits)

    def charge_record(self, size: int, weight: int, limits: Limits) -> None:
        """Count a record of `size` bytes without a result, and the cost of the list in it.

        Raises:
            UnstorableValueError: it exceeds a budget.
        """
        if size > limits.record:
            raise _too_large("the list takes", size, limits.record)
        results = self.results_size + size
        if results > limits.results:
            raise _too_large("all results of the job take", results, limits.results)
        self.results_size = results
        self.held += weight

    def _prepare_changes(
        self, result_size: int, changes: dict[str, Any], draft: VariablesDraft | None, limits: Limits
    ) -> tuple[Changed | None, int]:
        """Return the changed variables (or ``None``) and the bytes of the record, if all is within the budgets."""
        kept, deleted = self._collect(changes, draft, limits)
        variables_json = _encode_changes(kept, deleted) if kept or deleted else None
        record = result_size + (size_of(variables_json) if variables_json else 0)
        if record > limits.record:
            raise _too_large("the result and the changed variables take", record, limits.record)
        if variables_json is None:
            return None, record
        size = self._size_with(kept, deleted)
        if kept and size > limits.variables:
            raise _too_large("all variables of the job take", size, limits.variables)
        return (variables_json, size, kept, deleted), record

    def _collect(
        self, changes: dict[str, Any], draft: VariablesDraft | None, limits: Limits
    ) -> tuple[dict[str, tuple[Any, str]], list[str]]:
        touched = {**draft.touched, **changes} if draft is not None else changes
        deleted = sorted(draft.deleted - changes.keys()) if draft is not None else []
        kept = {}
        for name, value in touched.items():
            weight = 0
            if type(value) not in _SCALARS:
                weight = check_weight(value, limits.variables, limits.nesting)
                self.work += weight // WEIGHT_OF_STEP
            copy, text = keep(value, limits.nesting, weight=weight)
            if name not in self.values or text != self._text(name):
                kept[name] = (copy, text)
        return kept, deleted

    def _apply(self, kept: dict[str, tuple[Any, str]], deleted: list[str]) -> None:
        for name in deleted:
            del self.values[name]
            self._texts.pop(name, None)
        for name, (copy, text) in kept.items():
            self.values[name] = copy
            self._texts[name] = text

    def _text(self, name: str) -> str:
        text = self._texts.get(name)
        if text is None:
            # Code may start a job with any object; only values that steps set must be JSON.
            text = json_of(self.values[name]) or ""
            self._texts[name] = text
        return text

    def _entry_size(self, name: str) -> int:
        return _size_of_entry(name, self._text(name)) if name in self.values else 0

    def _size_with(self, kept: dict[str, tuple[Any, str]], deleted: list[str]) -> int:
        """Return the bytes of the variables as a JSON object after the change, computed from the changed ones only."""
        if self._size is None:
            self._size = 1 + sum(self._entry_size(name) for name in self.values)
        gone = sum(self._entry_size(name) for name in (*kept, *deleted))
        return self._size - gone + sum(_size_of_entry(name, text) for name, (_, text) in kept.items())


def _cost_of_texts(result: Any, text: str) -> int:
    """The JSON, the record that it is written into, what is sent of that, and the result if it is a string."""
    return getsizeof(text) // _SHARE * (4 if type(result) is str else 3)


def _size_of_entry(name: str, text: str) -> int:
    return size_of(encode_text(name)) + size_of(text) + 2  # a colon, and a comma or the closing brace


def _encode_changes(kept: dict[str, tuple[Any, str]], deleted: list[str]) -> str:
    changed = ",".join(f"{encode_text(name)}:{text}" for name, (_, text) in kept.items())
    return f'{{"set":{{{changed}}},"deleted":[{",".join(encode_text(name) for name in deleted)}]}}'


def _too_large(what: str, size: int, limit: int) -> UnstorableValueError:
    return UnstorableValueError(f"{what} {size:,} bytes; the limit is {limit:,}")
