"""JSON Schema of a job for the OpenAPI document: a step is one of several closed objects, one for each kind.

API pages, client generators and fuzzers understand closed objects. They ignore the conditions of
`handler.validation.step_schemas`, by which an editor can name the wrong field. Both schemas accept the same jobs,
except for rules that depend on a step's place: this one allows any nesting, inner steps without an id, and `end` of a
loop anywhere. ``GET /schema`` has these rules.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from handler.payload.fields import JOB, KINDS
from handler.payload.table import Kind, Steps
from handler.validation.step_schemas import NO_TAG, OF_ONE_BLOCK, Schema, name_of, object_of, schema_of_schemas

_STEP: Final = "Step"
_FORM: Final = "Form"


class ClosedShapes:
    """The schemas of a job and of its parts.

    Args:
        prefix: the prefix of references to `defs`.

    Attributes:
        job: the schema of a job.
        defs: the schemas that it refers to.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self.defs: dict[str, Schema] = {}
        for kind in KINDS.values():
            self.defs |= self._kind(kind)
        about = "Exactly one kind of step. Inner steps need an id; loops and choices nest at most four deep."
        self.defs[_STEP] = {"description": about, "oneOf": [self._ref(name) for name in self.defs]}
        self.defs[_FORM] = schema_of_schemas(self._ref(_FORM), NO_TAG)
        self.job = self._with_steps(object_of(JOB.fields), ("steps",))
        self.job["not"] = {"required": ["parameters", "local_values"]}
        self.job["description"] = "The steps of a job, and their values."

    def _ref(self, name: str) -> Schema:
        return {"$ref": f"{self._prefix}{name}"}

    def _kind(self, kind: Kind) -> dict[str, Schema]:
        if kind.name != "for_each":
            return {name_of(kind): self._shape(kind, kind.fields, ())}
        of_steps = self._shape(kind, kind.fields.keys() - {"action", *OF_ONE_BLOCK}, ("do",))
        of_steps["properties"] |= {name: {"type": "null"} for name in OF_ONE_BLOCK if kind.fields[name].nullable}
        return {
            name_of(kind): of_steps,
            "ForEachBlockStep": self._shape(kind, kind.fields.keys() - {"do"}, ("action",)),
        }

    def _shape(self, kind: Kind, names: Collection[str], required: tuple[str, ...]) -> Schema:
        fields = {name: one for name, one in kind.fields.items() if name in names}
        schema = self._with_steps(object_of(fields), [name for name in fields if isinstance(fields[name].holds, Steps)])
        properties = schema["properties"]
        if kind.name == "choose":
            properties["choose"]["items"] = self._with_steps(properties["choose"]["items"], ("do",))
        if kind.name == "wait_for":
            form = properties["wait_for"]["properties"]["form"]
            form |= {"anyOf": [self._ref(_FORM), {"type": "null"}]}
        return {"description": kind.about, **schema, "required": list(dict.fromkeys([*schema["required"], *required]))}

    def _with_steps(self, schema: Schema, names: Collection[str]) -> Schema:
        """The schema of an object in which the named fields are lists of steps."""
        for name in names:
            one = schema["properties"][name]
            steps = next((part for part in one.get("anyOf", ()) if part.get("type") == "array"), one)
            steps["items"] = self._ref(_STEP)
        return schema
