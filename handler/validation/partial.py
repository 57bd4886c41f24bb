"""Finds further problems in a payload with an invalid shape, so that all problems are reported at once.

The invalid parts are removed, and the rest is checked as a job. The removal itself must not cause a problem: so no
problems are reported for a step that lost a part, or for tags that may refer to a lost part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from blocks.block import REGISTRY, Registry
from handler.caller import Rights
from handler.engine.required_tags import Pairs
from handler.payload import json_text, values
from handler.payload.fields import JOB, KEYS, KINDS
from handler.payload.groups import RETRY
from handler.payload.parse import InvalidPayloadError, PayloadLimits, parse
from handler.payload.problem import Problem
from handler.validation.deployment import Deployment
from handler.validation.validate import find_problems

_SILENT: Final = frozenset({"UNKNOWN_FIELD", "RESERVED_FIELD"})
_LITERALS: Final = (values.NAME, values.SECONDS, values.BOOLEAN, RETRY)
_PLAIN: Final = frozenset(
    one.name
    for fields in (JOB.fields, *(kind.fields for kind in KINDS.values()))
    for one in fields.values()
    if one.holds in _LITERALS
)
"""Fields that no tag reads and that change no variable: the other steps do not depend on them."""
_INNER: Final = frozenset({"do", "else", "catch"})
_OF_A_STEP: Final = 3
"""The number of parts of the path of a step's field: "steps", the index and the name."""


def find_more(
    body: bytes,
    problems: Sequence[Problem],
    rights: Rights,
    limits: PayloadLimits,
    block_tags: Pairs = (),
    *,
    registry: Registry = REGISTRY,
    deployment: Deployment | None = None,
) -> list[Problem]:
    """The problems of the intact parts of a payload.

    Args:
        body: the payload.
        problems: the problems of its shape.
        rights: the rights of its sender.
        limits: the limits of its size.
        block_tags: see `find_problems`.
        registry: see `find_problems`.
        deployment: see `find_problems`.
    """
    paths = [_path(problem.pointer) for problem in problems]
    try:
        value = json_text.read(body, nesting=limits.nesting)
        if not isinstance(value, dict) or ["steps"] in paths:
            return []
        for path in paths:
            _take_out(value, path)
        payload = parse(value, limits)
    except (json_text.InvalidJsonTextError, InvalidPayloadError):
        return []
    damaged = {path[1] for path in paths if path[0] == "steps"}
    harmless = all(
        problem.code in _SILENT or (len(path) <= _OF_A_STEP and not _PLAIN.isdisjoint(path))
        for problem, path in zip(problems, paths, strict=True)
    )
    return [
        found
        for found in find_problems(payload, rights, block_tags=block_tags, registry=registry, deployment=deployment)
        if _path(found.pointer)[1:2] not in ([index] for index in damaged)
        and (harmless or (found.code != "INVALID_ARGUMENT" and found.severity == "error"))
    ]


def _path(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]] or [""]


def _take_out(value: dict[str, Any], path: list[str]) -> None:
    """Remove the value at a path. Replace a step without a kind, or with an invalid inner part, with an empty step."""
    if path[0] != "steps":
        value.pop(path[0], None)
        return
    steps, index = value["steps"], int(path[1])
    step = steps[index]
    if len(path) < _OF_A_STEP or path[2] in _INNER or not isinstance(step, dict):
        id_ = step.get("id") if isinstance(step, dict) else None
        steps[index] = {"action": "", "id": id_ if isinstance(id_, str) and len(path) >= _OF_A_STEP else None}
    elif path[2] in KEYS:
        steps[index] = {"action": "", **{name: step[name] for name in ("id",) if name in step}}
    else:
        step.pop(path[2], None)
