"""SAM's weights under both names do the same."""

from __future__ import annotations

import pytest
import torch
from plain_sam import decode, encode
from sam_files import MEDSAM, SAM_MED2D, encoder_file, rest_of_file
from transformers import SamConfig, SamModel

from prsmed.model.build import build_encoder
from prsmed.model.config import SamDecoderConfig, SamViTConfig
from prsmed.model.encoder import ImageFeatures
from prsmed.model.importers.sam_keys import decoder_key, encoder_key, original_key
from prsmed.model.sam_decoder import SamDecoder, load_sam


@torch.no_grad()
@pytest.mark.parametrize("config", [MEDSAM, SAM_MED2D], ids=["medsam", "sam-med2d"])
def test_renamed_weights_encode_as_the_original_does(config: SamViTConfig) -> None:
    original = {key.removeprefix("image_encoder."): tensor for key, tensor in encoder_file(config).items()}
    encoder = build_encoder(config).eval()
    encoder.load_state_dict({encoder_key(key, config.adapters): tensor for key, tensor in original.items()})
    pixels = torch.rand(2, 3, config.image_size, config.image_size)
    shown = encoder._normalize(pixels)
    windows = [0 if block in config.global_attention else config.window_size for block in range(config.num_layers)]
    expected = encode(original, shown, config.num_heads, windows)
    torch.testing.assert_close(encoder(pixels).dense, expected, atol=1e-4, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("grid", [(4, 4), (3, 5)])
def test_renamed_weights_decode_as_the_original_does(grid: tuple[int, int]) -> None:
    original = rest_of_file()
    decoder = SamDecoder(SamDecoderConfig(), image_dim=32, prompt_dim=8).eval()
    load_sam(decoder, original)
    dense, prompt = torch.randn(2, 32, *grid), torch.randn(2, 1, 8)
    fused = decoder.fuse(ImageFeatures(dense, ()), prompt, torch.zeros(2, 1, dtype=torch.bool))
    expected = decode(original, dense, decoder.text_fcs(prompt)[:, 0])
    torch.testing.assert_close(fused.grid, expected, atol=1e-4, rtol=1e-4)


def test_names_of_transformers_become_the_original_ones() -> None:
    with torch.device("meta"):
        keys = set(SamModel(SamConfig()).state_dict())
        own = set(build_encoder(SamViTConfig()).state_dict())
        decoder = set(SamDecoder(SamDecoderConfig(), image_dim=256, prompt_dim=8).state_dict())
    original = {original_key(key) for key in keys}
    encoder = {key.removeprefix("image_encoder.") for key in original if key.startswith("image_encoder.")}
    assert {encoder_key(key, has_adapters=False) for key in encoder} == own
    assert {decoder_key(key) for key in original} - {None} == {key for key in decoder if "text_fcs" not in key}
    assert not {key for key in original if key.split(".")[0] not in ("image_encoder", "mask_decoder", "prompt_encoder")}
