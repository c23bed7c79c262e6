"""SAM's mask decoder, prompted by the state of a `[SEG]` token (in the style of MedSeg-R; LISA's pattern)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from transformers import SamMaskDecoderConfig
from transformers.models.sam.modeling_sam import SamMaskDecoder

from prsmed.model.config import SamDecoderConfig
from prsmed.model.decoder import Fused, MaskDecoder
from prsmed.model.encoder import ImageFeatures
from prsmed.model.importers.reading import check_fit
from prsmed.model.importers.sam_keys import decoder_key

_FRESH = "text_fcs."
"""What SAM does not have: the way from the language model to its prompts."""


class SamDecoder(MaskDecoder):
    """One vector a mask becomes SAM's prompt; of SAM's several masks the single one is taken.

    Args:
        config: Only says which part its weights start from.
        image_dim: Channels C of the image features; 256 for imported weights.
        prompt_dim: Width D of the language model.
    """

    positions: Tensor

    def __init__(self, config: SamDecoderConfig, *, image_dim: int, prompt_dim: int) -> None:
        super().__init__()
        self.dim = 1
        self.text_fcs = nn.Sequential(nn.Linear(prompt_dim, prompt_dim), nn.ReLU(), nn.Linear(prompt_dim, image_dim))
        self.sam = SamMaskDecoder(
            SamMaskDecoderConfig(
                hidden_size=image_dim,
                mlp_dim=8 * image_dim,
                iou_head_hidden_dim=image_dim,
                layer_norm_eps=1e-5,  # as the original has it; transformers' default is smaller
            )
        )
        self.no_mask = nn.Parameter(torch.zeros(image_dim))
        self.register_buffer("positions", torch.randn(2, image_dim // 2))

    def fuse(self, features: ImageFeatures, prompt: Tensor, is_padding: Tensor) -> Fused:
        """SAM's decoder on ``prompt`` ``(N, 1, D)``: logits ``(N, 1, 4h, 4w)``."""
        dense = features.dense
        masks, _ = self.sam(
            image_embeddings=dense,
            image_positional_embeddings=self._place(*dense.shape[-2:]).expand_as(dense),
            sparse_prompt_embeddings=self.text_fcs(prompt).unsqueeze(1),
            dense_prompt_embeddings=self.no_mask.view(1, -1, 1, 1).expand_as(dense),
            multimask_output=False,
        )
        return Fused(masks[:, 0])

    def draw(self, fused: Fused, features: ImageFeatures, size: int) -> Tensor:
        """Enlarged bilinearly."""
        return nn.functional.interpolate(fused.grid, size=(size, size), mode="bilinear", align_corners=False)

    def _place(self, height: int, width: int) -> Tensor:
        """SAM's random Fourier code ``(1, C, h, w)`` of every cell of a grid."""
        device = self.positions.device
        rows = (torch.arange(height, device=device) + 0.5) / height
        cols = (torch.arange(width, device=device) + 0.5) / width
        place = torch.stack(torch.meshgrid(cols, rows, indexing="xy"), dim=-1)  # (h, w, 2): across, down
        angles = 2 * torch.pi * ((2 * place - 1) @ self.positions)
        return torch.cat([angles.sin(), angles.cos()], dim=-1).permute(2, 0, 1).unsqueeze(0)


def load_sam(decoder: SamDecoder, weights: dict[str, Tensor]) -> None:
    """Start from the decoder of a SAM, under its original names; what else SAM has is left out.

    Args:
        decoder: What to fill; ``text_fcs`` stays as it is.
        weights: ``mask_decoder.*``, and of ``prompt_encoder.*`` the code of positions and that of no mask.

    Raises:
        PRSMedError: ``bad_weights`` when keys or shapes do not fit.
    """
    own = {key: tensor.shape for key, tensor in decoder.state_dict().items() if not key.startswith(_FRESH)}
    renamed = {decoder_key(key): tensor for key, tensor in weights.items()}
    found = {key: tensor.squeeze(0) if key == "no_mask" else tensor for key, tensor in renamed.items() if key}
    check_fit(own, found, "sam.safetensors")
    decoder.load_state_dict(found, strict=False)
