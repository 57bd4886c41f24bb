from __future__ import annotations

from typing import Any

import pytest

from tests.template.reading import read_template


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return read_template()
