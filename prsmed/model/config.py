"""What a model is made of: one dataclass, saved in every checkpoint's manifest."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar

from prsmed.errors import PRSMedError


@dataclass(frozen=True)
class EncoderConfig:
    """A TinyViT image encoder with SAM's neck.

    ``last_stride`` 1 keeps the last stage at a sixteenth of the image, as TinySAM does.
    """

    embed_dims: tuple[int, ...] = (64, 128, 160, 320)
    depths: tuple[int, ...] = (2, 2, 6, 2)
    num_heads: tuple[int, ...] = (2, 4, 5, 10)
    window_sizes: tuple[int, ...] = (7, 7, 14, 7)
    last_stride: int = 1
    drop_path: float = 0.0
    neck_dim: int = 256


@dataclass(frozen=True)
class LanguageConfig:
    """A Llama-shaped language model inside ``LlavaForConditionalGeneration``."""

    vocab_size: int = 1024
    hidden_size: int = 192
    intermediate_size: int = 512
    num_layers: int = 4
    num_heads: int = 6
    max_positions: int = 1024
    visual_grid: int = 8  # visual tokens are visual_grid * visual_grid pooled encoder features


@dataclass(frozen=True)
class DecoderConfig:
    """The fusion mask decoder (PRS-Med section 3: cross- and self-attention, skip, transposed convolutions).

    ``up_dims`` has one entry per transposed convolution, each doubling the grid. ``skips`` of them take the
    encoder's finer features, coarse to fine; the published decoder takes none. ``coarse_head`` draws a mask from the
    fused grid too, in training only: deep supervision, without which skips leave the deep features unused.
    """

    dim: int = 256
    num_heads: int = 8
    up_dims: tuple[int, ...] = (128, 64, 32, 16)
    skips: int = 0
    coarse_head: bool = False
    dropout: float = 0.1


@dataclass(frozen=True)
class ModelConfig:
    """One model of the family (docs/architecture.md).

    Attributes:
        name: Preset name.
        image_size: Side of the square image the model is asked with, in pixels.
        radius: Near-centre radius of its position labels, as a share of the image width.
        condition_on: Which prompt tokens the mask decoder looks at: all (as published) or the text only.
        answer_from: ``"prompt"`` decodes the text from the prompt (as published); ``"mask"`` appends tokens
            of the predicted mask first, which a tiny language model needs to name a position.
        presence_threshold: Presence probability from which the target counts as there.
        mask_threshold: Probability from which a pixel counts as target.
        region_confidence: A region of the mask is shown when its mean probability is at least this share of that
            of the surest region; 0, as published, shows all.
        max_answer_tokens: Upper bound of an answer's length.
        described_regions: How many regions its answers describe, largest first.
        history_turns: How many earlier turns its prompt may carry; 0 for models taught on single questions.
    """

    name: str
    image_size: int
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    language: LanguageConfig = field(default_factory=LanguageConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    radius: float = 0.2
    condition_on: Literal["all", "text"] = "all"
    answer_from: Literal["prompt", "mask"] = "prompt"
    presence_threshold: float = 0.5
    mask_threshold: float = 0.5
    region_confidence: float = 0.0
    max_answer_tokens: int = 64
    described_regions: int = 2
    history_turns: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain nested dictionaries and lists."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ModelConfig:
        """Rebuild from :meth:`to_json`.

        Raises:
            PRSMedError: ``bad_checkpoint`` when a field is unknown or missing.
        """
        values = dict(values)
        parts = {"encoder": EncoderConfig, "language": LanguageConfig, "decoder": DecoderConfig}
        for name, part in parts.items():
            values[name] = _build(part, values.get(name, {}))
        return _build(cls, values)


_T = TypeVar("_T")


def _build(kind: type[_T], values: dict[str, Any]) -> _T:
    known = {item.name for item in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise PRSMedError(
            "bad_checkpoint",
            f"the model configuration has unknown fields {unknown}; it was written by another version of prsmed",
        )
    try:
        return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
    except TypeError as error:
        raise PRSMedError("bad_checkpoint", f"the model configuration is incomplete: {error}") from error
