from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prsmed.learning.registry import Registry
from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.prsmed import PRSMed


@pytest.fixture
def base(make_tiny: Callable[..., PRSMed], tmp_path: Path) -> Path:
    save_checkpoint(make_tiny(), tmp_path / "base", "tiny-1", {"steps": 5, "lr": 0.1})
    return tmp_path / "base"


@pytest.fixture
def registry(base: Path, tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry", base)
