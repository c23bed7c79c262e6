"""What a model is made of: one dataclass, saved in every checkpoint's manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, TypeVar

from prsmed.errors import PRSMedError


@dataclass(frozen=True, kw_only=True)
class TinyViTConfig:
    """A TinyViT image encoder with SAM's neck; the defaults are TinySAM's.

    ``last_stride`` 1 keeps the last stage at a sixteenth of the image, as TinySAM does. ``part`` names the imported
    weights it starts from (docs/weights.md), empty for fresh ones; the batch norms of imported weights keep their
    statistics. A ``frozen`` encoder is not trained.
    """

    kind: Literal["tiny_vit"] = "tiny_vit"
    embed_dims: tuple[int, ...] = (64, 128, 160, 320)
    depths: tuple[int, ...] = (2, 2, 6, 2)
    num_heads: tuple[int, ...] = (2, 4, 5, 10)
    window_sizes: tuple[int, ...] = (7, 7, 14, 7)
    last_stride: int = 1
    drop_path: float = 0.0
    neck_dim: int = 256
    part: str = ""
    frozen: bool = False


@dataclass(frozen=True, kw_only=True)
class SamViTConfig:
    """SAM's plain ViT image encoder; the defaults are ViT-B as MedSAM has it.

    Attributes:
        image_size: Side of the square it sees, in pixels; the model's square is resized to it.
        adapters: Whether every block has SAM-Med2D's adapter.
        normalization: ``"min_max"`` stretches every image to 0..1 (MedSAM), ``"imagenet"`` takes SAM's mean and
            deviation (SAM-Med2D).
        part, frozen: As :class:`TinyViTConfig`.
    """

    kind: Literal["sam_vit"] = "sam_vit"
    image_size: int = 1024
    hidden_size: int = 768
    num_layers: int = 12
    num_heads: int = 12
    window_size: int = 14
    global_attention: tuple[int, ...] = (2, 5, 8, 11)
    neck_dim: int = 256
    adapters: bool = False
    normalization: Literal["imagenet", "min_max"] = "min_max"
    part: str = ""
    frozen: bool = False


@dataclass(frozen=True, kw_only=True)
class TinyLanguageConfig:
    """A Llama-shaped language model inside ``LlavaForConditionalGeneration``, from scratch."""

    kind: Literal["tiny"] = "tiny"
    vocab_size: int = 1024
    hidden_size: int = 192
    intermediate_size: int = 512
    num_layers: int = 4
    num_heads: int = 6
    max_positions: int = 1024
    visual_grid: int = 8  # visual tokens are visual_grid * visual_grid pooled encoder features


@dataclass(frozen=True, kw_only=True)
class PretrainedLanguageConfig:
    """An imported vision-language model (docs/weights.md).

    Attributes:
        part: Name of the imported model.
        tuning: What of its language model is trained: low-rank adapters on the attention projections q, k, v, o
            (PRS-Med section 4), everything, or nothing. Its vision tower is never trained.
        lora_rank, lora_alpha, lora_dropout: Of the adapters.
        prompt: ``"prs_med"`` writes questions as the authors' code does, ``"chat"`` as the model's chat template does.
        bits: 16 for bfloat16; 8 or 4 quantise the base.
    """

    kind: Literal["pretrained"] = "pretrained"
    part: str = "llava-med"
    tuning: Literal["lora", "full", "frozen"] = "lora"
    lora_rank: int = 16
    lora_alpha: int = 16
    lora_dropout: float = 0.05
    prompt: Literal["prs_med", "chat"] = "prs_med"
    bits: Literal[16, 8, 4] = 16


@dataclass(frozen=True, kw_only=True)
class FusionConfig:
    """The fusion mask decoder (PRS-Med section 3: cross- and self-attention, skip, transposed convolutions).

    ``up_dims`` has one entry per transposed convolution, each doubling the grid. ``skips`` of them take the
    encoder's finer features, coarse to fine; the published decoder takes none. ``coarse_head`` draws a mask from the
    fused grid too, in training only: deep supervision, without which skips leave the deep features unused.
    """

    kind: Literal["fusion"] = "fusion"
    dim: int = 256
    num_heads: int = 8
    up_dims: tuple[int, ...] = (128, 64, 32, 16)
    skips: int = 0
    coarse_head: bool = False
    dropout: float = 0.1


@dataclass(frozen=True, kw_only=True)
class ReferenceConfig:
    """The mask decoder of the authors' released code, key for key.

    ``pre_norm`` is its later variant (``mask_decoder_v5`` of their last commit): norms before the cross-attention and
    a residual after it. Without, it is the decoder of the paper's time (``mask_decoder_v6``).
    """

    kind: Literal["reference"] = "reference"
    hidden_dim: int = 512
    pre_norm: bool = False


@dataclass(frozen=True, kw_only=True)
class SamDecoderConfig:
    """SAM's mask decoder, prompted by one vector a target (MedSeg-R style); ``part`` as :class:`TinyViTConfig`."""

    kind: Literal["sam"] = "sam"
    part: str = ""


EncoderConfig = TinyViTConfig | SamViTConfig
LanguageConfig = TinyLanguageConfig | PretrainedLanguageConfig
DecoderConfig = FusionConfig | ReferenceConfig | SamDecoderConfig

ConditionOn = Literal["all", "text", "image", "answer", "seg"]


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """One model of the family (docs/architecture.md).

    Attributes:
        name: Preset name.
        image_size: Side of the square image the model is asked with, in pixels.
        encoder: Image encoder of the mask's side; ``None`` with a ``decoder`` of ``None``.
        language: Language model.
        decoder: Mask decoder; ``None`` for a model that answers in words only (the papers' text ablations).
        pad_color: What fills the square beside an image that is not square, red, green, blue in 0..255.
        radius: Near-centre radius of its position labels, as a share of the image width.
        condition_on: Which tokens the mask decoder looks at: those of the whole prompt (``"all"``, as published), of
            its ``"text"`` or ``"image"``, of the ``"answer"``, or each ``[SEG]`` of the answer for a mask of its own
            (``"seg"``, MedSeg-R style). The last two draw after they have spoken.
        answer_from: ``"prompt"`` decodes the text from the prompt (as published); ``"mask"`` appends tokens
            of the predicted mask first, which a tiny language model needs to name a position.
        presence_from: ``"head"`` learns whether the target is there; ``"mask"`` takes the surest pixel's word (models
            published without such a head).
        presence_threshold: Presence probability from which the target counts as there.
        presence_temperature: What presence logits are divided by, so that the probability is one (docs/calibration.md).
        mask_threshold: Probability from which a pixel counts as target.
        region_confidence: A region of the mask is shown when its mean probability is at least this share of that
            of the surest region; 0, as published, shows all.
        max_answer_tokens: Upper bound of an answer's length.
        described_regions: How many regions its answers describe, largest first.
        history_turns: How many earlier turns its prompt may carry; 0 for models taught on single questions.
    """

    name: str
    image_size: int
    encoder: EncoderConfig | None = field(default_factory=TinyViTConfig)
    language: LanguageConfig = field(default_factory=TinyLanguageConfig)
    decoder: DecoderConfig | None = field(default_factory=FusionConfig)
    pad_color: tuple[int, int, int] = (0, 0, 0)
    radius: float = 0.2
    condition_on: ConditionOn = "all"
    answer_from: Literal["prompt", "mask"] = "prompt"
    presence_from: Literal["head", "mask"] = "head"
    presence_threshold: float = 0.5
    presence_temperature: float = 1.0
    mask_threshold: float = 0.5
    region_confidence: float = 0.0
    max_answer_tokens: int = 64
    described_regions: int = 2
    history_turns: int = 0

    def __post_init__(self) -> None:
        if (self.encoder is None) != (self.decoder is None):
            raise PRSMedError("bad_model", "encoder and decoder come together: give both, or neither for words only")
        if self.answer_from == "mask" and self.draws_after_text:
            raise PRSMedError(
                "bad_model", f"answer_from 'mask' needs the mask first, condition_on {self.condition_on!r} the answer"
            )

    @property
    def draws_after_text(self) -> bool:
        """Whether the mask needs the answer."""
        return self.condition_on in ("answer", "seg")

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
        for name, kinds in _PARTS.items():
            if values.get(name, {}) is not None:
                values[name] = _build_part(name, kinds, dict(values.get(name, {})))
        return _build(cls, values)


# The first of each is what a manifest without a kind means: those written before there were others.
_PARTS: dict[str, Sequence[type[Any]]] = {
    "encoder": (TinyViTConfig, SamViTConfig),
    "language": (TinyLanguageConfig, PretrainedLanguageConfig),
    "decoder": (FusionConfig, ReferenceConfig, SamDecoderConfig),
}

_T = TypeVar("_T")


def _build_part(name: str, kinds: Sequence[type[Any]], values: dict[str, Any]) -> Any:
    by_kind = {kind.kind: kind for kind in kinds}
    asked = values.setdefault("kind", kinds[0].kind)
    if asked not in by_kind:
        raise PRSMedError("bad_checkpoint", f"{name} is of kind {asked!r}; known are {', '.join(by_kind)}")
    return _build(by_kind[asked], values)


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
