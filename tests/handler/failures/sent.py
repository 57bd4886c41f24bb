"""The jobs of the tests of failures: one without an effect, and one that charges money."""

from __future__ import annotations

PURE = {
    "id": "pure",
    "steps": [
        {"id": "a", "action": "MATH.SUM", "parameters": {"value1": 1, "value2": 2}},
        {"id": "b", "action": "MATH.SUM", "parameters": {"value1": "{: a :}", "value2": 4}},
    ],
}
PAID = {"id": "paid", "steps": [{"id": "a", "action": "PROBE.CHARGE"}, {"id": "b", "action": "PROBE.CHARGE"}]}
