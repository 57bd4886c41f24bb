"""The bus of the embedded AWS: a rule that hands each event to a function.

A queue as the rule's target would do the same, but moto scans all messages of a queue whenever one is sent or received:
that took half a minute for the thousand events of a long job.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra.messaging.event_bus import SOURCE

BusEvent = dict[str, Any]
"""An event as a consumer receives it: ``source``, ``detail-type``, ``time``, ``detail``..."""


def follow_bus(events: Any, bus: str, place: tuple[str, str], take: Callable[[BusEvent], object]) -> None:
    """Hand every event of Conduit that reaches a bus to `take`, in the thread that publishes it.

    Args:
        events: a client of EventBridge.
        bus: the bus's name.
        place: the account and the region in which moto keeps the bus.
        take: receives each event, oldest first.
    """
    from moto.events.models import events_backends  # noqa: PLC0415  # only a developer's machine has moto

    name = f"{bus}-followed"
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"source": [SOURCE]}))
    account, region = place
    rule: Any = events_backends[account][region].event_buses[bus].rules[name]

    def send_to_targets(event: BusEvent, transform_input: bool = True) -> None:  # as in moto
        del transform_input
        if event["source"] != SOURCE:
            return
        moment = datetime.fromtimestamp(float(event["time"]), UTC)
        take({**event, "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}"})

    rule.send_to_targets = send_to_targets


def mute_bus(events: Any, bus: str) -> None:
    """Remove every rule from a bus, so that its events are not stored."""
    for rule in events.list_rules(EventBusName=bus)["Rules"]:
        targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
        if targets:
            events.remove_targets(Rule=rule["Name"], EventBusName=bus, Ids=[target["Id"] for target in targets])
        events.delete_rule(Name=rule["Name"], EventBusName=bus)
