"""Training on an imported language model: what is learnt, saved, resumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from small_set import write_set

from prsmed.errors import PRSMedError
from prsmed.model import presets
from prsmed.model.checkpoint import load_checkpoint
from prsmed.model.config import ModelConfig
from prsmed.model.prsmed import PRSMed
from prsmed.training import TrainConfig, train

GIVEN = {"steps": 2, "phantoms": 2, "batch_size": 2, "select": "last"}


def ignore(progress: object) -> None:
    """Nobody looks."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_set(tmp_path / "data", per_kind=2)
    return tmp_path / "data"


def recipe(preset: ModelConfig, **given: Any) -> TrainConfig:
    return TrainConfig.recipe(preset, **{**GIVEN, **given})


def test_adapters_encoder_and_decoder_learn_and_nothing_else_is_kept(
    make_preset: Callable[..., ModelConfig], root: Path, tmp_path: Path
) -> None:
    preset = make_preset()
    train("imported", root, tmp_path / "run", recipe(preset), ignore)
    saved = load_file(tmp_path / "run" / "checkpoint" / "model.safetensors")
    assert {key.split(".")[0] for key in saved} == {"encoder", "decoder", "presence", "language"}
    adapters = {key: weight for key, weight in saved.items() if key.startswith("language.")}
    assert all("lora_" in key for key in adapters)
    assert all(weight.any() for key, weight in adapters.items() if "lora_B" in key), "B starts as nothing"
    state = load_file(tmp_path / "run" / "state" / "model.safetensors")
    assert state.keys() == saved.keys()


@pytest.mark.parametrize("condition_on", ["all", "seg"])
def test_a_resumed_run_ends_like_one_that_was_not_killed(
    make_preset: Callable[..., ModelConfig], root: Path, tmp_path: Path, condition_on: str
) -> None:
    preset = make_preset(condition_on=condition_on)
    whole = train("imported", root, tmp_path / "whole", recipe(preset), ignore)

    class Killed(Exception):
        pass

    def kill(progress: Any) -> None:
        if progress.step == 1:
            raise Killed

    with pytest.raises(Killed):
        train("imported", root, tmp_path / "run", recipe(preset), kill)
    assert train("imported", root, tmp_path / "run", recipe(preset), ignore).sha256 == whole.sha256
    model, _ = load_checkpoint(tmp_path / "run" / "checkpoint")
    assert isinstance(model, PRSMed)


def test_a_frozen_encoder_stays(make_preset: Callable[..., ModelConfig], root: Path, tmp_path: Path) -> None:
    preset = make_preset()
    assert preset.encoder is not None
    preset = make_preset(encoder=replace(preset.encoder, frozen=True))
    torch.manual_seed(0)
    train("imported", root, tmp_path / "short", recipe(preset, steps=1), ignore)
    train("imported", root, tmp_path / "long", recipe(preset, steps=3), ignore)
    one, other = (load_file(tmp_path / run / "checkpoint" / "model.safetensors") for run in ("short", "long"))
    changed = {key.split(".")[0] for key in one if not torch.equal(one[key], other[key])}
    assert changed == {"decoder", "presence", "language"}


def test_words_only_learns_words_only(make_preset: Callable[..., ModelConfig], root: Path, tmp_path: Path) -> None:
    preset = make_preset(encoder=None, decoder=None, presence_from="mask")
    told: list[Any] = []
    train("imported", root, tmp_path / "run", recipe(preset), told.append)
    assert {name for progress in told for name in progress.losses} == {"text"}


def test_what_is_frozen_throughout_is_not_trained(
    make_preset: Callable[..., ModelConfig], root: Path, tmp_path: Path
) -> None:
    preset = make_preset(encoder=None, decoder=None, presence_from="mask", tuning="frozen")
    with pytest.raises(PRSMedError, match="every part of imported is frozen") as caught:
        train("imported", root, tmp_path / "run", recipe(preset), ignore)
    assert caught.value.code == "nothing_to_train"


def test_the_published_recipe_is_that_of_imported_models_only(make_preset: Callable[..., ModelConfig]) -> None:
    published = TrainConfig.recipe(make_preset(), lr=2e-4)
    assert (published.batch_size, published.lr, published.small_share) == (8, 2e-4, 0.0)
    assert TrainConfig.recipe(presets.NANO) == TrainConfig.recipe(None) == TrainConfig()
