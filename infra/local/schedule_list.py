"""Lists the schedules of a group, for a developer's machine, on which they do not fire by themselves."""

from __future__ import annotations

import json
from typing import Any


def list_schedules(client: Any, group: str) -> list[dict[str, Any]]:
    """Every schedule of `group`, ordered by name.

    Args:
        client: a client of EventBridge Scheduler.
        group: the group's name.
    """
    pages = client.get_paginator("list_schedules").paginate(GroupName=group)
    names = sorted(found["Name"] for page in pages for found in page["Schedules"])
    return [client.get_schedule(GroupName=group, Name=name) for name in names]


def schedule_keys(client: Any, group: str) -> list[tuple[str, str]]:
    """Tenant and id of every schedule, in the form for `handler.workflows.due_firings`."""
    firings = [json.loads(schedule["Target"]["Input"])["schedule"] for schedule in list_schedules(client, group)]
    return [(firing["tenant"], firing["id"]) for firing in firings]
