"""The jobs that meet the failures: one that may run again freely, and one that costs money."""

from __future__ import annotations

PURE = {
    "id": "pure",
    "steps": [
        {"id": "a", "action": "MATH.SUM", "parameters": {"value1": 1, "value2": 2}},
        {"id": "b", "action": "MATH.SUM", "parameters": {"value1": "{: a :}", "value2": 4}},
    ],
}
PAID = {"id": "paid", "steps": [{"id": "a", "action": "PROBE.CHARGE"}, {"id": "b", "action": "PROBE.CHARGE"}]}
