"""The bus of the embedded AWS: a rule that hands each event to a function.

A queue as the rule's target would do the same, but moto looks at every message of a queue whenever one is sent or
received: the thousand events of a long job took it half a minute.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from infra.messaging.event_bus import SOURCE

BusEvent = dict[str, Any]
"""As a consumer gets it: ``source``, ``detail-type``, ``time``, ``detail``..."""


def follow_bus(events: Any, bus: str, place: tuple[str, str], take: Callable[[BusEvent], object]) -> None:
    """Hand every event of Conduit that reaches a bus to `take`, in the thread that publishes it.

    Args:
        events: a client of EventBridge.
        bus: its name.
        place: account and region where moto has it.
        take: gets each event, oldest first.
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
    """Take every rule off a bus, so that what reaches it is kept nowhere."""
    for rule in events.list_rules(EventBusName=bus)["Rules"]:
        targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
        if targets:
            events.remove_targets(Rule=rule["Name"], EventBusName=bus, Ids=[target["Id"] for target in targets])
        events.delete_rule(Name=rule["Name"], EventBusName=bus)
