"""Fixtures for every room."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # the rooms without torch must not wait for it
    from chat_server import ChatServer
    from transformers import PreTrainedTokenizerFast

    from prsmed.model.config import ModelConfig
    from prsmed.model.prsmed import PRSMed

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # small tensors on busy cores: more threads only wait for each other
# small_set.py serves every room that needs images on disk, tiny_vlms.py every one that needs an imported model,
# chat_server.py every one that talks to a language model.
ROOMS = ("data", "model", "model/importers", "speakers", "training")
sys.path[:0] = [str(Path(__file__).parent / room) for room in ROOMS]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real image/mask pairs and volumes, when this machine has them."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("PRSMED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"real images not found at {folder}; set PRSMED_DATA to their folder")
    return folder


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """An endpoint of a language model, and its key in the environment."""
    from chat_server import KEY, running

    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("PRSMED_LLM_KEY", KEY)
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def tiny_config() -> ModelConfig:
    """`nano` in all its ways, but small enough to build and run in milliseconds; 64 px."""
    from dataclasses import replace

    from prsmed.model.config import FusionConfig, TinyLanguageConfig, TinyViTConfig
    from prsmed.model.presets import NANO

    return replace(
        NANO,
        name="tiny",
        image_size=64,
        encoder=TinyViTConfig(
            embed_dims=(8, 16, 24, 32), depths=(1, 1, 1, 1), num_heads=(1, 2, 2, 2), window_sizes=(4,) * 4, neck_dim=16
        ),
        language=TinyLanguageConfig(
            vocab_size=400, hidden_size=32, intermediate_size=48, num_layers=2, num_heads=2, visual_grid=2
        ),
        decoder=FusionConfig(dim=16, num_heads=2, up_dims=(12, 10, 8), skips=2, coarse_head=True, dropout=0.0),
        max_answer_tokens=12,
    )


@pytest.fixture(scope="session")
def tiny_tokenizer(tiny_config: ModelConfig) -> PreTrainedTokenizerFast:
    from prsmed.model.tokenizer import train_tokenizer

    lines = ["where is the polyp in this image?", "the polyp is at the top left, near the center", "there is no polyp"]
    return train_tokenizer(lines, tiny_config.language.vocab_size)


@pytest.fixture
def make_tiny(tiny_config: ModelConfig, tiny_tokenizer: PreTrainedTokenizerFast) -> Callable[..., PRSMed]:
    """Build the tiny model with changed fields of its configuration: always the same weights, evaluation mode."""

    def make(**changes: Any) -> PRSMed:
        from dataclasses import replace

        import torch

        from prsmed.model.build import build_model

        torch.manual_seed(0)
        model = build_model(replace(tiny_config, **changes), tiny_tokenizer)
        _awaken(model)
        return model.eval()

    return make


def _awaken(model: PRSMed) -> None:
    """Weights as strong as trained ones: fresh ones let a question through to the mask at 1e-6 only."""
    import torch

    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1 and "embed_tokens" not in name:
                fan_in = weight[0].numel()
                weight.normal_(std=1.5 * fan_in**-0.5)
            elif weight.ndim == 1:
                weight.add_(torch.randn_like(weight), alpha=0.3)
