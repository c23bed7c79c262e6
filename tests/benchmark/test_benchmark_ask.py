from __future__ import annotations

import json
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from transformers import CLIPVisionConfig, LlavaConfig, MistralConfig

from prsmed.benchmark import ask, random_weights, ways
from prsmed.benchmark.ask import RANDOM_TOKENS, RATIOS, measure_asking
from prsmed.benchmark.ask_table import show_asking
from prsmed.cli import main
from prsmed.errors import PRSMedError
from prsmed.imaging import Volume, make_phantom
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig


@pytest.fixture(autouse=True)
def _few_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, labels = make_phantom("ct", np.random.default_rng(0))
    few = Volume(whole.voxels[::3, ::3, 12:17], whole.affine, modality=whole.modality)
    monkeypatch.setattr(ways, "make_phantom", lambda kind, rng: (few, labels))


def shown(result: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=200)
    show_asking(result, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_every_way_is_timed_in_every_round(
    checkpoint: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["benchmark", "ask", "--model", str(checkpoint), "--repeats", "3", "--device", "cpu", "--json"]
    monkeypatch.setattr(sys, "argv", ["prsmed", *words])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    result = json.loads(capsys.readouterr().out)
    times = result["milliseconds"]
    assert {name for pair in RATIOS.values() for name in pair} <= set(times)
    assert all(0 < time["low"] <= time["value"] <= time["high"] and time["n"] == 3 for time in times.values())
    assert set(result["ratios"]) == set(RATIOS)
    assert times["repeated_mask"]["value"] < times["repeated_answer"]["value"]
    assert result["same_masks"] == {"published_volume": True, "own_slices": True}
    assert {name: set(stages) for name, stages in result["stages"].items()} == {
        name: {"image", "prefill", "mask", "text"} for name in ("first", "repeated", "volume")
    }
    assert (result["slices"], result["repeats"], result["model"]) == (5, 3, "tiny-1")
    assert "of the published sequence" in shown(result)


def test_a_shape_is_asked_with_random_weights(tiny_config: ModelConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    text = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    tower = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2}
    shape = LlavaConfig(
        vision_config=CLIPVisionConfig(**tower, image_size=28, patch_size=14),
        text_config=MistralConfig(vocab_size=1088, num_key_value_heads=2, sliding_window=None, **text),
    )
    preset = replace(
        tiny_config, name="small", language=PretrainedLanguageConfig(), condition_on="all", answer_from="prompt"
    )
    monkeypatch.setattr(random_weights, "shape_of", lambda part: shape)
    monkeypatch.setattr(ask, "find_preset", lambda name: preset)
    result = measure_asking("", "small", "cpu", 3)
    assert result["model"] == "small, random weights"
    assert result["answer_tokens"] == RANDOM_TOKENS
    assert "published_image_kept" not in result["milliseconds"], "its tower is its own"
    assert "first_image_kept" not in result["ratios"]
    assert "image looked at once" not in shown(result)


@pytest.mark.parametrize(("shape", "code"), [("nano", "not_measurable"), ("nonesuch", "unknown_preset")])
def test_shapes_that_cannot_be_asked_are_refused(shape: str, code: str) -> None:
    with pytest.raises(PRSMedError) as refusal:
        measure_asking("nano", shape, "cpu", 3)
    assert refusal.value.code == code
