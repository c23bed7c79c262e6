"""A model with random weights that finds what a question calls a lesion and misses what it calls a stone.

A server's tests are about the server: they need a mask when there is one to send and none when there is none, not
a clever model. All weights are random but the presence head's, which looks at the last word only.
"""

from __future__ import annotations

from pathlib import Path

import torch

from prsmed.model.build import build_model
from prsmed.model.checkpoint import save_checkpoint
from prsmed.model.config import FusionConfig, ModelConfig, TinyLanguageConfig, TinyViTConfig
from prsmed.model.prsmed import PRSMed
from prsmed.model.tokenizer import train_tokenizer

FOUND, MISSED = "Where is the lesion?", "Is there a kidney stone?"
_CONFIG = ModelConfig(
    name="tiny",
    image_size=64,
    encoder=TinyViTConfig(
        embed_dims=(8, 16, 16, 16),
        depths=(1, 1, 1, 1),
        num_heads=(1, 1, 1, 1),
        window_sizes=(4, 4, 4, 4),
        neck_dim=16,
    ),
    language=TinyLanguageConfig(
        vocab_size=300, hidden_size=16, intermediate_size=32, num_layers=1, num_heads=2, visual_grid=2
    ),
    decoder=FusionConfig(dim=16, num_heads=2, up_dims=(16, 8), dropout=0.0),
    mask_threshold=0.0,
    max_answer_tokens=8,
)


def write_tiny_model(folder: Path) -> Path:
    """Write the checkpoint; the same one every time."""
    torch.manual_seed(0)
    model = build_model(_CONFIG, train_tokenizer([FOUND, MISSED], _CONFIG.language.vocab_size)).eval()
    _teach_presence(model)
    save_checkpoint(model, folder, "tiny-1")
    return folder


@torch.no_grad()
def _teach_presence(model: PRSMed) -> None:
    """Presence logit 10 where a prompt ends like FOUND, -40 where it ends like MISSED; blind to the image."""
    pixels = torch.rand((1, 3, _CONFIG.image_size, _CONFIG.image_size))
    seen = model.see(pixels)
    found, missed = (
        model.read(seen, model.language.encode_questions([question], ())).hidden[0, -1] for question in (FOUND, MISSED)
    )
    first, last = model.presence.layers[0], model.presence.layers[2]
    way = (missed - found) / (missed - found).square().sum()
    for layer in (first, last):
        layer.weight.zero_()
        layer.bias.zero_()
    first.weight[0, -way.numel() :] = 100 * way
    first.bias[0] = -50 - 100 * way @ found
    last.weight[0, 0], last.bias[0] = -1.0, 10.0
