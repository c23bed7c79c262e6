"""An engine with the tiny model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.prsmed import PRSMed


@pytest.fixture
def checkpoint(make_tiny: Callable[..., PRSMed], tmp_path: Path) -> Path:
    """Of a tiny model that finds everything it is asked for."""
    save_checkpoint(make_tiny(presence_threshold=0.0, max_answer_tokens=8), tmp_path / "tiny", "tiny-1")
    return tmp_path / "tiny"
