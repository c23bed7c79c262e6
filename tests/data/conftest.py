from __future__ import annotations

from pathlib import Path

import pytest
from small_set import write_set


@pytest.fixture(scope="session")
def small_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("set"))
