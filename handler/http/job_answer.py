"""A job as a reply that fits the size limit of its front door."""

from __future__ import annotations

from typing import Any

from handler.http.reply import ANSWER_LIMIT, answer_size, fits
from handler.http.request import FrontDoor
from handler.payload import json_text


def encode_job(job: dict[str, Any], front_door: FrontDoor) -> str:
    """The job as JSON that fits the front door's limit.

    If it is too large, the largest results are left out first, with ``"result_omitted": true`` in their steps (their
    own addresses still return them), then the parameters of all steps. If the job is still too large, all steps are
    left out: ``"steps_omitted": true``.
    """
    body = json_text.encode(job)
    if fits(body, front_door):
        return body
    steps: list[dict[str, Any]] = list(job["steps"])
    sizes = [answer_size(json_text.encode(step["result"])) for step in steps]
    excess = answer_size(body) - ANSWER_LIMIT[front_door]
    for index in sorted(range(len(steps)), key=lambda i: -sizes[i]):
        if excess <= 0:
            break
        steps[index] = {**steps[index], "result": None, "result_omitted": True}
        excess -= sizes[index] - len('null, "result_omitted": true') * 2
    body = json_text.encode({**job, "steps": steps})
    if fits(body, front_door):
        return body
    if "payload" in job:
        body = json_text.encode({**job, "steps": [{**step, "parameters": None} for step in steps]})
        if fits(body, front_door):
            return body
    return json_text.encode({**job, "steps": [], "steps_omitted": True})
