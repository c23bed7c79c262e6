"""How a model is trained: one dataclass, written beside what it produced."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from prsmed.errors import PRSMedError
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig


@dataclass(frozen=True)
class TrainConfig:
    """A training recipe.

    Attributes:
        steps: Optimiser steps in all.
        batch_size: Images a step.
        lr: Peak learning rate, reached after ``warmup`` steps, then a cosine to zero.
        small_size: Side of the square in the first ``small_share`` of the steps; then the model's size.
        absent_share: Share of questions about something that is not in the image.
        true_mask_share: Share of rows whose mask tokens code the true mask instead of the predicted one.
        mask_weight, coarse_weight, text_weight, presence_weight: Weights of the losses.
        language_steps: Steps of the language model's own lesson before, on drawn masks without images.
        phantoms: How many generated phantoms stand among the training images.
        autocast: On a GPU, compute in bfloat16 what tolerates it; weights stay as they are.
    """

    steps: int = 2600
    batch_size: int = 16
    lr: float = 1e-3
    warmup: int = 200
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    small_size: int = 128
    small_share: float = 0.75
    absent_share: float = 0.3
    true_mask_share: float = 0.5
    mask_weight: float = 1.0
    coarse_weight: float = 1.0
    text_weight: float = 1.0
    presence_weight: float = 1.0
    language_steps: int = 500
    phantoms: int = 400
    autocast: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size"):
            if getattr(self, name) < 1:
                raise PRSMedError("bad_training", f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("small_share", "absent_share", "true_mask_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise PRSMedError("bad_training", f"{name} is {getattr(self, name)}; it must lie within 0..1")
        if self.lr < 0:
            raise PRSMedError("bad_training", f"lr is {self.lr}; it must not be negative")
        if self.batch_size < 2:
            raise PRSMedError("bad_training", "batch_size is 1; batch norm needs at least 2 images a step")

    @classmethod
    def recipe(cls, model: ModelConfig | None, **given: Any) -> TrainConfig:
        """The recipe of a model (``None``: the U-Net baseline), with the values that are ``given``.

        Those with an imported language model are trained as published (PRS-Med section 4; rates and decay of the
        authors' code): the model's own square from the first step on, and no lesson before.
        """
        published: dict[str, Any] = {
            "steps": 20_000,
            "batch_size": 8,
            "lr": 1e-4,
            "weight_decay": 1e-5,
            "small_share": 0.0,
            "language_steps": 0,
            "autocast": True,
        }
        imported = model is not None and isinstance(model.language, PretrainedLanguageConfig)
        return cls(**{**(published if imported else {}), **given})

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
