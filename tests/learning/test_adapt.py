"""A checkpoint learns from corrections, and what it stands on stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from drawn_corrections import write_correction
from torch.nn.modules.batchnorm import _BatchNorm

from prsmed.errors import PRSMedError
from prsmed.learning.adapt import AdaptConfig, adapt
from prsmed.learning.slices import Lesson, draw_lessons
from prsmed.model.checkpoint import load_checkpoint, save_checkpoint
from prsmed.model.unet import BaselineUNet, UNetConfig
from prsmed.training import Progress

CONFIG = AdaptConfig(steps=6, batch_size=4, phantoms=10)


@pytest.fixture
def start(make_tiny: Callable[..., torch.nn.Module], tmp_path: Path) -> Path:
    save_checkpoint(make_tiny(), tmp_path / "start", "tiny-1", {"seed": 0})
    return tmp_path / "start"


@pytest.fixture
def lessons(tmp_path: Path) -> list[Lesson]:
    return draw_lessons(write_correction(tmp_path / "in", "a", names={1: "海馬 gadget"}), tmp_path)


def run(start: Path, lessons: list[Lesson], folder: Path, config: AdaptConfig = CONFIG) -> tuple[Path, list[Progress]]:
    told: list[Progress] = []
    return adapt(start, lessons, folder, folder / "run", config, told.append, check=lessons[:2]), told


def test_weights_learn_and_statistics_stay(start: Path, lessons: list[Lesson], tmp_path: Path) -> None:
    checkpoint, told = run(start, lessons, tmp_path)
    (old, _), (new, manifest) = load_checkpoint(start), load_checkpoint(checkpoint)
    assert [progress.step for progress in told] == list(range(1, 7))
    assert told[-1].dice is not None
    assert manifest.training["seed"] == 0
    assert manifest.training["adapted"]["steps"] == 6
    weights = dict(new.named_parameters())
    moved = {name.split(".")[0] for name, old_one in old.named_parameters() if not torch.equal(old_one, weights[name])}
    assert {"encoder", "decoder", "language", "presence"} <= moved
    norms = [(a, b) for a, b in zip(old.modules(), new.modules(), strict=True) if isinstance(a, _BatchNorm)]
    assert norms
    assert all(torch.equal(a.running_mean, b.running_mean) for a, b in norms)


def test_the_weights_go_part_of_the_way(start: Path, lessons: list[Lesson], tmp_path: Path) -> None:
    ends = {}
    for way in (0.5, 1.0):
        checkpoint = adapt(start, lessons, tmp_path, tmp_path / str(way), replace(CONFIG, way=way), lambda done: None)
        ends[way] = dict(load_checkpoint(checkpoint)[0].named_parameters())
    for name, old in load_checkpoint(start)[0].named_parameters():
        assert torch.allclose(ends[0.5][name], (old + ends[1.0][name]) / 2, atol=1e-6)


def test_the_same_run_twice_gives_the_same_weights(start: Path, lessons: list[Lesson], tmp_path: Path) -> None:
    hashes = []
    for name in ("one", "two"):
        checkpoint = adapt(start, lessons, tmp_path, tmp_path / name, CONFIG, lambda done: None)
        hashes.append(load_checkpoint(checkpoint)[1].sha256)
    assert hashes[0] == hashes[1]


def test_time_is_kept(start: Path, lessons: list[Lesson], tmp_path: Path) -> None:
    _, told = run(start, lessons, tmp_path, replace(CONFIG, steps=100_000, seconds=0.5))
    assert 1 <= told[-1].steps < 200
    assert told[-1].step == told[-1].steps


def test_what_cannot_be_is_refused(start: Path, lessons: list[Lesson], tmp_path: Path) -> None:
    for wrong in ({"share": 0.0}, {"way": 1.5}, {"seconds": 0.0}, {"steps": 0}, {"lr": -1.0}):
        with pytest.raises(PRSMedError) as caught:
            run(start, lessons, tmp_path, replace(CONFIG, **wrong))
        assert caught.value.code == "bad_training"
    save_checkpoint(BaselineUNet(UNetConfig(channels=(4, 8))), tmp_path / "unet", "unet-1")
    with pytest.raises(PRSMedError, match="reads no questions"):
        run(tmp_path / "unet", lessons, tmp_path)
