"""Weights that are spread over two processes learn what they would in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from launched import launch
from safetensors.torch import load_file
from small_set import write_set

from prsmed.errors import PRSMedError
from prsmed.model.checkpoint import load_checkpoint
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig
from prsmed.model.presets import PRESETS
from prsmed.training import Progress, TrainConfig, train

CONFIG = TrainConfig(
    steps=3, batch_size=4, warmup=1, small_share=0.0, phantoms=2, batch_norm="frozen", language_steps=0, ema=0.5
)


def ignore(_: Progress) -> None:
    pass


@pytest.fixture
def preset(make_preset: Callable[..., ModelConfig], monkeypatch: pytest.MonkeyPatch) -> str:
    config = make_preset()
    assert isinstance(config.language, PretrainedLanguageConfig)
    # Without dropout, whose draws are not the same in two processes.
    monkeypatch.setitem(PRESETS, "imported", replace(config, language=replace(config.language, lora_dropout=0.0)))
    return "imported"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_set(tmp_path / "data", per_kind=3)


def train_sharded(preset: str, root: Path, run: Path) -> None:
    train(preset, root, run, CONFIG, ignore, shards=True)


def test_spread_weights_learn_what_whole_ones_do(preset: str, root: Path, tmp_path: Path) -> None:
    train(preset, root, tmp_path / "whole", CONFIG, ignore)
    launch(train_sharded, 2, preset, root, tmp_path / "spread")
    one, other = (load_file(tmp_path / run / "checkpoint" / "model.safetensors") for run in ("whole", "spread"))
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        if not name.endswith(("in_proj_bias", "qkv.bias")):  # see test_processes
            torch.testing.assert_close(other[name], tensor, rtol=1e-3, atol=2e-5)
    load_checkpoint(tmp_path / "spread" / "checkpoint")
    again = tmp_path / "spread" / "checkpoint" / "model.safetensors"
    before = again.read_bytes()
    launch(train_sharded, 2, preset, root, tmp_path / "spread")  # from its state, which is spread anew
    assert again.read_bytes() == before


def test_shards_are_for_many_processes_and_large_models(preset: str, root: Path, tmp_path: Path) -> None:
    for name, rule in ((preset, "several processes"), ("unet", "imported language model")):
        with pytest.raises(PRSMedError, match=rule) as caught:
            train(name, root, tmp_path / "run", CONFIG, ignore, shards=True)
        assert caught.value.code == "bad_training"
