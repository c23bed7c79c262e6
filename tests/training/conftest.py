from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_vlms import make_part

from prsmed.data import ConversationDataset, Record, phantom_records
from prsmed.model import presets
from prsmed.model.config import FusionConfig, ModelConfig, PretrainedLanguageConfig
from prsmed.model.prsmed import PRSMed
from prsmed.training.config import TrainConfig
from prsmed.training.learner import Learner, PRSMedLearner
from prsmed.training.processes import Processes
from prsmed.training.trainer import Trainer

RECORDS = phantom_records(12, seed=0)
FACTS = {"preset": "tiny"}


@pytest.fixture(scope="session")
def phantoms() -> Callable[..., ConversationDataset]:
    """Make a dataset of drawn images; they are drawn once for all tests."""
    cache: dict[str, dict] = {}

    def make(split: str = "train", **options: object) -> ConversationDataset:
        records = [record for record in RECORDS if record.split == split]
        dataset = ConversationDataset(records, Path("unused"), 64, **options)  # type: ignore[arg-type]
        dataset._cache = cache.setdefault(split, {})
        return dataset

    return make


@pytest.fixture
def make_trainer(
    phantoms: Callable[..., ConversationDataset], make_tiny: Callable[..., PRSMed]
) -> Callable[..., Trainer]:
    """Make a trainer of a tiny model with dropout over phantoms; ``weights_seed`` moves its first weights."""

    def make(
        run: Path,
        config: TrainConfig,
        *,
        weights_seed: int = 0,
        wrap: Callable[[Learner], Learner] | None = None,
        workers: int = 0,
        dropout: float = 0.1,
        processes: Processes | None = None,
    ) -> Trainer:
        decoder = FusionConfig(dim=16, num_heads=2, up_dims=(12, 10, 8), skips=2, coarse_head=True, dropout=dropout)
        model = make_tiny(decoder=decoder)
        torch.manual_seed(weights_seed)
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn_like(weight), alpha=0.01 * (weights_seed > 0))
        learner: Learner = PRSMedLearner(model, config)
        run.mkdir(parents=True, exist_ok=True)
        return Trainer(
            wrap(learner) if wrap else learner,
            config,
            train=phantoms(augment=True, absent_share=config.absent_share, radius=0.1),
            check=phantoms("val", absent_share=0.0),
            image_size=64,
            run=run,
            device=torch.device("cpu"),
            workers=workers,
            processes=processes,
        )

    return make


@pytest.fixture
def make_preset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_config: ModelConfig
) -> Callable[..., ModelConfig]:
    """A preset called ``imported`` on a tiny base."""
    monkeypatch.setenv("PRSMED_PARTS", str(tmp_path / "parts"))
    make_part("llava", "base")

    def make(**changes: Any) -> ModelConfig:
        tuning = changes.pop("tuning", "lora")
        language = PretrainedLanguageConfig(part="base", tuning=tuning)
        preset = replace(
            tiny_config,
            name="imported",
            language=language,
            answer_from="prompt",
            condition_on="all",
            pad_color=(9, 8, 7),
        )
        preset = replace(preset, **changes)
        monkeypatch.setitem(presets.PRESETS, "imported", preset)
        return preset

    return make


@pytest.fixture
def small_records() -> list[Record]:
    """Two modalities of groups of one to four images, and drawn ones."""
    records = list(RECORDS)
    for modality in ("polyp_endoscopy", "brain_mri"):
        for number in range(20):
            for image in range(1 + number % 4):
                name = f"{modality}-{number}-{image}"
                records.append(
                    Record(f"{name}.png", f"{name}-m.png", modality, "set", "lesion", f"g{number}", "train", "none")
                )
    return records
