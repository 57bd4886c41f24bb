"""Expressions in DynamoDB's language: the names and values of one request, and conditions written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infra.errors import GiveUpError
from infra.table.attributes import encode
from infra.table.conditions import Absent, All, AnyOf, Below, Condition, Equals, OneOf
from infra.table.items import Value


class Expression:
    """Names and values of one request, each behind a placeholder, so that reserved words cannot collide."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, dict[str, Any]] = {}

    def name(self, attr: str) -> str:
        return self.names.setdefault(attr, f"#{len(self.names)}")

    def value(self, value: Value) -> str:
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = encode(value)
        return placeholder

    def condition(self, condition: Condition) -> str:
        """The condition in DynamoDB's language; empty for one that always holds."""
        match condition:
            case Equals(attr, value):
                return f"{self.name(attr)} = {self.value(value)}"
            case Below(attr, number):
                return f"{self.name(attr)} < {self.value(number)}"
            case Absent(attr):
                return f"attribute_not_exists({self.name(attr)})"
            case OneOf(attr, values):
                return f"{self.name(attr)} IN ({', '.join(self.value(value) for value in values)})"
            case All(conditions):
                return self._joined(" AND ", [text for text in map(self.condition, conditions) if text])
            case AnyOf(conditions) if conditions:
                if any(map(_always, conditions)):
                    return ""
                return self._joined(" OR ", [self.condition(part) for part in conditions])
        raise GiveUpError(f"A condition that never holds, or an unknown one: {condition!r}.")

    @staticmethod
    def _joined(word: str, parts: Sequence[str]) -> str:
        return parts[0] if len(parts) == 1 else word.join([f"({part})" for part in parts])

    def request(self) -> dict[str, Any]:
        """The part of a request that resolves the placeholders; AWS refuses empty mappings."""
        parts: dict[str, Any] = {}
        if self.names:
            parts["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in self.names.items()}
        if self.values:
            parts["ExpressionAttributeValues"] = self.values
        return parts


def _always(condition: Condition) -> bool:
    """Whether the condition always holds. DynamoDB has no expression for that, so none is sent."""
    match condition:
        case All(conditions):
            return all(map(_always, conditions))
        case AnyOf(conditions):
            return any(map(_always, conditions))
    return False
