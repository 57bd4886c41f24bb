"""No test has a budget of time: hypothesis would fail one that takes long on a busy machine."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("hypothesis"):  # the tests of the page have an environment of their own, without it
    from hypothesis import HealthCheck, settings

    settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")
