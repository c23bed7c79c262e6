"""An engine with the tiny model, and images for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from prsmed.imaging import ImageSlice, Volume, extract
from prsmed.inference import Engine
from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.prsmed import PRSMed


@pytest.fixture
def engine(make_tiny: Callable[..., PRSMed], image_slice: ImageSlice, tmp_path: Path) -> Engine:
    """Its mask threshold is about the median on a slice, so that an untrained model draws a part of it."""
    save_checkpoint(make_tiny(presence_threshold=0.0), tmp_path / "trial", "trial")
    trial = Engine.load(tmp_path / "trial", device="cpu").ask(image_slice, "Where is the polyp?")
    values = np.unique(trial.probability)
    between = float(values[len(values) // 2 - 1 : len(values) // 2 + 1].mean())  # on no pixel: rounding must not decide
    save_checkpoint(make_tiny(presence_threshold=0.0, mask_threshold=between), tmp_path / "tiny", "tiny-1")
    return Engine.load(tmp_path / "tiny", device="cpu")


@pytest.fixture
def volume() -> Volume:
    """11 x 9 x 13 voxels, oblique, anisotropic, MR."""
    rng = np.random.default_rng(0)
    turn = np.array([[0.9, -0.3, 0.1], [0.3, 0.9, 0.2], [-0.1, -0.2, 0.95]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([1.0, 1.5, 3.0])
    affine[:3, 3] = (-20, 5, 40)
    return Volume(rng.normal(100, 30, (11, 9, 13)), affine, modality="MR")


@pytest.fixture
def image_slice(volume: Volume) -> ImageSlice:
    return extract(volume, "axial", 4)
