"""A job as an answer that fits through the door it goes out by."""

from __future__ import annotations

from typing import Any

from handler.http.reply import ANSWER_LIMIT, answer_size, fits
from handler.http.request import Door
from handler.payload import json_text


def encode_job(job: dict[str, Any], door: Door) -> str:
    """The job as JSON text that the door lets out.

    Where it would be too large, the largest results go first: ``"result_omitted": true`` in their steps, which
    have them at an address of their own; then all steps' parameters. A job of so many steps that even then it is too
    large comes without them: ``"steps_omitted": true``.
    """
    body = json_text.encode(job)
    if fits(body, door):
        return body
    steps: list[dict[str, Any]] = list(job["steps"])
    sizes = [answer_size(json_text.encode(step["result"])) for step in steps]
    excess = answer_size(body) - ANSWER_LIMIT[door]
    for index in sorted(range(len(steps)), key=lambda i: -sizes[i]):
        if excess <= 0:
            break
        steps[index] = {**steps[index], "result": None, "result_omitted": True}
        excess -= sizes[index] - len('null, "result_omitted": true') * 2
    body = json_text.encode({**job, "steps": steps})
    if fits(body, door):
        return body
    if "payload" in job:
        body = json_text.encode({**job, "steps": [{**step, "parameters": None} for step in steps]})
        if fits(body, door):
            return body
    return json_text.encode({**job, "steps": [], "steps_omitted": True})
