"""Fixtures for every room."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real image/mask pairs and volumes, when this machine has them."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("PRSMED_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"real images not found at {folder}; set PRSMED_SHARED_DATA to their folder")
    return folder
