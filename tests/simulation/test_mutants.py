"""Every rule of the protocol is needed: without it a world breaks a promise, or the mutant names another rule."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, Mutant, seek

FOUND = [mutant for mutant in MUTANTS if mutant.spared is None]


@pytest.mark.parametrize("mutant", FOUND, ids=lambda mutant: mutant.name)
def test_a_broken_protocol_is_found(mutant: Mutant) -> None:
    assert seek(mutant, 400) is not None


@pytest.mark.parametrize("mutant", [m for m in MUTANTS if m.spared], ids=lambda mutant: mutant.name)
def test_a_broken_protocol_that_only_costs_time_breaks_no_promise(mutant: Mutant) -> None:
    """`make mutants` runs more than these few worlds."""
    assert seek(mutant, 4) is None, f"expected: {mutant.spared}"


def test_enough_of_the_protocol_is_broken_to_trust_the_simulator() -> None:
    assert len(FOUND) >= 12
