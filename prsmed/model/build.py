"""Put a model together from its configuration."""

from __future__ import annotations

from transformers import PreTrainedTokenizerFast

from prsmed.model.conditioner import SequenceConditioner
from prsmed.model.config import ModelConfig
from prsmed.model.fusion_decoder import FusionDecoder
from prsmed.model.tiny_vit import TinyViT
from prsmed.model.language import build_tiny_llava
from prsmed.model.mask_tokens import MaskTokens
from prsmed.model.presence import PresenceHead
from prsmed.model.prsmed import PRSMed
from prsmed.model.visual_tokens import SharedVisualTokens


def build_model(config: ModelConfig, tokenizer: PreTrainedTokenizerFast) -> PRSMed:
    """A model with fresh weights (seed torch before for the same ones again)."""
    image_dim, hidden = config.encoder.neck_dim, config.language.hidden_size
    encoder = TinyViT(config.encoder)
    language = build_tiny_llava(config.language, image_dim, tokenizer)
    grid = config.language.visual_grid
    mask_tokens = MaskTokens(image_dim, hidden, config.described_regions) if config.answer_from == "mask" else None
    projector = language.llava.model.multi_modal_projector
    return PRSMed(
        config,
        encoder=encoder,
        language=language,
        visual_tokens=SharedVisualTokens(projector, image_dim, hidden, grid),
        conditioner=SequenceConditioner(config.condition_on, grid * grid),
        decoder=FusionDecoder(config.decoder, image_dim=image_dim, prompt_dim=hidden, finer_dims=encoder.finer_dims),
        presence=PresenceHead(config.decoder.dim, hidden),
        mask_tokens=mask_tokens,
    )
