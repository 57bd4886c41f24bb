"""The outcomes of the known attacks: of some in the suite, of all in `make properties`.

Only `make hostile` measures the costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import get_args

import pytest

from handler.engine import step_world
from handler.validation import static_values, validate
from infra.local import embedded
from tests.examples import share
from tests.hostile.__main__ import PUT_EVENTS, take_events
from tests.hostile.attack import Attack, Door
from tests.hostile.strike import strike
from tests.hostile.table import ATTACKS

LONG = ("direct", "validate")
"""The doors whose attacks take most of the time."""


def chosen() -> list[Attack]:
    """Every eighth attack at each of these doors, and every second one at the others; or all."""
    by_door = {door: [attack for attack in ATTACKS if attack.door == door] for door in get_args(Door)}
    return [one for door, attacks in by_door.items() for one in share(attacks, 8 if door in LONG else 2)]


@pytest.fixture(scope="module", autouse=True)
def deployment() -> Iterator[None]:
    with embedded(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(PUT_EVENTS, take_events)
        # The outcomes are the same as with a deployment's limits, only sooner.
        patch.setenv("RECORDS_LIMIT", "50")
        patch.setattr(step_world, "EVALUATION_STEPS", step_world.EVALUATION_STEPS // 10)
        patch.setattr(step_world, "PATTERN_SECONDS", 0.05)
        room = partial(
            static_values.Room,
            steps=static_values.EVALUATION_STEPS // 10,
            compiled=static_values.COMPILED // 10,
            looked_at=static_values.LOOKED_AT // 10,
            failures=static_values.FAILURES // 10,
        )
        patch.setattr(validate, "Room", room)
        yield


@pytest.mark.share
@pytest.mark.parametrize("attack", chosen(), ids=lambda attack: f"{attack.door}: {attack.name}")
def test_an_attack_ends_in_an_answer_that_a_stranger_may_cause(attack: Attack) -> None:
    assert strike(attack, attack.make())


def test_names_of_attacks_are_unique_at_their_door() -> None:
    assert len({(attack.door, attack.name) for attack in ATTACKS}) == len(ATTACKS)
