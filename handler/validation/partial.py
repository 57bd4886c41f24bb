"""What else is wrong with a payload whose shape is wrong: so that all of it is found at once.

What does not fit is taken out, and the rest is judged as a job. What is found must not come from the taking out: so
nothing is said of a step that lost something, and nothing of tags where a tag may have meant what was lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from handler.caller import Rights
from handler.engine.required_tags import Pairs
from handler.payload import json_text
from handler.payload.parse import InvalidPayloadError, PayloadLimits, parse
from handler.payload.problem import Problem
from handler.validation.validate import find_problems

_SILENT: Final = frozenset({"UNKNOWN_FIELD", "RESERVED_FIELD"})
_PLAIN: Final = frozenset({"name", "timeout", "retry", "forced", "allow_failure"})
"""Fields that no tag reads and that change no variable."""


def find_more(
    body: bytes, problems: Sequence[Problem], rights: Rights, limits: PayloadLimits, block_tags: Pairs = ()
) -> list[Problem]:
    """The problems of the sound parts of a payload.

    Args:
        body: the payload.
        problems: what is wrong with its shape.
        rights: what its sender may do.
        limits: how large it may be.
        block_tags: as for `find_problems`.
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
        problem.code in _SILENT or not _PLAIN.isdisjoint(path) for problem, path in zip(problems, paths, strict=True)
    )
    return [
        found
        for found in find_problems(payload, rights, block_tags=block_tags)
        if _path(found.pointer)[1] not in damaged
        and (harmless or (found.code != "INVALID_ARGUMENT" and found.severity == "error"))
    ]


def _path(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]] or [""]


def _take_out(value: dict[str, Any], path: list[str]) -> None:
    """Remove what a path names; put an empty step where a whole step is wrong or lacks its action."""
    if path[0] == "steps":
        steps, index = value["steps"], int(path[1])
        if len(path) == 2 or path[2] == "action":  # noqa: PLR2004 # "steps" and the index
            steps[index] = {"action": ""}
        else:
            steps[index].pop(path[2], None)
    else:
        value.pop(path[0], None)
