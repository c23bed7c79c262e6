"""Put a model together from its configuration."""

from __future__ import annotations

from transformers import PreTrainedTokenizerFast

from prsmed.errors import PRSMedError
from prsmed.model.conditioner import build_conditioner
from prsmed.model.config import (
    DecoderConfig,
    EncoderConfig,
    FusionConfig,
    ModelConfig,
    ReferenceConfig,
    TinyLanguageConfig,
    TinyViTConfig,
)
from prsmed.model.decoder import MaskDecoder
from prsmed.model.encoder import ImageEncoder
from prsmed.model.fusion_decoder import FusionDecoder
from prsmed.model.language import LanguageModel
from prsmed.model.load_language import load_language
from prsmed.model.mask_tokens import MaskTokens
from prsmed.model.presence import PresenceHead
from prsmed.model.prsmed import PRSMed
from prsmed.model.reference_decoder import ReferenceDecoder
from prsmed.model.sam_decoder import SamDecoder
from prsmed.model.sam_vit import SamViT
from prsmed.model.tiny_llava import TinyLlava, build_tiny_llava
from prsmed.model.tiny_vit import TinyViT
from prsmed.model.visual_tokens import SharedVisualTokens


def build_model(config: ModelConfig, tokenizer: PreTrainedTokenizerFast | None = None) -> PRSMed:
    """A model with fresh weights but for an imported language model's (seed torch before for the same ones again).

    Args:
        config: What it is made of.
        tokenizer: Of a language model from scratch.

    Raises:
        PRSMedError: What :func:`~prsmed.model.load_language.load_language` raises.
    """
    encoder = None if config.encoder is None else build_encoder(config.encoder)
    seg = config.condition_on == "seg"
    if isinstance(config.language, TinyLanguageConfig):
        if tokenizer is None or encoder is None:
            raise PRSMedError("bad_model", "a language model from scratch needs a tokenizer and an image encoder")
        return assemble(config, encoder, build_tiny_llava(config.language, encoder.dim, tokenizer, seg))
    return assemble(config, encoder, load_language(config.language, seg))


def assemble(config: ModelConfig, encoder: ImageEncoder | None, language: LanguageModel) -> PRSMed:
    """A model around an encoder and a language model; what stands between them has fresh weights."""
    hidden = language.hidden_size
    mask_tokens = visual_tokens = decoder = presence = None
    if encoder is not None and config.answer_from == "mask":
        mask_tokens = MaskTokens(encoder.dim, hidden, config.described_regions)
    if encoder is not None and isinstance(language, TinyLlava):
        projector = language.llava.model.multi_modal_projector
        visual_tokens = SharedVisualTokens(projector, encoder.dim, hidden, language.visual_grid)
    if encoder is not None and config.decoder is not None:
        decoder = _build_decoder(config.decoder, encoder, hidden)
        if config.presence_from == "head":
            presence = PresenceHead(encoder.dim if config.condition_on == "seg" else decoder.dim, hidden)
    return PRSMed(
        config,
        encoder=encoder,
        language=language,
        visual_tokens=visual_tokens,
        conditioner=build_conditioner(config.condition_on),
        decoder=decoder,
        presence=presence,
        mask_tokens=mask_tokens,
    )


def build_encoder(config: EncoderConfig) -> ImageEncoder:
    """An image encoder with fresh weights."""
    encoder = TinyViT(config) if isinstance(config, TinyViTConfig) else SamViT(config)
    encoder.frozen, encoder.keeps_statistics = config.frozen, bool(config.part)
    return encoder.requires_grad_(not config.frozen)


def _build_decoder(config: DecoderConfig, encoder: ImageEncoder, hidden: int) -> MaskDecoder:
    if isinstance(config, FusionConfig):
        return FusionDecoder(config, image_dim=encoder.dim, prompt_dim=hidden, finer_dims=encoder.finer_dims)
    if isinstance(config, ReferenceConfig):
        return ReferenceDecoder(config, image_dim=encoder.dim, prompt_dim=hidden)
    return SamDecoder(config, image_dim=encoder.dim, prompt_dim=hidden)
