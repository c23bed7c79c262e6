"""The whole way from images to a checkpoint, and that a model learns on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_set import write_set

from prsmed.data import phantom_records, read_pairs
from prsmed.errors import PRSMedError
from prsmed.model.checkpoint import load_checkpoint
from prsmed.model.config import ModelConfig
from prsmed.model.presets import PRESETS
from prsmed.model.prsmed import PRSMed
from prsmed.model.unet import BaselineUNet
from prsmed.training import Progress, TrainConfig, train
from prsmed.training.trainer import Trainer

CONFIG = TrainConfig(steps=2, batch_size=2, warmup=1, small_size=32, small_share=1.0, language_steps=2, phantoms=6)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("images"), per_kind=5, normals=10)


@pytest.fixture
def preset(tiny_config: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(PRESETS, "tiny", tiny_config)
    return "tiny"


def ignore(_: Progress) -> None:
    pass


def test_a_run_ends_in_a_checkpoint_that_loads(preset: str, root: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    manifest = train(preset, root, tmp_path / "run", CONFIG, told.append)
    model, loaded = load_checkpoint(tmp_path / "run" / "checkpoint")
    assert isinstance(model, PRSMed)
    assert loaded.sha256 == manifest.sha256
    assert [progress.step for progress in told] == [-1, 0, 1, 2]  # the lesson, then the run
    records = [*read_pairs(root), *phantom_records(CONFIG.phantoms, CONFIG.seed)]
    trained = [record for record in records if record.split == "train"]
    assert len(trained) < len(records)
    assert manifest.training["images"] == len(trained)
    assert manifest.training["datasets"] == sorted({record.dataset for record in trained})
    settled = replace(CONFIG, batch_norm="batch").to_json()  # of a run from fresh weights
    assert {name: manifest.training[name] for name in settled} == settled
    ids = model.language.encode_answers(["the lung nodule is at the bottom right"]).ids[0]
    assert len(ids) < 20  # the tokenizer has learnt the words of the conversations

    told.clear()
    again = train(preset, root, tmp_path / "run", CONFIG, told.append)
    assert told == []
    assert again == manifest
    with pytest.raises(PRSMedError) as caught:
        train(preset, root, tmp_path / "run", replace(CONFIG, steps=3), ignore)
    assert caught.value.code == "other_run"


def test_a_set_without_training_images_is_refused(preset: str, tmp_path: Path) -> None:
    write_set(tmp_path, per_kind=1, normals=0)
    index = tmp_path / "pairs" / "index.csv"
    index.write_text(index.read_text().replace("shared-train", "shared-val"))
    with pytest.raises(PRSMedError) as caught:
        train(preset, tmp_path, tmp_path / "run", replace(CONFIG, phantoms=0), ignore)
    assert caught.value.code == "no_images"


def test_a_run_starts_from_given_weights(preset: str, root: Path, tmp_path: Path) -> None:
    first = train(preset, root, tmp_path / "first", CONFIG, ignore)
    still = replace(CONFIG, lr=0.0, seed=5)
    told: list[Progress] = []
    second = train(preset, root, tmp_path / "second", still, told.append, init=str(tmp_path / "first" / "checkpoint"))
    assert [progress.step for progress in told] == [1, 2], "no lesson: it has had one"
    assert second.training["init"] == first.version
    assert second.training["init_sha256"] == first.sha256
    one, other = (load_checkpoint(tmp_path / name / "checkpoint")[0] for name in ("first", "second"))
    pairs = zip(one.named_parameters(), other.named_parameters(), strict=True)
    assert [name for (name, weight), (_, again) in pairs if not torch.equal(weight, again)] == []


def test_a_seed_gives_the_same_weights_again(preset: str, root: Path, tmp_path: Path) -> None:
    hashes = [
        train(preset, root, tmp_path / name, replace(CONFIG, steps=1, seed=seed), ignore).sha256
        for name, seed in (("one", 0), ("same", 0), ("other", 1))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_baseline_trains_on_images_with_a_mask_only(root: Path, tmp_path: Path) -> None:
    manifest = train("unet", root, tmp_path, CONFIG, ignore)
    model, _ = load_checkpoint(tmp_path / "checkpoint")
    assert isinstance(model, BaselineUNet)
    assert "busi_normal" not in manifest.training["datasets"]
    assert manifest.training["absent_share"] == 0.0


def test_an_unknown_preset_and_missing_images_are_refused(preset: str, tmp_path: Path) -> None:
    for name, code in (("nanno", "unknown_preset"), (preset, "missing_index")):
        with pytest.raises(PRSMedError) as caught:
            train(name, tmp_path, tmp_path / "run", CONFIG, ignore)
        assert caught.value.code == code


@pytest.mark.slow
def test_thirty_steps_teach_something(make_trainer: Callable[..., Trainer], tmp_path: Path) -> None:
    config = TrainConfig(steps=30, batch_size=8, lr=5e-3, warmup=3, small_size=64, small_share=1.0)
    told: list[Progress] = []
    one = make_trainer(tmp_path, config)
    one.run({}, told.append)
    for name, share in (("mask", 0.9), ("text", 0.65)):
        curve = [progress.losses[name] for progress in told]
        assert np.mean(curve[-5:]) < share * np.mean(curve[:5]), (name, curve)
    assert all(torch.isfinite(weight).all() for weight in one.learner.model.parameters())
