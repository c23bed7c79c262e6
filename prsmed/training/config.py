"""How a model is trained: one dataclass, written beside what it produced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from prsmed.errors import PRSMedError
from prsmed.model.config import ModelConfig, PretrainedLanguageConfig

_CHOICES = {
    "mask_loss": ("bce_dice", "structure"),
    "batch_norm": ("auto", "batch", "frozen"),
    "select": ("last", "train", "val"),
}


@dataclass(frozen=True)
class TrainConfig:
    """A training recipe.

    Attributes:
        steps: Optimiser steps in all.
        batch_size: Images a step, over all processes.
        accumulate: In how many parts a process goes through its images of a step, for less memory; the gradient is
            that of all of them together.
        lr: Peak learning rate, reached after ``warmup`` steps, then a cosine to zero.
        encoder_lr, decoder_lr, language_lr: The share of ``lr`` of each part. With the language model go its adapters
            and what stands between it and the image; with the decoder, presence.
        small_size: Side of the square in the first ``small_share`` of the steps; then the model's size.
        absent_share: Share of questions about something that is not in the image.
        true_mask_share: Share of rows whose mask tokens code the true mask instead of the predicted one.
        mask_loss: ``"bce_dice"`` as the paper says, ``"structure"`` as its released code does.
        mask_weight, coarse_weight, text_weight, presence_weight: Weights of the losses.
        ema: Decay of a running average of the weights, e.g. 0.999, which is then what is checked and kept; 0: none.
        batch_norm: ``"batch"`` takes the statistics of the images at hand, ``"frozen"`` keeps those of the weights
            it starts from; ``"auto"`` is the latter where a run starts from given weights.
        select: Which weights are kept in the end: those of the ``"last"`` step, or those with the best Dice on a part
            of the training groups that is set aside (``"train"``) or on the held-out split (``"val"``: only where
            yet another split is reported on).
        recompute: Compute a layer of an imported language model again when its gradient is needed, instead of keeping
            what it computed.
        language_steps: Steps of the language model's own lesson before, on drawn masks without images; none where a run
            starts from given weights.
        phantoms: How many generated phantoms stand among the training images.
        autocast: Compute in bfloat16 what tolerates it, on processors made for that; weights stay as they are.
    """

    steps: int = 2600
    batch_size: int = 16
    accumulate: int = 1
    lr: float = 1e-3
    encoder_lr: float = 1.0
    decoder_lr: float = 1.0
    language_lr: float = 1.0
    warmup: int = 200
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    small_size: int = 128
    small_share: float = 0.75
    absent_share: float = 0.3
    true_mask_share: float = 0.5
    mask_loss: Literal["bce_dice", "structure"] = "bce_dice"
    mask_weight: float = 1.0
    coarse_weight: float = 1.0
    text_weight: float = 1.0
    presence_weight: float = 1.0
    language_steps: int = 500
    phantoms: int = 400
    autocast: bool = False
    ema: float = 0.0
    batch_norm: Literal["auto", "batch", "frozen"] = "auto"
    select: Literal["last", "train", "val"] = "last"
    recompute: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "accumulate"):
            if getattr(self, name) < 1:
                raise PRSMedError("bad_training", f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("small_share", "absent_share", "true_mask_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise PRSMedError("bad_training", f"{name} is {getattr(self, name)}; it must lie within 0..1")
        for name in ("lr", "encoder_lr", "decoder_lr", "language_lr"):
            if getattr(self, name) < 0:
                raise PRSMedError("bad_training", f"{name} is {getattr(self, name)}; it must not be negative")
        if not 0 <= self.ema < 1:
            raise PRSMedError("bad_training", f"ema is {self.ema}; it must lie within 0..1, e.g. 0.999, and not be 1")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                choices = ", ".join(known)
                raise PRSMedError("bad_training", f"{name} is {getattr(self, name)!r}; choose one of {choices}")
        self.images_at_once(1)

    def images_at_once(self, processes: int) -> int:
        """How many images go through the model together in each of so many processes.

        Raises:
            PRSMedError: ``bad_training`` when the images of a step cannot be shared out evenly, or are too few for
                batch norm.
        """
        images, rest = divmod(self.batch_size, processes * self.accumulate)
        if rest or not images:
            raise PRSMedError(
                "bad_training",
                f"batch_size is {self.batch_size}; it must be a multiple of {processes * self.accumulate}: "
                f"processes {processes} x accumulate {self.accumulate}",
            )
        if images < 2 and self.batch_norm != "frozen":
            raise PRSMedError(
                "bad_training",
                f"batch_size is {self.batch_size}, {images} at a time; batch norm needs at least 2: "
                "give more, or keep its statistics: batch_norm frozen",
            )
        return images

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
            "select": "train",
        }
        imported = model is not None and isinstance(model.language, PretrainedLanguageConfig)
        return cls(**{**(published if imported else {}), **given})

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def parse_changes(texts: Sequence[str]) -> dict[str, Any]:
    """Values of a recipe as typed, e.g. ``["ema=0.999"]``.

    Raises:
        PRSMedError: ``bad_training`` for a name there is not, or a value of another kind.
    """
    known: dict[str, type[Any]] = {name: type(value) for name, value in TrainConfig().to_json().items()}
    changes: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in known:
            raise PRSMedError("bad_training", f"there is no {name!r} in a recipe; there are {', '.join(known)}")
        kind = known[name]
        try:
            changes[name] = {"true": True, "false": False}[value.lower()] if kind is bool else kind(value)
        except (ValueError, KeyError) as error:
            like = "true or false" if kind is bool else f"a value such as {getattr(TrainConfig, name)}"
            raise PRSMedError("bad_training", f"{name} is {value!r}; give {like}") from error
    return changes
