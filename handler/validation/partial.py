"""What else is wrong with a payload whose shape is wrong, so that everything is found at once.

What does not fit is taken out, and the rest is judged as a job. No problem may come from the taking out: so nothing is
reported about a step that lost something, and nothing about tags where a tag may have meant what was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from blocks.block import REGISTRY, Registry
from handler.caller import Rights
from handler.engine.required_tags import Pairs
from handler.payload import json_text
from handler.payload.fields import KEYS
from handler.payload.parse import InvalidPayloadError, PayloadLimits, parse
from handler.payload.problem import Problem
from handler.validation.deployment import Deployment
from handler.validation.validate import find_problems

_SILENT: Final = frozenset({"UNKNOWN_FIELD", "RESERVED_FIELD"})
_PLAIN: Final = frozenset({"name", "timeout", "retry", "forced", "allow_failure"})
"""Fields that no tag reads and that change no variable."""
_INNER: Final = frozenset({"do", "else", "catch"})
_OF_A_STEP: Final = 3
"""Parts of the path of a field of a step: "steps", the index and the name."""


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
    """The problems of the sound parts of a payload.

    Args:
        body: the payload.
        problems: what is wrong with its shape.
        rights: what its sender may do.
        limits: how large it may be.
        block_tags: as for `find_problems`.
        registry: as for `find_problems`.
        deployment: as for `find_problems`.
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
    """Remove what a path names; put an empty step where a step is of no kind, or is wrong further inside."""
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
